//! Copying an object that is too large for one request, part by part.
//!
//! To its shard this is a task like any other that takes long: it holds one place in the window and one slot, its shard
//! renews its lease meanwhile, and other rows run ahead until the window is full. It cannot last for ever: each part is
//! tried as often as any operation, and must be copied within a time.

use std::{sync::Arc, time::Duration};

use cos_batch_objectstore::{
    CompleteRequest, CompletedPart, CopySource, ErrorKind, MultipartRequest, ObjectMeta, ObjectStore, PartCopyRequest,
    StoreError, VersionSelector,
};
use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    gate::{Gate, Slot},
    offload::offload,
    stop::{Level, Stop},
    uploads::{self, Upload},
};
use crate::{
    report::spool::Spool,
    spec::CopySpec,
    task::{
        Outcome, Runner, Task, give_up,
        parts::{Attributes, PART_BYTES_MAX, Plan, meets_conditions},
        retry::{self, Tries},
    },
};

/// Parts of one object in flight at most, if there are slots for them: enough to hide what a request takes, few enough
/// that one object does not take all slots.
const PARTS_IN_FLIGHT: usize = 8;

/// How long the copy of one part may take. Stores copy some hundred megabytes a second; the largest part has 5 GB.
const PART_TIME_MAX: Duration = Duration::from_secs(10 * 60);

/// Whether a copy may have been refused because its object is too large. COS does not say with which code; S3 answers
/// InvalidRequest. Which it was, the object's size tells.
pub(crate) fn may_be_too_large(error: &StoreError) -> bool {
    matches!(error.kind(), ErrorKind::EntityTooLarge | ErrorKind::InvalidRequest | ErrorKind::InvalidArgument)
}

/// What copies in parts need beside the runner.
#[derive(Clone, Debug)]
pub(crate) struct Large {
    pub(crate) spool: Spool,
    pub(crate) job: Uuid,
    /// Epoch of the shard's lease.
    pub(crate) epoch: u64,
    /// Usual bytes of a part.
    pub(crate) part_bytes: u64,
    /// What each request passes, and where the slots for further parts come from.
    pub(crate) gate: Gate,
}

/// Why an object was not copied.
enum Left {
    /// It cannot be.
    Failed(Outcome),
    /// The work was stopped.
    Stopped,
}

/// One copy under way.
struct Copying<'a> {
    large: &'a Large,
    store: &'a Arc<dyn ObjectStore>,
    task: &'a Task,
    stop: &'a Stop,
    /// The version that is copied.
    version: VersionSelector,
    source: ObjectMeta,
    plan: Plan,
}

impl Large {
    /// Copies the object of a task in parts; `refused` is what the store said to copying it in one request. None: it was
    /// stopped, and nothing of it is left.
    pub(crate) async fn copy(
        &self,
        runner: &Runner,
        task: &Task,
        stop: &Stop,
        refused: &StoreError,
    ) -> Option<Outcome> {
        match self.try_copy(runner, task, stop, refused).await {
            Ok(()) => Some(Outcome::success(200)),
            Err(Left::Failed(outcome)) => Some(outcome),
            Err(Left::Stopped) => None,
        }
    }

    async fn try_copy(&self, runner: &Runner, task: &Task, stop: &Stop, refused: &StoreError) -> Result<(), Left> {
        let store = runner.store();
        let failed =
            |status, code: &'static str, message: String| Left::Failed(Outcome::failure(status, code, message));
        let Some((copy, target_key)) = runner.copy_of(task) else { return Err(Left::Failed(Outcome::from(refused))) };
        if !store.capabilities().multipart {
            let message = format!("{}; this object store cannot copy in parts", refused.message());
            return Err(failed(refused.kind().status(), refused.kind().code(), message));
        }
        let source = retried(&self.gate, stop, || store.head(&task.bucket, &task.key, &task.version)).await?;
        if refused.kind() != ErrorKind::EntityTooLarge && source.size <= PART_BYTES_MAX {
            return Err(Left::Failed(Outcome::from(refused)));
        }
        if !meets_conditions(copy, source.last_modified) {
            let kind = ErrorKind::PreconditionFailed;
            let message = "the object does not meet ModifiedSinceConstraint and UnModifiedSinceConstraint";
            return Err(failed(kind.status(), kind.code(), message.to_owned()));
        }
        // All parts are of one version, and of one content.
        let version = source.version_id.clone().map_or_else(|| task.version.clone(), VersionSelector::Id);
        let tags = if Attributes::need_tags(copy) && store.capabilities().tagging {
            retried(&self.gate, stop, || store.get_tags(&task.bucket, &task.key, &version)).await?
        } else {
            Vec::new()
        };
        let attributes = Attributes::new(copy, &source, &tags);
        let plan = Plan::new(source.size, self.part_bytes)
            .map_err(|error| failed(400, ErrorKind::EntityTooLarge.code(), error.to_string()))?;
        self.abort_left(store, task).await.map_err(|error| Left::Failed(give_up(&error, 1)))?;
        let upload = self.begin(runner, copy, &target_key, task, stop, &attributes).await?;
        let copying = Copying { large: self, store, task, stop, version, source, plan };
        let result = copying.finish(&upload).await;
        // Completed, or of no use any more.
        self.end(store, task, upload, result.is_err()).await;
        result
    }

    /// Aborts what earlier holders of this row left behind.
    async fn abort_left(&self, store: &Arc<dyn ObjectStore>, task: &Task) -> Result<(), StoreError> {
        let (spool, job, row) = (self.spool.clone(), self.job, task.row);
        let list = async move { uploads::noted(&spool, job, Some(row)).await };
        for (name, upload) in offload(self.spool.store().execution(), list).await? {
            match store.abort_multipart(upload.named()).await {
                Err(error) if !uploads::is_gone(&error) => return Err(error),
                _ => {
                    let (spool, job) = (self.spool.clone(), self.job);
                    let remove = async move { spool.remove_file(job, &name).await };
                    offload(self.spool.store().execution(), remove).await?;
                }
            }
        }
        Ok(())
    }

    /// Begins an upload, and notes it before anything is put into it.
    async fn begin(
        &self,
        runner: &Runner,
        copy: &CopySpec,
        target_key: &str,
        task: &Task,
        stop: &Stop,
        attributes: &Attributes,
    ) -> Result<Upload, Left> {
        let store = runner.store();
        let create = || {
            store.create_multipart(MultipartRequest {
                bucket: &copy.target_bucket,
                key: target_key,
                metadata: attributes.metadata.clone(),
                tags: attributes.tags.clone(),
                storage_class: attributes.storage_class.clone(),
                grants: attributes.grants.clone(),
                canned_acl: attributes.canned_acl.as_deref(),
                operation: Some(runner.operation_id(task)),
            })
        };
        let id = retried(&self.gate, stop, create).await?;
        let upload = Upload { bucket: copy.target_bucket.clone(), key: target_key.to_owned(), id };
        let (spool, job, name, noted) =
            (self.spool.clone(), self.job, uploads::name(task.row, self.epoch), upload.clone());
        let note = async move { uploads::note(&spool, job, &name, &noted).await };
        if let Err(error) = offload(self.spool.store().execution(), note).await {
            // Nobody would find it again.
            let _ = store.abort_multipart(upload.named()).await;
            return Err(Left::Failed(give_up(&error, 1)));
        }
        Ok(upload)
    }

    /// After the end of an upload nothing is noted of it; what cannot be aborted now stays noted.
    async fn end(&self, store: &Arc<dyn ObjectStore>, task: &Task, upload: Upload, abort: bool) {
        if abort
            && let Err(error) = store.abort_multipart(upload.named()).await
            && !uploads::is_gone(&error)
        {
            tracing::warn!(job = %self.job, row = task.row, %error, "an upload is left to be aborted later");
            return;
        }
        let (spool, job, name) = (self.spool.clone(), self.job, uploads::name(task.row, self.epoch));
        let remove = async move { spool.remove_file(job, &name).await };
        if let Err(error) = offload(self.spool.store().execution(), remove).await {
            tracing::warn!(job = %self.job, row = task.row, %error, "the note of an upload is left");
        }
    }
}

impl Copying<'_> {
    /// Copies all parts and puts them together.
    async fn finish(&self, upload: &Upload) -> Result<(), Left> {
        let mut parts = self.parts(upload).await?;
        parts.sort_by_key(|part| part.number);
        let mut patience = Patience::new(u64::from(u16::MAX));
        loop {
            self.large.gate.pass().await;
            let error =
                match self.store.complete_multipart(CompleteRequest { upload: upload.named(), parts: &parts }).await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                };
            // The answer to an earlier try may have been lost.
            if patience.has_failed() && error.kind() == ErrorKind::NoSuchUpload && self.is_there(upload).await {
                return Ok(());
            }
            patience.pause(self.stop, &error).await?;
        }
    }

    /// Is the target what completing would have made of it?
    async fn is_there(&self, upload: &Upload) -> bool {
        let target = self.store.head(&upload.bucket, &upload.key, &VersionSelector::Latest).await;
        let ending = format!("-{}", self.plan.parts());
        target.is_ok_and(|target| target.size == self.source.size && target.etag.ends_with(&ending))
    }

    /// Copies the parts, several at a time as far as there are slots.
    async fn parts(&self, upload: &Upload) -> Result<Vec<CompletedPart>, Left> {
        let mut done = Vec::with_capacity(usize::from(self.plan.parts()));
        let mut in_flight = FuturesUnordered::new();
        let mut numbers = 1..=self.plan.parts();
        let mut next = numbers.next();
        loop {
            while let Some(number) = next
                && in_flight.len() < PARTS_IN_FLIGHT
            {
                if self.stop.level() >= Level::Halt {
                    return Err(Left::Stopped);
                }
                // The task's own slot is for one part; each further one needs a slot that nobody else wants now.
                let slot = if in_flight.is_empty() { None } else { self.large.gate.spare() };
                if slot.is_none() && !in_flight.is_empty() {
                    break;
                }
                in_flight.push(self.part(upload, number, slot));
                next = numbers.next();
            }
            match in_flight.next().await {
                Some(part) => done.push(part?),
                None => return Ok(done),
            }
        }
    }

    /// Copies one part, with retries.
    async fn part(&self, upload: &Upload, number: u16, _slot: Option<Slot>) -> Result<CompletedPart, Left> {
        let mut patience = Patience::new(u64::from(number));
        loop {
            self.large.gate.pass().await;
            let copy = self.store.upload_part_copy(PartCopyRequest {
                upload: upload.named(),
                number,
                source: CopySource { bucket: &self.task.bucket, key: &self.task.key, version: &self.version },
                range: Some(self.plan.range(number)),
                source_etag: Some(&self.source.etag),
            });
            let error = match tokio::time::timeout(PART_TIME_MAX, copy).await {
                Ok(Ok(part)) => return Ok(CompletedPart { number, etag: part.etag }),
                Ok(Err(error)) if error.kind() == ErrorKind::PreconditionFailed => {
                    let message = "the object changed while it was copied in parts";
                    let kind = error.kind();
                    return Err(Left::Failed(Outcome::failure(kind.status(), kind.code(), message)));
                }
                Ok(Err(error)) => error,
                Err(_) => {
                    let seconds = PART_TIME_MAX.as_secs();
                    let message = format!("part {number} was not copied within {seconds} seconds");
                    let kind = ErrorKind::RequestTimeout;
                    return Err(Left::Failed(Outcome::failure(kind.status(), kind.code(), message)));
                }
            };
            patience.pause(self.stop, &error).await?;
        }
    }
}

/// The tries of one request.
struct Patience {
    tries: Tries,
    began: Instant,
}

impl Patience {
    fn new(seed: u64) -> Self {
        Self { tries: Tries::new(seed), began: Instant::now() }
    }

    fn has_failed(&self) -> bool {
        self.tries.count > 0
    }

    /// Waits before the next try, if there is to be one.
    async fn pause(&mut self, stop: &Stop, error: &StoreError) -> Result<(), Left> {
        let class = retry::classify(error);
        let Some(wait) = self.tries.failed(class, error.retry_after(), self.began.elapsed()) else {
            return Err(Left::Failed(give_up(error, self.tries.count)));
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = stop.above(Level::Yield) => {}
        }
        if stop.level() >= Level::Halt { Err(Left::Stopped) } else { Ok(()) }
    }
}

/// A request with its retries.
async fn retried<T, F>(gate: &Gate, stop: &Stop, request: impl Fn() -> F) -> Result<T, Left>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut patience = Patience::new(0);
    loop {
        gate.pass().await;
        if stop.level() >= Level::Halt {
            return Err(Left::Stopped);
        }
        match request().await {
            Ok(answer) => return Ok(answer),
            Err(error) => patience.pause(stop, &error).await?,
        }
    }
}
