//! An object store of one's own, given to a server: jobs then work on whatever it keeps. This one keeps objects in a map, which
//! shows all that a store must have; what it leaves out, jobs that need it are told before they begin.
#![expect(clippy::print_stdout, reason = "printing is how it tells")]

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    future::ready,
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use cos_batch_client::JobBuilder;
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, Metadata, ObjectMeta, ObjectStore, Pin, PutOutcome, PutRequest, RestoreOutcome,
    RestoreRequest, StorageClass, StoreError, Tag, TagRequest, VersionSelector,
};
use cos_batch_testing::TestServer;

/// Bytes of one object at most: a map in memory is no place for more.
const OBJECT_BYTES_MAX: usize = 16 << 20;

/// Buckets in a map.
#[derive(Debug, Default)]
pub(crate) struct MapStore(Mutex<Content>);

#[derive(Debug, Default)]
struct Content {
    buckets: BTreeSet<String>,
    objects: BTreeMap<(String, String), Object>,
    /// Writes so far: each object has the number of its own as its ETag, so that none has that of another.
    writes: u64,
}

#[derive(Clone, Debug)]
struct Object {
    body: Bytes,
    etag: String,
}

impl Object {
    fn meta(&self) -> ObjectMeta {
        ObjectMeta {
            size: self.body.len() as u64,
            etag: self.etag.clone(),
            last_modified: 0,
            version_id: None,
            storage_class: StorageClass::default(),
            metadata: Metadata::default(),
            grants: Vec::new(),
            canned_acl: None,
            restore: None,
            // Whoever reads on reads the same content, or is told that it has changed.
            pin: Pin(self.etag.clone()),
        }
    }
}

impl Content {
    fn bucket(&self, bucket: &str) -> Result<(), StoreError> {
        let there = self.buckets.contains(bucket);
        if there {
            Ok(())
        } else {
            Err(StoreError::new(ErrorKind::NoSuchBucket, format!("there is no bucket {bucket}")))
        }
    }

    fn find(&self, bucket: &str, key: &str) -> Result<&Object, StoreError> {
        self.bucket(bucket)?;
        let object = self.objects.get(&(bucket.to_owned(), key.to_owned()));
        object.ok_or_else(|| StoreError::new(ErrorKind::NoSuchKey, format!("there is no object {key}")))
    }

    fn write(&mut self, bucket: &str, key: &str, body: Bytes) -> Result<String, StoreError> {
        self.bucket(bucket)?;
        if body.len() > OBJECT_BYTES_MAX {
            let message = format!("an object has at most {OBJECT_BYTES_MAX} bytes, not {}", body.len());
            return Err(StoreError::new(ErrorKind::EntityTooLarge, message));
        }
        self.writes += 1;
        let etag = format!("{:032x}", self.writes);
        self.objects.insert((bucket.to_owned(), key.to_owned()), Object { body, etag: etag.clone() });
        Ok(etag)
    }
}

impl MapStore {
    /// The map is whole between any two statements, also where a thread panicked.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Something that is known at once.
fn now<'a, T: Send + 'a>(said: Result<T, StoreError>) -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(ready(said))
}

fn no_tags() -> StoreError {
    StoreError::new(ErrorKind::NotImplemented, "objects in a map have no tags and no archive")
}

impl ObjectStore for MapStore {
    fn execution(&self) -> Execution {
        // Nothing here waits, and nothing takes long enough to need a thread of its own.
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            tagging: false,
            restore: false,
            acl: false,
            grants: false,
            archive: false,
            conditions: false,
            encryption: false,
            versions: false,
            multipart: false,
            lock: false,
        }
    }

    fn bucket_exists<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        now(Ok(self.content().buckets.contains(bucket)))
    }

    fn put_bucket<'a>(&'a self, bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        now(Ok(self.content().buckets.insert(bucket.to_owned())))
    }

    fn head<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        _version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        now(self.content().find(bucket, key).map(Object::meta))
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        let read = || {
            let content = self.content();
            let object = content.find(request.bucket, request.key)?;
            if request.pin.is_some_and(|pin| pin.0 != object.etag) {
                return Err(StoreError::new(ErrorKind::PreconditionFailed, "the object has changed"));
            }
            let size = object.body.len();
            let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
            if place(request.range.start) > size {
                return Err(StoreError::new(ErrorKind::InvalidRange, "the range begins behind the object's end"));
            }
            Ok(object.body.slice(place(request.range.start)..place(request.range.end).min(size)))
        };
        now(read())
    }

    fn put<'a>(&'a self, request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        let written = self.content().write(request.bucket, request.key, request.body);
        now(written.map(|etag| PutOutcome { etag, version_id: None }))
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        let copy = || {
            // One lock: nobody sees the target half written, and nobody changes the source meanwhile.
            let mut content = self.content();
            let body = content.find(request.source.bucket, request.source.key)?.body.clone();
            content.write(request.target_bucket, request.target_key, body)?;
            Ok(CopyOutcome::default())
        };
        now(copy())
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        let mut content = self.content();
        let removed = content.bucket(request.bucket);
        content.objects.remove(&(request.bucket.to_owned(), request.key.to_owned()));
        // What was not there is deleted as well: a repeat changes nothing.
        now(removed.map(|()| DeleteOutcome::default()))
    }

    fn put_tags<'a>(&'a self, _request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        now(Err(no_tags()))
    }

    fn get_tags<'a>(
        &'a self,
        _bucket: &'a str,
        _key: &'a str,
        _version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        now(Err(no_tags()))
    }

    fn restore<'a>(&'a self, _request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        now(Err(no_tags()))
    }

    fn list<'a>(&'a self, request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        let content = self.content();
        let list = || {
            content.bucket(request.bucket)?;
            let of = |key: &str| (request.bucket.to_owned(), key.to_owned());
            let start = match request.after {
                Some(after) if after >= request.prefix => Bound::Excluded(of(after)),
                _ => Bound::Included(of(request.prefix)),
            };
            let found = content.objects.range((start, Bound::Unbounded));
            let mut found =
                found.take_while(|((bucket, key), _)| bucket == request.bucket && key.starts_with(request.prefix));
            let objects: Vec<_> =
                found.by_ref().take(request.limit).map(|((_, key), object)| (key.clone(), object.meta())).collect();
            let next = found.next().and_then(|_| objects.last()).map(|(key, _)| key.clone());
            Ok(ListPage { objects, next })
        };
        now(list())
    }

    fn barrier<'a>(&'a self, _bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        // A map survives no loss of power whatever one does; a real store syncs here what it has answered.
        now(Ok(()))
    }
}

/// Copies two objects of such a store by a job, and asks for what it cannot do; gives what became of both jobs, and a copy.
pub(crate) async fn run() -> Result<Vec<String>, Box<dyn Error>> {
    const PHOTOS: &str = "photos-1250000000";
    let server = TestServer::builder().objects(Arc::new(MapStore::default())).start().await?;
    for key in ["a.jpg", "b.jpg"] {
        server.put(PHOTOS, key, "picture").await?;
    }
    let rows = format!("{PHOTOS},a.jpg\n{PHOTOS},b.jpg\n");
    let etag = server.put(PHOTOS, "all.csv", rows).await?;
    let client = server.client()?;
    let job = || JobBuilder::new("local", &format!("{PHOTOS}/all.csv"), &etag).report_to(PHOTOS, "reports");
    let mut told = Vec::new();
    for (job, token) in [(job().copy_to(PHOTOS).prefix("", "copies/"), "copy"), (job().retag([("a", "b")]), "tags")] {
        let id = client.create_job(job.build(token)?).await?.job_id;
        let job = client.wait(&id).await?;
        let why = job.failure_reasons.first().map(|reason| format!(": {}", reason.failure_reason)).unwrap_or_default();
        told.push(format!("{}, {} done{why}", job.status, job.progress_summary.number_of_tasks_succeeded));
    }
    told.push(String::from_utf8_lossy(&server.get(PHOTOS, "copies/b.jpg").await?).into_owned());
    server.stop().await;
    Ok(told)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    for line in run().await? {
        println!("{line}");
    }
    Ok(())
}
