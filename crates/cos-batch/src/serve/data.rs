//! The data folder: what is where in it.

use std::{
    fs, io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use super::lock::Lock;
use crate::{
    credentials::{self, Credentials},
    exit::Error,
};

/// What is where in a data folder, whether anything is there or not.
pub(crate) struct Paths {
    /// Outcomes on their way into a report.
    pub(crate) spool: PathBuf,
    /// The database of jobs.
    pub(crate) jobs: PathBuf,
    /// The generated key.
    pub(crate) credentials: PathBuf,
}

/// What is where in this data folder.
pub(crate) fn paths(folder: &Path) -> Paths {
    Paths {
        spool: folder.join("spool"),
        jobs: folder.join("jobs.sqlite"),
        credentials: folder.join("credentials.toml"),
    }
}

/// Makes a folder and those it is in, unless it is there.
pub(crate) fn make_folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Error::usage(format!("{}: this is a file, and no folder", path.display())),
        _ => Error::usage(format!("{}: {error}", path.display())),
    })
}

/// Makes a folder for nobody but this user, unless it is there.
fn make_private_folder(path: &Path) -> Result<(), Error> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => make_folder(path),
        made => made.map_err(|error| Error::usage(format!("{}: {error}", path.display()))),
    }
}

/// A data folder, locked for this process.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: Lock,
}

impl DataFolder {
    /// Makes what is missing in the folder and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let named = |error: Error| error.while_doing("--data");
        // Its mode is what the umask says, for people put files into buckets in it; what they have no business in has its own.
        make_folder(path).map_err(named)?;
        let lock = Lock::take(&path.join("lock"), path)?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        make_folder(&folder.buckets()).map_err(named)?;
        make_private_folder(&folder.spool()).map_err(named)?;
        Ok(folder)
    }

    /// A folder for each bucket. People make them, and put files in.
    pub(crate) fn buckets(&self) -> PathBuf {
        self.path.join("buckets")
    }

    /// Outcomes on their way into a report.
    pub(crate) fn spool(&self) -> PathBuf {
        paths(&self.path).spool
    }

    /// The database of jobs.
    pub(crate) fn jobs(&self) -> PathBuf {
        paths(&self.path).jobs
    }

    /// The generated key.
    pub(crate) fn credentials(&self) -> PathBuf {
        paths(&self.path).credentials
    }

    /// The folder's own key, made if there is none; says whether it was made now.
    pub(crate) fn own_key(&self) -> Result<(Credentials, bool), Error> {
        let path = self.credentials();
        let made = !path.try_exists()?;
        if made {
            credentials::generate(&path).map_err(|error| error.while_doing(path.display()))?;
        }
        Ok((Credentials::read(&path)?, made))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_spool_is_for_nobody_else_and_one_that_is_there_stays_as_it_is() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(&place.path().join("a/b/new")).unwrap();
        assert_eq!(mode(&folder.spool()), 0o700);
        let buckets = mode(&folder.buckets());
        assert_eq!(buckets & 0o700, 0o700, "people put files in, and who may is the umask's to say: {buckets:o}");
        fs::set_permissions(folder.spool(), fs::Permissions::from_mode(0o750)).unwrap();
        drop(folder);
        let folder = DataFolder::open(&place.path().join("a/b/new")).unwrap();
        assert_eq!(mode(&folder.spool()), 0o750);
    }

    #[test]
    fn a_file_is_no_data_folder() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("below")] {
            let error = DataFolder::open(&path).unwrap_err().to_string();
            assert!(error.contains("--data") && error.contains("file"), "{error}");
        }
    }
}
