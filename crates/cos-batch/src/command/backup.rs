//! `cos-batch backup` and `cos-batch restore`: the state of a data folder, while a server works on it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use cos_batch_jobstore::{copy_store, unfinished_jobs};
use uuid::Uuid;

use crate::{
    exit::{Error, Exit},
    output::Terminal,
    serve::{DataFolder, Paths, paths},
};

/// A copy is made anew so often when jobs ended while it was made.
const TRIES: u32 = 5;

/// Copy the jobs of a data folder to another folder, while a server works on it.
///
/// What is copied are the jobs with their progress, the outcomes that wait for their reports, and the key made at the first
/// start. The buckets are not: they are folders, which any program can copy.
#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// Folder that a server works on, or worked on
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Folder for the copy; there must be none yet
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Bring the jobs of a backup back into a data folder that has none.
///
/// Jobs go on from where they were when the backup was made: what was done since is done again.
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// Folder that a backup was written to
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Data folder, on which no server works; it may have buckets, but no jobs
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Backup {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let source = paths(&self.data);
        if !source.jobs.try_exists()? {
            return Err(Error::usage(format!("--data {}: there are no jobs in it", self.data.display())));
        }
        make(&self.to)?;
        let target = paths(&self.to);
        let mut ended = Vec::new();
        for _ in 0..TRIES {
            ended = once(&source, &target)?;
            if ended.is_empty() {
                break;
            }
        }
        if source.credentials.try_exists()? {
            copied(&source.credentials, &target.credentials)?;
        }
        sync(&self.to)?;
        for job in &ended {
            tracing::warn!(%job, "the job ended while its outcomes were copied: brought back, it may lack some for its report");
        }
        let jobs = unfinished_jobs(&target.jobs).map_err(Error::other)?.len();
        terminal.line(&format!("backup in {}: {jobs} jobs that have not ended", self.to.display()))?;
        Ok(Exit::Ok)
    }
}

impl Restore {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let source = paths(&self.from);
        if !source.jobs.try_exists()? {
            return Err(Error::usage(format!("--from {}: there is no backup in it", self.from.display())));
        }
        // Locked, so that no server begins on half of it.
        let _folder = DataFolder::open(&self.data)?;
        let target = paths(&self.data);
        if target.jobs.try_exists()? {
            return Err(Error::usage(format!("--data {}: there are jobs in it already", self.data.display())));
        }
        copy_tree(&source.spool, &target.spool)?;
        if source.credentials.try_exists()? && !target.credentials.try_exists()? {
            copied(&source.credentials, &target.credentials)?;
        }
        // Last: a folder with jobs is whole.
        copy_store(&source.jobs, &target.jobs).map_err(Error::other)?;
        sync(&self.data)?;
        let jobs = unfinished_jobs(&target.jobs).map_err(Error::other)?.len();
        terminal.line(&format!("restored into {}: {jobs} jobs go on at the next start", self.data.display()))?;
        Ok(Exit::Ok)
    }
}

/// Copies jobs and outcomes. Tells of jobs whose outcomes may have been removed in between.
///
/// Outcomes are never changed, and those of a job are removed only once it has ended. So what is copied before the jobs and
/// once more after them has all that these jobs need, unless one of them ended meanwhile.
fn once(source: &Paths, target: &Paths) -> Result<Vec<Uuid>, Error> {
    copy_tree(&source.spool, &target.spool)?;
    match fs::remove_file(&target.jobs) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    copy_store(&source.jobs, &target.jobs).map_err(Error::other)?;
    copy_tree(&source.spool, &target.spool)?;
    let in_copy = unfinished_jobs(&target.jobs).map_err(Error::other)?;
    let now: BTreeSet<Uuid> = unfinished_jobs(&source.jobs).map_err(Error::other)?.into_iter().collect();
    Ok(in_copy.into_iter().filter(|job| !now.contains(job)).collect())
}

/// Copies files that are not there yet. What is removed meanwhile is left out.
fn copy_tree(from: &Path, to: &Path) -> Result<(), Error> {
    let mut folders = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = folders.pop() {
        let entries = match fs::read_dir(&from) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error.into()),
        };
        fs::create_dir_all(&to)?;
        for entry in entries {
            let entry = entry?;
            let (source, target) = (entry.path(), to.join(entry.file_name()));
            if entry.file_type()?.is_dir() {
                folders.push((source, target));
            } else if !target.try_exists()? {
                match copied(&source, &target) {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    result => result?,
                }
            }
        }
        sync(&to)?;
    }
    Ok(())
}

/// Copies a file, which is whole under its name or not there.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let mut unfinished = to.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    fs::copy(from, &unfinished)?;
    fs::File::open(&unfinished)?.sync_all()?;
    fs::rename(&unfinished, to)
}

/// What was renamed in a folder survives a loss of power.
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Makes the folder, which nobody else may read: there are keys and names of objects in it.
fn make(folder: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt as _;
    let made = fs::DirBuilder::new().mode(0o700).create(folder);
    made.map_err(|error| Error::usage(format!("--to {}: {error}", folder.display())))
}
