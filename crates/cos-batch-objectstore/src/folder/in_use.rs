//! Whether somebody else has the folder open: told by a lock on it, which the system takes back from whoever dies.

use std::{fs::File, io, path::Path};

use rustix::{
    fs::{FlockOperation, flock},
    io::{Errno, retry_on_intr},
};

/// The folder is in use, as long as this value lives.
pub(super) struct InUse {
    folder: File,
    /// Nobody else has it open, and nobody else can open it before it is [shared](Self::share).
    pub(super) alone: bool,
}

impl InUse {
    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        // A handle of its own: those that names are looked up in cannot be locked.
        let folder = File::open(folder)?;
        let alone = match retry_on_intr(|| flock(&folder, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => true,
            Err(Errno::WOULDBLOCK) => false,
            // A file system without locks: whoever is there cannot be seen, and is left alone.
            Err(error) => {
                tracing::warn!(%error, "whether others use the folder is not known; temporary files are not swept");
                return Ok(Self { folder, alone: false });
            }
        };
        let in_use = Self { folder, alone };
        if !alone {
            in_use.share()?;
        }
        Ok(in_use)
    }

    /// Lets others open the folder too. Waits for one that is just sweeping it.
    pub(super) fn share(&self) -> io::Result<()> {
        Ok(retry_on_intr(|| flock(&self.folder, FlockOperation::LockShared))?)
    }
}
