//! Copying an object that is too large for one request, part by part.
//!
//! To its shard this is a task like any other that takes long: it holds one place in the window and one slot, its shard
//! renews its lease meanwhile, and other rows run ahead until the window is full. It cannot last for ever: each part is
//! tried as often as any operation, and must be copied within a time. A worker that is asked to make room begins no further
//! part; whoever does the row again goes on with the same upload.

mod copying;
mod patience;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cos_batch_objectstore::{
    Acl, CompletedPart, ErrorKind, MultipartRequest, ObjectMeta, ObjectStore, StoreError, VersionSelector,
};
use uuid::Uuid;

use self::{
    copying::{Copying, End},
    patience::retried,
};
use super::{
    gate::Gate,
    line::Line,
    offload::offload,
    stop::{Level, Stop},
    uploads::{self, Before, Upload},
};
use crate::{
    report::spool::Spool,
    spec::{Change, CopySpec},
    task::{
        Outcome, Runner, Task,
        parts::{Attributes, PART_BYTES_MAX, Plan, meets_conditions},
        retry::{self, Class},
    },
};

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
    /// A copy in one request that took so long before no answer came is of an object that had better go in parts.
    pub(crate) slow_copy: Duration,
    /// What each request passes, and where the slots for further parts come from.
    pub(crate) gate: Gate,
}

/// Why an object is copied in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Why<'a> {
    /// The store refused to copy it in one request, like this.
    Refused(&'a StoreError),
    /// One request took long, and no answer came.
    Slow,
}

/// What became of an object.
#[derive(Debug)]
pub(crate) enum Copied {
    /// The task is over.
    Over(Outcome),
    /// The store refused it, after so many tries.
    Refused(StoreError, u32),
    /// The spool cannot be worked with, which is nothing about this object.
    NoSpool(StoreError),
    /// The work was stopped; somebody goes on later, if anybody does.
    Stopped,
    /// It is too small for parts to be of any use.
    Small,
}

/// Why an object was not copied.
enum Left {
    /// It cannot be.
    Failed(Outcome),
    /// The store refused it, after so many tries.
    Refused(StoreError, u32),
    /// The spool cannot be worked with.
    NoSpool(StoreError),
    /// The work was stopped.
    Stopped,
    /// It is too small.
    Small,
}

impl Left {
    /// Whether somebody may go on with what is there: not where the store is full, for what is there takes room, and not where it
    /// is something about the object. If nobody does, it is aborted at the end of the job.
    fn may_go_on(&self) -> bool {
        match self {
            Self::Stopped | Self::NoSpool(_) => true,
            Self::Refused(error, _) => matches!(retry::classify(error), Class::Unreachable | Class::Throttled),
            Self::Failed(_) | Self::Small => false,
        }
    }
}

/// Uploads begun for one object at most, if somebody else ends them: another holder of the row, or a rule of the bucket.
const UPLOADS_MAX: usize = 2;

impl Large {
    /// Copies the object of a task in parts.
    pub(crate) async fn copy(&self, runner: &Runner, task: &Task, stop: &Stop, line: &Line, why: Why<'_>) -> Copied {
        match self.try_copy(runner, task, stop, line, why).await {
            Ok(()) => Copied::Over(Outcome::success(200)),
            Err(Left::Failed(outcome)) => Copied::Over(outcome),
            Err(Left::Refused(error, tries)) => Copied::Refused(error, tries),
            Err(Left::NoSpool(error)) => Copied::NoSpool(error),
            Err(Left::Stopped) => Copied::Stopped,
            Err(Left::Small) => match why {
                Why::Refused(refused) => Copied::Over(Outcome::from(refused)),
                Why::Slow => Copied::Small,
            },
        }
    }

    async fn try_copy(&self, runner: &Runner, task: &Task, stop: &Stop, line: &Line, why: Why<'_>) -> Result<(), Left> {
        let store = runner.store();
        let failed =
            |status, code: &'static str, message: String| Left::Failed(Outcome::failure(status, code, message));
        let Some((copy, target_key)) = runner.copy_of(task) else { return Err(Left::Small) };
        if !store.capabilities().multipart {
            let Why::Refused(refused) = why else { return Err(Left::Small) };
            let message = format!("{}; this object store cannot copy in parts", refused.message());
            return Err(failed(refused.kind().status(), refused.kind().code(), message));
        }
        let source = retried(&self.gate, stop, || store.head(&task.bucket, &task.key, &task.version)).await?;
        let small = match why {
            Why::Refused(refused) if refused.kind() == ErrorKind::EntityTooLarge => 0,
            Why::Refused(_) => PART_BYTES_MAX,
            Why::Slow => self.part_bytes,
        };
        if source.size <= small {
            return Err(Left::Small);
        }
        if !meets_conditions(copy, source.last_modified) {
            let kind = ErrorKind::PreconditionFailed;
            let message = "the object does not meet ModifiedSinceConstraint and UnModifiedSinceConstraint";
            return Err(failed(kind.status(), kind.code(), message.to_owned()));
        }
        // All parts are of one version, and of one content.
        let version = source.version_id.clone().map_or_else(|| task.version.clone(), VersionSelector::Id);
        let plan = Plan::new(source.size, self.part_bytes)
            .map_err(|error| failed(400, ErrorKind::EntityTooLarge.code(), error.to_string()))?;
        let copying = Copying {
            large: self,
            store,
            task,
            stop,
            line,
            version: &version,
            source: &source,
            plan,
            moved: Mutex::default(),
        };
        if let Some((name, upload, parts)) = self.left(store, task, stop, &source, plan).await? {
            let end = copying.finish(&upload, parts).await;
            let over = !matches!(end, End::Gone);
            self.end(store, stop, &name, upload, &end).await;
            if over {
                return end.result();
            }
        }
        let attributes = self.attributes(copy, task, stop, store, &version, &source).await?;
        let mut uploads = 0;
        loop {
            // Where somebody else has ended the last one, the row may be another one's, and done.
            copying.leased().await?;
            let begun = self.begin(runner, copy, &target_key, task, stop, &attributes, &source, plan);
            let (name, upload) = begun.await?;
            uploads += 1;
            let end = copying.finish(&upload, Vec::new()).await;
            let over = !matches!(end, End::Gone) || uploads == UPLOADS_MAX;
            self.end(store, stop, &name, upload, &end).await;
            if over {
                return end.result();
            }
        }
    }

    /// What the target gets beside its content.
    async fn attributes(
        &self,
        copy: &CopySpec,
        task: &Task,
        stop: &Stop,
        store: &Arc<dyn ObjectStore>,
        version: &VersionSelector,
        source: &ObjectMeta,
    ) -> Result<Attributes, Left> {
        let tags = if Attributes::need_tags(copy) && store.capabilities().tagging {
            retried(&self.gate, stop, || store.get_tags(&task.bucket, &task.key, version)).await?
        } else {
            Vec::new()
        };
        // What a look at an object says of its access costs another request in most stores.
        let acl = if !matches!(copy.grants, Change::Replace(_)) && store.capabilities().acl {
            retried(&self.gate, stop, || store.get_acl(&task.bucket, &task.key, version)).await?
        } else {
            Acl::default()
        };
        Ok(Attributes::new(copy, source, &tags, &acl))
    }

    /// The upload that an earlier holder of this row left behind, and the parts it has, if it is of the same content in the
    /// same parts. Others are aborted.
    async fn left(
        &self,
        store: &Arc<dyn ObjectStore>,
        task: &Task,
        stop: &Stop,
        source: &ObjectMeta,
        plan: Plan,
    ) -> Result<Option<(String, Upload, Vec<CompletedPart>)>, Left> {
        let mut found = None;
        for (name, upload) in self.noted(task.row).await.map_err(Left::NoSpool)? {
            let Some(upload) = upload else {
                self.forget(&name).await;
                continue;
            };
            if found.is_none() && upload.is_of(source, plan) {
                match retried(&self.gate, stop, || copying::parts_of(store, &upload, plan)).await {
                    Ok(parts) => {
                        found = Some((name, upload, parts));
                        continue;
                    }
                    Err(Left::Refused(error, _)) if retry::classify(&error) == Class::Permanent => {
                        tracing::debug!(job = %self.job, row = task.row, %error, "an upload cannot be gone on with");
                    }
                    Err(left) => return Err(left),
                }
            }
            retried(&self.gate, stop, || uploads::abort(store, &upload)).await?;
            self.forget(&name).await;
        }
        Ok(found)
    }

    /// What is in the place of the object that is to be made. Whoever may not look there does not know.
    async fn before(&self, store: &Arc<dyn ObjectStore>, stop: &Stop, bucket: &str, key: &str) -> Result<Before, Left> {
        match retried(&self.gate, stop, || store.head(bucket, key, &VersionSelector::Latest)).await {
            Ok(object) => Ok(Before::from(&object)),
            Err(Left::Refused(error, _)) if error.kind() == ErrorKind::NoSuchKey => Ok(Before::Nothing),
            Err(Left::Refused(error, _)) if retry::classify(&error) == Class::Permanent => Ok(Before::Unknown),
            Err(left) => Err(left),
        }
    }

    async fn noted(&self, row: u64) -> Result<Vec<(String, Option<Upload>)>, StoreError> {
        let (spool, job) = (self.spool.clone(), self.job);
        let list = async move { uploads::noted(&spool, job, Some(row), None).await };
        offload(self.spool.store().execution(), list).await
    }

    /// Removes a note; one that is left is found again at the end of the job.
    async fn forget(&self, name: &str) {
        let (spool, job, name) = (self.spool.clone(), self.job, name.to_owned());
        let remove = async move { spool.remove_file(job, &name).await };
        if let Err(error) = offload(self.spool.store().execution(), remove).await {
            tracing::warn!(job = %self.job, %error, "the note of an upload is left");
        }
    }

    /// Begins an upload, and notes it before anything is put into it.
    #[expect(clippy::too_many_arguments, reason = "all that an upload is made of")]
    async fn begin(
        &self,
        runner: &Runner,
        copy: &CopySpec,
        target_key: &str,
        task: &Task,
        stop: &Stop,
        attributes: &Attributes,
        source: &ObjectMeta,
        plan: Plan,
    ) -> Result<(String, Upload), Left> {
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
        let before = self.before(store, stop, &copy.target_bucket, target_key).await?;
        let id = retried(&self.gate, stop, create).await?;
        let upload = Upload::new(&copy.target_bucket, target_key, id, source, plan, before);
        let name = uploads::name(task.row, self.epoch);
        let (spool, job, note_name, noted) = (self.spool.clone(), self.job, name.clone(), upload.clone());
        let note = async move { uploads::note(&spool, job, &note_name, &noted).await };
        if let Err(error) = offload(self.spool.store().execution(), note).await {
            // Nobody would find it again.
            let _ = retried(&self.gate, stop, || uploads::abort(store, &upload)).await;
            return Err(Left::NoSpool(error));
        }
        Ok((name, upload))
    }

    /// After the end of an upload nothing is noted of it; what cannot be aborted now stays noted, and so does what somebody
    /// goes on with.
    async fn end(&self, store: &Arc<dyn ObjectStore>, stop: &Stop, name: &str, upload: Upload, end: &End) {
        let abort = match end {
            End::Whole => false,
            End::Left(left) if stop.level() < Level::Cancel && left.may_go_on() => return,
            // One that is gone may only have seemed to be.
            End::Left(_) | End::Gone => true,
        };
        if abort && let Err(error) = uploads::abort(store, &upload).await {
            tracing::warn!(job = %self.job, name, %error, "an upload is left to be aborted later");
            return;
        }
        self.forget(name).await;
    }
}
