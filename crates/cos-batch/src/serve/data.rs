//! The data folder: what is where in it.

use std::{
    fs, io,
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

/// A data folder, locked for this process.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: Lock,
}

impl DataFolder {
    /// Makes what is missing in the folder and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let make = |path: &Path| make_folder(path).map_err(|error| error.while_doing("--data"));
        make(path)?;
        let lock = Lock::take(&path.join("lock"), path)?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        make(&folder.buckets())?;
        make(&folder.spool())?;
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
