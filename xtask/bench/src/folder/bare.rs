//! The least that copying files durably can take: a file without a name, filled inside the kernel and then linked where it
//! belongs, as our folder store does it, in a loop of some threads; at the end all of it is synchronized at once.

use std::{
    fs::File,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use anyhow::{Context as _, anyhow, ensure};
use rustix::{
    fs::{self, AtFlags, Mode, OFlags, ResolveFlags},
    io::Errno,
};

/// Copies the files of numbered folders, so many each, to the same names below another folder.
///
/// # Errors
///
/// If one file cannot be copied.
pub(super) fn run(from: &Path, to: &Path, files: u64, files_of_a_folder: u64, threads: usize) -> anyhow::Result<()> {
    let folder = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let from = fs::open(from, folder, Mode::empty())?;
    fs::mkdir(to.join("in"), Mode::from_raw_mode(0o777))?;
    let to = fs::open(to.join("in"), folder, Mode::empty())?;
    let next = AtomicU64::new(0);
    let copy = || -> anyhow::Result<()> {
        loop {
            let row = next.fetch_add(1, Ordering::Relaxed);
            if row >= files {
                return Ok(());
            }
            let parent = format!("{:03}", row / files_of_a_folder);
            let leaf = format!("{row:08}");
            copied(&from, &to, &parent, &leaf).with_context(|| format!("copying {parent}/{leaf}"))?;
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(copy)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a thread broke off"))?)
    })?;
    // Where the store cannot link a file by its descriptor, neither can this.
    fs::syncfs(&to)?;
    Ok(())
}

fn copied(from: impl rustix::fd::AsFd, to: impl rustix::fd::AsFd, parent: &str, leaf: &str) -> anyhow::Result<()> {
    let below = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let read = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let source = File::from(fs::openat2(from, format!("{parent}/{leaf}"), read, Mode::empty(), below)?);
    let size = fs::fstat(&source)?.st_size;
    let folder = || fs::openat2(&to, parent, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty(), below);
    let home = match folder() {
        Err(Errno::NOENT) => {
            match fs::mkdirat(&to, parent, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            folder()?
        }
        opened => opened?,
    };
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let target = fs::openat(&home, ".", flags, Mode::from_raw_mode(0o666))?;
    let size = usize::try_from(size)?;
    let copied = fs::copy_file_range(&source, None, &target, None, size)?;
    ensure!(copied == size, "the file is not copied in one call");
    fs::fstat(&source)?;
    fs::linkat(&target, "", &home, leaf, AtFlags::EMPTY_PATH)?;
    Ok(())
}
