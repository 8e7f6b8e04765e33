//! One bucket's folder: its handles, its settings, temporary files.

use std::{
    fs::File,
    hash::{DefaultHasher, Hash, Hasher},
    io::{Read, Write},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock},
};

use cap_std::fs::Dir;
use rustix::{
    fd::{AsFd, BorrowedFd, OwnedFd},
    fs::{self, AtFlags, Mode},
    io::{Errno, Result},
};
use serde::{Deserialize, Serialize};

use super::{
    at::{self, Stamp},
    etags::Etags,
    names::HIDDEN,
    temp::{Linking, Temp},
};
use crate::{ErrorKind, fail::Fail, rules::Versioning};

/// Temporary files: what is being written, before it is renamed to where it belongs.
pub(super) const TEMP: &str = "tmp";
const SETTINGS: &str = "bucket.json";
/// Bytes of a bucket's settings at most; ours have a few dozen.
const MAX_SETTINGS_BYTES: u64 = 4096;
/// Locks for keys. Two keys may share one, which costs a moment's wait only.
const LOCKS: usize = 256;

/// Shared by all stores of the process, so that two stores on one folder do not mix their changes of one object.
static KEYS: [Mutex<()>; LOCKS] = [const { Mutex::new(()) }; LOCKS];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    versioning: SettingsVersioning,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum SettingsVersioning {
    Enabled,
    Suspended,
}

/// An open bucket.
pub(super) struct Bucket {
    folder: Arc<OwnedFd>,
    /// Opened before anything is written: a system tells whoever has a file open of what it could not write since then, each
    /// once, and who opens one later only what nobody was told yet. None where the folder's names may not be read.
    barriers: Option<OwnedFd>,
    /// Device and inode of the folder, to notice that another took its place.
    pub(super) identity: (u64, u64),
    hidden: RwLock<Option<Arc<OwnedFd>>>,
    temp: RwLock<Option<Arc<OwnedFd>>>,
    settings: Mutex<Option<(Stamp, Versioning)>>,
    /// ETags of plain files, as far as they were computed.
    pub(super) etags: Etags,
    /// How files without a name get one here.
    pub(super) linking: OnceLock<Option<Linking>>,
}

impl Bucket {
    pub(super) fn new(folder: Dir) -> Result<Self> {
        let folder = OwnedFd::from(folder.into_std_file());
        let stamp = at::stamp(&folder)?;
        Ok(Self {
            barriers: at::reopen(&folder).ok(),
            folder: Arc::new(folder),
            identity: (stamp.device, stamp.inode),
            hidden: RwLock::default(),
            temp: RwLock::default(),
            settings: Mutex::default(),
            etags: Etags::default(),
            linking: OnceLock::new(),
        })
    }

    pub(super) fn folder(&self) -> &Arc<OwnedFd> {
        &self.folder
    }

    /// The hidden area, if there is one. It may come to be at any time, by another store.
    pub(super) fn hidden(&self) -> Result<Option<Arc<OwnedFd>>> {
        cached(&self.hidden, || match at::open(&self.folder, HIDDEN, at::FOLDER) {
            Err(Errno::NOENT) => Ok(None),
            opened => opened.map(Some),
        })
    }

    /// The hidden area, made if there is none.
    pub(super) fn hidden_made(&self) -> Result<Arc<OwnedFd>> {
        if let Some(hidden) = self.hidden()? {
            return Ok(hidden);
        }
        make_folder(self.folder.as_fd(), HIDDEN)?;
        self.hidden()?.ok_or(Errno::NOENT)
    }

    pub(super) fn temp_folder(&self) -> Result<Arc<OwnedFd>> {
        let opened = cached(&self.temp, || {
            let hidden = self.hidden_made()?;
            make_folder(hidden.as_fd(), TEMP)?;
            at::open(&hidden, TEMP, at::FOLDER).map(Some)
        })?;
        opened.ok_or(Errno::NOENT)
    }

    /// Opens the hidden folders anew: somebody removed them.
    pub(super) fn forget_handles(&self) {
        *self.hidden.write().unwrap_or_else(PoisonError::into_inner) = None;
        *self.temp.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Whether this bucket keeps versions. Costs one look at the settings' stamp: another store may have changed them.
    pub(super) fn versioning(&self) -> std::result::Result<Versioning, Fail> {
        let Some(hidden) = self.hidden()? else { return Ok(Versioning::Off) };
        let stamp = match at::stat(&hidden, SETTINGS) {
            Err(Errno::NOENT) => return Ok(Versioning::Off),
            stamp => stamp?,
        };
        let mut known = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((seen, versioning)) = *known
            && seen == stamp
        {
            return Ok(versioning);
        }
        let file = File::from(at::open(&hidden, SETTINGS, at::READ)?);
        let mut text = Vec::new();
        file.take(MAX_SETTINGS_BYTES).read_to_end(&mut text)?;
        let settings: Settings = serde_json::from_slice(&text)
            .map_err(|e| Fail::new(ErrorKind::InternalError, format!("the bucket's settings are unreadable: {e}")))?;
        let versioning = match settings.versioning {
            SettingsVersioning::Enabled => Versioning::Enabled,
            SettingsVersioning::Suspended => Versioning::Suspended,
        };
        *known = Some((stamp, versioning));
        Ok(versioning)
    }

    pub(super) fn set_versioning(&self, on: bool) -> std::result::Result<(), Fail> {
        let versioning = match self.versioning()?.switched(on) {
            Versioning::Off => return Ok(()),
            Versioning::Enabled => SettingsVersioning::Enabled,
            Versioning::Suspended => SettingsVersioning::Suspended,
        };
        let text = serde_json::to_vec(&Settings { versioning })
            .map_err(|e| Fail::new(ErrorKind::InternalError, e.to_string()))?;
        let mut temp = Temp::named(self)?;
        temp.file.write_all(&text)?;
        temp.file.sync_all()?;
        let hidden = self.hidden_made()?;
        temp.rename(self, |folder, name| fs::renameat(folder, name, &hidden, SETTINGS))?;
        temp.settled();
        sync_folder(at::reopen(&hidden)?)?;
        Ok(())
    }

    /// Holds off other changes of the same object by this process.
    pub(super) fn lock(&self, key: &str) -> MutexGuard<'static, ()> {
        let mut hasher = DefaultHasher::new();
        (self.identity, key).hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % LOCKS as u64).unwrap_or(0);
        KEYS[index].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One sync of the whole file system this bucket is on.
    pub(super) fn sync(&self) -> Result<()> {
        fs::syncfs(at::reopen(&self.folder)?)
    }

    /// The same for all that was done so far, whoever did it and whoever else has synced since: by a handle of its own, which
    /// is told of everything that could not be written.
    pub(super) fn barrier(&self) -> Result<()> {
        match &self.barriers {
            Some(folder) => fs::syncfs(folder),
            None => self.sync(),
        }
    }

    /// Removes temporary files last written before `time` (Unix seconds): their writer is gone.
    pub(super) fn sweep(&self, time: i64) -> Result<usize> {
        let Some(hidden) = self.hidden()? else { return Ok(0) };
        let folder = match at::open(&hidden, TEMP, at::SCAN) {
            Err(Errno::NOENT) => return Ok(0),
            opened => opened?,
        };
        let mut swept = 0;
        for entry in fs::Dir::read_from(&folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else { continue };
            let old = at::stat(&folder, name).is_ok_and(|s| s.kind.is_file() && s.modified.0 < time);
            if old && fs::unlinkat(&folder, name, AtFlags::empty()).is_ok() {
                swept += 1;
            }
        }
        Ok(swept)
    }
}

fn cached(
    slot: &RwLock<Option<Arc<OwnedFd>>>,
    open: impl FnOnce() -> Result<Option<OwnedFd>>,
) -> Result<Option<Arc<OwnedFd>>> {
    if let Some(handle) = &*slot.read().unwrap_or_else(PoisonError::into_inner) {
        return Ok(Some(Arc::clone(handle)));
    }
    let opened = open()?.map(Arc::new);
    slot.write().unwrap_or_else(PoisonError::into_inner).clone_from(&opened);
    Ok(opened)
}

fn make_folder(at: BorrowedFd<'_>, name: &str) -> Result<()> {
    match fs::mkdirat(at, name, Mode::from_raw_mode(0o777)) {
        Err(Errno::EXIST) => Ok(()),
        made => made,
    }
}

/// Makes the names in a folder durable. A file system that cannot do it (EINVAL) has no need to.
pub(super) fn sync_folder(folder: OwnedFd) -> Result<()> {
    match fs::fsync(folder) {
        Err(Errno::INVAL) => Ok(()),
        synced => synced,
    }
}
