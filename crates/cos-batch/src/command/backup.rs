//! `cos-batch backup` and `cos-batch restore`: the state of a data folder, while a server works on it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use clap::Args;
use cos_batch_engine::Spool;
use cos_batch_jobstore::{copy_store, find_rows, unfinished_jobs};
use uuid::Uuid;

use crate::{
    exit::{Error, Exit},
    output::Terminal,
    serve::{DataFolder, Paths, SPOOL_BUCKET, paths},
    text::things,
};

/// A copy is made anew so often when something it needs was removed while it was made.
const TRIES: u32 = 5;

/// What is behind the name of a file that is being copied.
const UNFINISHED: &str = ".unfinished";

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
        if !is_there(&source.jobs, "--data")? {
            return Err(Error::usage(format!("--data {}: there are no jobs in it", self.data.display())));
        }
        make(&self.to)?;
        let made = self.copy(&source);
        if made.is_err() {
            // The folder was made just now. Half a copy would keep the next try away; what cannot be removed stays.
            let _ = fs::remove_dir_all(&self.to);
        }
        let jobs = made?;
        let jobs = unfinished(jobs, "that has not ended", "that have not ended");
        terminal.line(&format!("backup in {}: {jobs}", self.to.display()))?;
        Ok(Exit::Ok)
    }

    /// Copies into the new folder; gives the number of jobs in it that have not ended.
    fn copy(&self, source: &Paths) -> Result<usize, Error> {
        let target = paths(&self.to);
        let mut lacks = Lacks::default();
        for _ in 0..TRIES {
            lacks = once(source, &target)?;
            if lacks == Lacks::default() {
                break;
            }
        }
        if let Some((job, name)) = lacks.rows {
            return Err(Error::other(format!(
                "job {job} is read faster than it can be copied ({name} was gone): once more when it has ended"
            )));
        }
        if source.credentials.try_exists()? {
            copied(&source.credentials, &target.credentials)?;
        }
        sync(&self.to)?;
        for job in &lacks.ended {
            tracing::warn!(%job, "the job ended while its outcomes were copied: brought back, it may lack some for its report");
        }
        Ok(unfinished_jobs(&target.jobs).map_err(Error::other)?.len())
    }
}

/// How many jobs do what.
fn unfinished(jobs: usize, one: &str, many: &str) -> String {
    let jobs = u64::try_from(jobs).unwrap_or(u64::MAX);
    things(jobs, &format!("job {one}"), &format!("jobs {many}"))
}

impl Restore {
    pub(super) fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let source = paths(&self.from);
        if !is_there(&source.jobs, "--from")? {
            return Err(Error::usage(format!("--from {}: there is no backup in it", self.from.display())));
        }
        let is_new = !self.data.try_exists()?;
        let restored = self.bring(&source);
        if restored.is_err() && is_new {
            // Nothing was there before. What cannot be removed stays.
            let _ = fs::remove_dir_all(&self.data);
        }
        let jobs = restored?;
        let jobs = unfinished(jobs, "goes on at the next start", "go on at the next start");
        terminal.line(&format!("restored into {}: {jobs}", self.data.display()))?;
        Ok(Exit::Ok)
    }

    /// Copies into the data folder; gives the number of jobs in it that have not ended.
    fn bring(&self, source: &Paths) -> Result<usize, Error> {
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
        // Last, and under its name only once it is whole: a folder with jobs is whole.
        let beside = with_end(&target.jobs, UNFINISHED);
        removed(&beside)?;
        copy_store(&source.jobs, &beside).map_err(Error::other)?;
        fs::rename(&beside, &target.jobs)?;
        sync(&self.data)?;
        Ok(unfinished_jobs(&target.jobs).map_err(Error::other)?.len())
    }
}

/// What a copy may lack.
#[derive(Debug, Default, PartialEq, Eq)]
struct Lacks {
    /// Outcomes of these jobs.
    ended: Vec<Uuid>,
    /// Rows of a manifest that a job of the copy still has to read.
    rows: Option<(Uuid, String)>,
}

/// Copies jobs and outcomes. Tells of what may have been removed in between.
///
/// Outcomes are never changed, and those of a job are removed only once it has ended. So what is copied before the jobs and
/// once more after them has all that these jobs need, unless one of them ended meanwhile. Rows that were read are removed
/// earlier: those made and read between the first copy and the second are in neither.
fn once(source: &Paths, target: &Paths) -> Result<Lacks, Error> {
    copy_tree(&source.spool, &target.spool)?;
    removed(&target.jobs)?;
    copy_store(&source.jobs, &target.jobs).map_err(Error::other)?;
    copy_tree(&source.spool, &target.spool)?;
    let in_copy = unfinished_jobs(&target.jobs).map_err(Error::other)?;
    let now: BTreeSet<Uuid> = unfinished_jobs(&source.jobs).map_err(Error::other)?.into_iter().collect();
    let mut rows = None;
    // A spool that is configured to be elsewhere is not copied.
    if source.spool.join(SPOOL_BUCKET).try_exists()? {
        let spool = target.spool.join(SPOOL_BUCKET);
        let missing = |job, name: &str| !spool.join(Spool::file_key(job, name)).exists();
        rows = find_rows(&target.jobs, missing).map_err(Error::other)?;
    }
    Ok(Lacks { ended: in_copy.into_iter().filter(|job| !now.contains(job)).collect(), rows })
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

/// Removes a file, if there is one.
fn removed(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Copies a file, which is whole under its name or not there.
fn copied(from: &Path, to: &Path) -> io::Result<()> {
    let unfinished = with_end(to, UNFINISHED);
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
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let text = format!("--to {}: there is something of that name already", folder.display());
            Error::usage(text).with_next("a folder that is not there yet, for each backup another")
        }
        _ => Error::usage(format!("--to {}: {error}", folder.display())),
    })
}

/// Whether there is such a file, in the folder that a flag names.
fn is_there(path: &Path, flag: &str) -> Result<bool, Error> {
    path.try_exists().map_err(|error| Error::usage(format!("{flag}: {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cos_batch_engine::{
        JobStore as _, SystemClock,
        store::{FileIndex, FileOutcome, FilePiece, FilePlace, JobStatus, ListedFile, Shard, ShardSource, contract},
    };
    use cos_batch_jobstore::SqliteJobStore;

    use super::*;

    /// Rows that are read and removed between the two copies are what a copy lacks; it is told of, and made anew.
    #[tokio::test]
    async fn rows_that_a_job_still_has_to_read_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let (source, target) = (paths(&folder.path().join("data")), paths(&folder.path().join("copy")));
        for place in [&source.spool, &target.spool] {
            fs::create_dir_all(place).unwrap();
        }
        let store = SqliteJobStore::open(&source.jobs, Arc::new(SystemClock)).unwrap();
        let job = store.create(contract::new_job("1", "a")).await.unwrap().id;
        let lease = store.lease_job(job, std::time::Duration::from_secs(60)).await.unwrap().unwrap();
        let shard = |index: u32, name: &str| Shard {
            index,
            source: ShardSource::Spooled { name: name.to_owned(), bytes: 10 },
            first_row: u64::from(index),
            rows: 1,
        };
        store.add_shards(&lease, vec![shard(0, "1-0-0.rows"), shard(1, "1-0-1.rows")]).await.unwrap();
        assert_eq!(once(&source, &target).unwrap(), Lacks::default(), "the spool is elsewhere");

        let of_job = source.spool.join(SPOOL_BUCKET).join(job.to_string());
        fs::create_dir_all(&of_job).unwrap();
        fs::write(of_job.join("1-0-0.rows"), "0123456789").unwrap();
        let lacks = Some((job, "1-0-1.rows".to_owned()));
        assert_eq!(once(&source, &target).unwrap(), Lacks { ended: Vec::new(), rows: lacks });
        fs::write(of_job.join("1-0-1.rows"), "0123456789").unwrap();
        assert_eq!(once(&source, &target).unwrap(), Lacks::default());
        // What was read of a listed file is no shard yet, and is needed all the same.
        contract::set_status(&store, job, JobStatus::Preparing).await.unwrap();
        let (key, source_bucket) = ("data/3.csv.gz".to_owned(), "photos-1250000000".to_owned());
        let file = ListedFile { number: 3, key, size: None, md5: None, source_bucket, columns: Vec::new() };
        store.add_files(&lease, vec![file]).await.unwrap();
        let held = store.claim_file(job, std::time::Duration::from_secs(60)).await.unwrap().unwrap();
        let pieces = vec![FilePiece { start: 0, end: 10, rows: 1 }];
        let index = FileIndex { place: FilePlace::Spool { epoch: held.epoch }, pieces };
        store.finish_file(&held, FileOutcome::Index(index)).await.unwrap();
        let lacks = Some((job, "f3-1-0.rows".to_owned()));
        assert_eq!(once(&source, &target).unwrap(), Lacks { ended: Vec::new(), rows: lacks });
        fs::write(of_job.join("f3-1-0.rows"), "0123456789").unwrap();
        assert_eq!(once(&source, &target).unwrap(), Lacks::default());
        // What is in the copy already may be gone by now.
        fs::remove_file(of_job.join("1-0-0.rows")).unwrap();
        assert_eq!(once(&source, &target).unwrap(), Lacks::default());
    }
}
