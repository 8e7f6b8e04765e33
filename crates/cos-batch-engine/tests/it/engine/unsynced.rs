//! A sync fails, and with it what was done is gone, although the store goes on showing it as done.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cos_batch_model::{JobStatus, Operation};
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, ObjectMeta, ObjectStore, PutOutcome, PutRequest, RestoreOutcome, RestoreRequest, StoreError,
    Tag, TagRequest, VersionSelector,
};

use super::world::{self, World};

const ROWS: u32 = 300;

/// Its first sync fails. After that, the first try of each object's operation is not answered, for it does not arrive.
#[derive(Debug)]
struct Forgetful {
    inner: Arc<dyn ObjectStore>,
    since_the_loss: Mutex<Option<BTreeMap<String, Seen>>>,
}

/// What an object has met since the sync that failed.
#[derive(Debug, Default)]
struct Seen {
    was_lost: bool,
    was_done: bool,
}

impl Forgetful {
    fn meet(&self, key: &str) -> Result<(), StoreError> {
        if let Some(since) = &mut *self.since_the_loss.lock().unwrap() {
            let seen = since.entry(key.to_owned()).or_default();
            if !std::mem::replace(&mut seen.was_lost, true) {
                return Err(StoreError::new(ErrorKind::Unreachable, "the connection broke"));
            }
            seen.was_done = true;
        }
        Ok(())
    }
}

impl ObjectStore for Forgetful {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn copy<'a>(&'a self, request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        Box::pin(async move {
            self.meet(request.source.key)?;
            self.inner.copy(request).await
        })
    }

    fn delete<'a>(&'a self, request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        Box::pin(async move {
            self.meet(request.key)?;
            self.inner.delete(request).await
        })
    }

    fn barrier<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        let mut since = self.since_the_loss.lock().unwrap();
        let fails = since.is_none();
        since.get_or_insert_default();
        Box::pin(async move {
            if fails { Err(StoreError::new(ErrorKind::InternalError, "an error of the disk")) } else { Ok(()) }
        })
    }

    passes_on! {
        bucket_exists(bucket: &'a str) -> bool;
        head(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> ObjectMeta;
        get_range(request: GetRequest<'a>) -> Bytes;
        put(request: PutRequest<'a>) -> PutOutcome;
        put_tags(request: TagRequest<'a>) -> ();
        get_tags(bucket: &'a str, key: &'a str, version: &'a VersionSelector) -> Vec<Tag>;
        restore(request: RestoreRequest<'a>) -> RestoreOutcome;
        list(request: ListRequest<'a>) -> ListPage;
    }
}

/// Whatever the store says about an object, the operation is done once more: only what is done after the sync that failed is
/// made durable by the next one.
async fn everything_is_done_again(operation: Option<Operation>) {
    let slot = Mutex::new(None);
    let world = World::with(world::config(), |inner| {
        let forgetful = Arc::new(Forgetful { inner, since_the_loss: Mutex::default() });
        *slot.lock().unwrap() = Some(Arc::clone(&forgetful));
        forgetful as Arc<dyn ObjectStore>
    })
    .await;
    let forgetful = slot.into_inner().unwrap().unwrap();
    let rows = world.fill(ROWS).await;
    let mut request = world.copy_request(&rows).await;
    if let Some(operation) = operation {
        request.operation = operation;
    }
    let id = world.create(request).await;
    let job = world.until_status(&id, JobStatus::Complete).await;
    assert_eq!(job.progress_summary.number_of_tasks_succeeded, u64::from(ROWS));
    let since = forgetful.since_the_loss.lock().unwrap().take().unwrap();
    let again = (0..ROWS).filter(|number| since.get(&format!("in/{number}")).is_some_and(|seen| seen.was_done)).count();
    assert_eq!(again, ROWS as usize);
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_sync_lost_is_deleted_again_without_a_look() {
    everything_is_done_again(Some(Operation::DeleteObject)).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_failed_sync_lost_is_copied_again_without_a_look() {
    everything_is_done_again(None).await;
}
