//! What a process takes, as the system tells it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// One look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Bytes in memory, pages of files included.
    pub(crate) resident: u64,
    /// Bytes in memory that are its own.
    pub(crate) own: u64,
    pub(crate) descriptors: u64,
    pub(crate) threads: u64,
    /// Bytes of all files below its folder.
    pub(crate) state: u64,
}

impl Sample {
    /// Looks at this process and this folder.
    pub(crate) fn of(process: u32, folder: &Path) -> io::Result<Self> {
        let proc = PathBuf::from(format!("/proc/{process}"));
        let status = fs::read_to_string(proc.join("status"))?;
        let field = |name: &str| -> u64 {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse().unwrap()
        };
        Ok(Self {
            resident: field("VmRSS:") * 1024,
            own: field("RssAnon:") * 1024,
            descriptors: fs::read_dir(proc.join("fd"))?.count() as u64,
            threads: field("Threads:"),
            state: bytes_below(folder)?,
        })
    }
}

/// Files come and go meanwhile.
fn bytes_below(folder: &Path) -> io::Result<u64> {
    let there = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(0) } else { Err(error) };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return there(error),
    };
    let mut bytes = 0;
    for entry in entries {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => bytes_below(&entry.path())?,
            Ok(metadata) => metadata.len(),
            Err(error) => there(error)?,
        };
    }
    Ok(bytes)
}
