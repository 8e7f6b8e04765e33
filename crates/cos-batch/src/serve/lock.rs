//! One server for a folder at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read as _, Seek as _, Write as _},
    path::Path,
};

use crate::exit::{Error, Exit};

/// Bytes read of a lock file: more than a process id has.
const ID_BYTES_MAX: u64 = 32;

/// A held lock. The system gives it back when the process ends, however that comes about.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock on `folder`, and leaves this process's id in the lock file for people.
    pub(super) fn take(path: &Path, folder: &Path) -> Result<Self, Error> {
        let failed = |error| Error::usage(format!("--data: {}: {error}", path.display()));
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = holder(&file).map_or_else(String::new, |id| format!(" (process {id})"));
                let folder = folder.display();
                return Err(Error::new(
                    Exit::AlreadyRunning,
                    format!("another cos-batch{holder} already works on {folder}; a folder has one server at a time"),
                ));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(ID_BYTES_MAX).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_held_once_and_names_its_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = Lock::take(&path, folder.path()).unwrap();
        let error = Lock::take(&path, folder.path()).unwrap_err();
        assert_eq!(error.exit(), Exit::AlreadyRunning);
        assert!(error.to_string().contains(&format!("(process {})", std::process::id())), "{error}");
        drop(lock);
        Lock::take(&path, folder.path()).unwrap();
    }
}
