//! What must work for a server to be ready: each part is looked at by itself, and within a bounded time.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use cos_batch_jobstore::{PostgresJobStore, SqliteJobStore};
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::{DataFolder, probes::judged};
use crate::{config::Config, exit::Error};

/// How long a part may take to answer before the server is not ready.
pub(super) const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// Bytes that are written to see whether a folder takes any: one block of most file systems.
const WRITTEN_BYTES: usize = 4096;

/// A part, by its name.
pub(super) struct Part {
    name: String,
    check: Check,
    /// A look that was begun and has not ended: until it does, no other is begun. So whoever asks again and again while a disk
    /// is silent takes one thread of it.
    begun: Option<JoinHandle<Result<(), String>>>,
}

/// How a part is looked at.
enum Check {
    Database(Arc<PostgresJobStore>),
    Jobs(Arc<SqliteJobStore>),
    Folder(Arc<Folder>),
}

/// A folder that was there at the start.
struct Folder {
    path: PathBuf,
    /// Device and inode: a folder that somebody puts in its place is another one, which the server does not work on.
    identity: (u64, u64),
    use_of_it: Use,
}

/// What a folder is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// It may be there to be read alone.
    Reads,
    /// The server cannot go on without writing to it.
    Writes,
}

/// The parts of a node on this database.
pub(super) fn of_node(store: &Arc<PostgresJobStore>) -> Vec<Part> {
    vec![Part::new("the job store", Check::Database(Arc::clone(store)))]
}

/// The parts of a server on a folder: that of its buckets, that of its spool unless it is elsewhere, those of the
/// configuration, and the jobs.
pub(super) fn of_folder(data: &DataFolder, config: &Config, jobs: &Arc<SqliteJobStore>) -> Result<Vec<Part>, Error> {
    let mut parts = vec![Part::folder("the folder of buckets", &data.buckets(), Use::Writes)?];
    if !config.has_spool() {
        parts.push(Part::folder("the spool", &data.spool(), Use::Writes)?);
    }
    for (name, path) in config.folder_paths() {
        parts.push(Part::folder(format!("the store {name:?}"), path, Use::Reads)?);
    }
    parts.push(Part::new("the job store", Check::Jobs(Arc::clone(jobs))));
    Ok(parts)
}

/// Looks at all of them at the same time. An error has a line for each that is not as it should be.
pub(super) async fn look(parts: &mut [Part]) -> Result<(), String> {
    let said = join_all(parts.iter_mut().map(Part::look)).await;
    let wrong: Vec<String> = said.into_iter().filter_map(Result::err).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

impl Part {
    fn new(name: impl Into<String>, check: Check) -> Self {
        Self { name: name.into(), check, begun: None }
    }

    /// A folder, as it is now.
    pub(super) fn folder(name: impl Into<String>, path: &Path, use_of_it: Use) -> Result<Self, Error> {
        let folder =
            Folder::now(path, use_of_it).map_err(|error| Error::other(format!("{}: {error}", path.display())))?;
        Ok(Self::new(name, Check::Folder(Arc::new(folder))))
    }

    async fn look(&mut self) -> Result<(), String> {
        // What ended while nobody asked says how it was then.
        if self.begun.as_ref().is_some_and(JoinHandle::is_finished) {
            self.begun = None;
        }
        let begun = self.begun.get_or_insert_with(|| self.check.begin(&self.name));
        match tokio::time::timeout(ANSWER_WAIT, &mut *begun).await {
            Ok(said) => {
                self.begun = None;
                said.unwrap_or_else(|error| Err(format!("{}: its check broke off: {error}", self.name)))
            }
            Err(_) => {
                if matches!(self.check, Check::Database(_)) {
                    // It waits for a network, and is over at once.
                    begun.abort();
                    self.begun = None;
                }
                Err(format!("{} did not answer within {} seconds", self.name, ANSWER_WAIT.as_secs()))
            }
        }
    }
}

impl Check {
    fn begin(&self, name: &str) -> JoinHandle<Result<(), String>> {
        match self {
            Self::Database(store) => {
                let store = Arc::clone(store);
                tokio::spawn(async move {
                    let health = store.check().await.map_err(|error| error.to_string())?;
                    judged(health.ahead_millis)
                })
            }
            Self::Jobs(store) => {
                let store = Arc::clone(store);
                tokio::spawn(async move { store.check().await.map_err(|error| error.to_string()) })
            }
            Self::Folder(folder) => {
                let (folder, name) = (Arc::clone(folder), name.to_owned());
                tokio::task::spawn_blocking(move || folder.look().map_err(|reason| format!("{name} {reason}")))
            }
        }
    }
}

impl Folder {
    fn now(path: &Path, use_of_it: Use) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), identity: identity(&fs::metadata(path)?), use_of_it })
    }

    /// What is wrong with it. Paths are in no answer: anybody may ask.
    fn look(&self) -> Result<(), String> {
        match fs::metadata(&self.path) {
            Ok(found) if found.is_dir() && identity(&found) == self.identity => {}
            Ok(_) => return Err("is another one than at the start".to_owned()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("is gone".to_owned()),
            Err(error) => return Err(format!("cannot be seen: {}", error.kind())),
        }
        match self.use_of_it {
            Use::Reads => {
                let read = fs::read_dir(&self.path).and_then(|mut entries| entries.next().transpose());
                read.map(drop).map_err(|error| format!("cannot be read: {}", error.kind()))
            }
            // The file has no name where the file system knows of such, and loses the one it has at once elsewhere.
            Use::Writes => tempfile::tempfile_in(&self.path)
                .and_then(|mut file| file.write_all(&[0; WRITTEN_BYTES]))
                .map_err(|error| format!("cannot be written: {}", error.kind())),
        }
    }
}

fn identity(found: &fs::Metadata) -> (u64, u64) {
    (found.dev(), found.ino())
}

#[cfg(test)]
mod tests {
    use cos_batch_engine::SystemClock;
    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn a_folder_that_is_gone_or_another_one_is_named_until_it_is_back() {
        let place = tempfile::tempdir().unwrap();
        let (path, aside) = (place.path().join("here"), place.path().join("aside"));
        fs::create_dir(&path).unwrap();
        for use_of_it in [Use::Reads, Use::Writes] {
            let folder = Folder::now(&path, use_of_it).unwrap();
            assert_eq!(folder.look(), Ok(()));
            fs::rename(&path, &aside).unwrap();
            assert_eq!(folder.look().unwrap_err(), "is gone");
            fs::create_dir(&path).unwrap();
            assert_eq!(folder.look().unwrap_err(), "is another one than at the start");
            fs::remove_dir(&path).unwrap();
            fs::write(&path, "").unwrap();
            assert_eq!(folder.look().unwrap_err(), "is another one than at the start");
            fs::remove_file(&path).unwrap();
            fs::rename(&aside, &path).unwrap();
            assert_eq!(folder.look(), Ok(()));
            assert_eq!(fs::read_dir(&path).unwrap().count(), 0, "a look leaves nothing");
        }
    }

    #[tokio::test]
    async fn all_that_is_wrong_is_told_at_once() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        ["a", "b"].iter().for_each(|name| fs::create_dir(path(name)).unwrap());
        let jobs = Arc::new(SqliteJobStore::open(path("jobs.sqlite"), Arc::new(SystemClock)).unwrap());
        let mut parts = vec![
            Part::folder("the first", &path("a"), Use::Writes).unwrap(),
            Part::folder("the second", &path("b"), Use::Reads).unwrap(),
            Part::new("the job store", Check::Jobs(jobs)),
        ];
        assert_eq!(look(&mut parts).await, Ok(()));
        fs::rename(path("a"), path("c")).unwrap();
        assert_eq!(look(&mut parts).await.unwrap_err(), "the first is gone");
        fs::rename(path("jobs.sqlite"), path("elsewhere")).unwrap();
        let said = look(&mut parts).await.unwrap_err();
        let lines: Vec<&str> = said.lines().collect();
        assert_eq!(lines[0], "the first is gone");
        assert!(lines.len() == 2 && lines[1].starts_with("the job store failed: its file is gone"), "{said}");
        fs::rename(path("elsewhere"), path("jobs.sqlite")).unwrap();
        fs::rename(path("c"), path("a")).unwrap();
        assert_eq!(look(&mut parts).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_answer_is_told_in_time_and_asked_once() {
        let place = tempfile::tempdir().unwrap();
        let mut part = Part::folder("the disk", place.path(), Use::Reads).unwrap();
        let (release, released) = oneshot::channel::<()>();
        part.begun = Some(tokio::spawn(async { released.await.map_err(|error| error.to_string()) }));
        let mut parts = [part];
        for _ in 0..2 {
            assert_eq!(look(&mut parts).await.unwrap_err(), "the disk did not answer within 2 seconds");
            assert!(parts[0].begun.is_some(), "the same look goes on");
        }
        release.send(()).unwrap();
        assert_eq!(look(&mut parts).await, Ok(()));
        assert!(parts[0].begun.is_none());
    }
}
