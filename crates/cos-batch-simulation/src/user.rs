//! Who makes jobs and changes them.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use cos_batch_engine::{Engine, JobStore as _};
use cos_batch_model::{
    ApiError, BatchApi as _, BucketArn, ClientRequestToken, CreateJobRequest, DeleteJobRequest, ETag, ErrorCode, JobId,
    Manifest, ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority, PutObjectCopy,
    PutObjectTagging, Report, ReportScope, RequestContext, RequestedJobStatus, RoleArn, Tag, TagKey, TagValue,
    UpdateJobPriorityRequest, UpdateJobStatusRequest, ValidationError,
};
use cos_batch_objectstore::{ObjectStore as _, PutRequest};
use futures_util::future::join;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{
    keeper::{Keeper, TENANTS},
    plan::{Fate, JobPlan, Work},
    watcher::watch,
    world::{SOURCE, TARGET, World},
};

/// How long somebody waits before trying again.
const PAUSE: Duration = Duration::from_millis(500);

/// The one tag that jobs give to objects.
pub(crate) const TAG: (&str, &str) = ("done", "yes");

pub(crate) fn key(job: usize, row: u32) -> String {
    format!("j{job}/{row}")
}

pub(crate) fn content(job: usize, row: u32) -> String {
    format!("content {job} {row}")
}

/// Somebody who makes one job.
pub(crate) struct User {
    world: Arc<World>,
    keeper: Arc<Keeper>,
    number: usize,
    plan: JobPlan,
    /// The inventory's ETag.
    etag: String,
}

impl User {
    /// Puts what the job is about into the world.
    pub(crate) async fn new(world: Arc<World>, keeper: Arc<Keeper>, number: usize) -> Option<Self> {
        let plan = world.plan.jobs.get(number)?.clone();
        let put = async |key: &str, body: String| {
            let put = world.objects.put(PutRequest::new(SOURCE, key, body.into())).await;
            put.map(|put| put.etag).unwrap_or_default()
        };
        let (mut row, mut files) = (0, Vec::new());
        for (file, rows) in plan.files.iter().enumerate() {
            let mut text = String::new();
            for _ in 0..*rows {
                if !plan.is_missing(row) {
                    put(&key(number, row), content(number, row)).await;
                }
                // Writing to a string does not fail.
                let _ = writeln!(text, "{SOURCE},{}", key(number, row));
                row += 1;
            }
            let name = format!("lists/{number}/{file}.csv");
            put(&name, text).await;
            files.push(serde_json::json!({ "key": name }));
        }
        let list = serde_json::json!({
            "sourceBucket": "source", "sourceAppid": TENANTS[0], "fileFormat": "CSV",
            "fileSchema": "Bucket, Key", "files": files,
        });
        let etag = put(&format!("lists/{number}/manifest.json"), list.to_string()).await;
        Some(Self { world, keeper, number, plan, etag })
    }

    fn request(&self) -> Result<CreateJobRequest, ValidationError> {
        let target = BucketArn::for_bucket("ap-guangzhou", TARGET)?;
        let scope = if self.plan.all_tasks { ReportScope::AllTasks } else { ReportScope::FailedTasksOnly };
        let operation = match self.plan.work {
            Work::Copy => Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target.clone()))),
            Work::Delete => Operation::DeleteObject,
            Work::Tag => {
                let tag = Tag { key: TagKey::new(TAG.0)?, value: TagValue::new(TAG.1)? };
                Operation::PutObjectTagging(PutObjectTagging { tagging_directive: None, tag_set: vec![tag] })
            }
        };
        let list = format!("lists/{}/manifest.json", self.number);
        Ok(CreateJobRequest {
            client_request_token: ClientRequestToken::new(self.number.to_string())?,
            confirmation_required: self.plan.confirmed_after.is_some(),
            description: None,
            manifest: Manifest {
                location: ManifestLocation {
                    e_tag: ETag::new(self.etag.clone())?,
                    object_arn: ObjectArn::for_object("ap-guangzhou", SOURCE, &list)?,
                    object_version_id: None,
                },
                spec: ManifestSpec { fields: Vec::new(), format: ManifestFormat::InventoryReportCsv.into() },
            },
            operation,
            priority: Priority::new(u32::from(self.plan.priority))?,
            report: Report::to(target, scope),
            role_arn: RoleArn::new("qcs::cam::uin/100000000001:roleName/R")?,
        })
    }

    /// Does all that the plan says about this job.
    pub(crate) async fn act(self) {
        sleep(self.plan.made_at).await;
        let Ok(request) = self.request() else { return self.world.violated("the request of a job is not legal") };
        let Some(id) = self.make(&request).await else { return };
        join(self.change(&id), watch(&self.world, &self.keeper, (self.number, &self.plan), &id)).await;
    }

    /// Changes the job as the plan says.
    async fn change(&self, id: &JobId) {
        if let Some(after) = self.plan.confirmed_after {
            sleep(after).await;
            self.until_taken(async |engine, context| {
                let request = UpdateJobStatusRequest {
                    job_id: id.clone(),
                    requested_job_status: RequestedJobStatus::Ready,
                    status_update_reason: None,
                };
                engine.update_job_status(context, request).await.map(|_| ())
            })
            .await;
        }
        if self.plan.reprioritized {
            let priority = Priority::new(u32::from(self.plan.priority) + 5);
            let Ok(priority) = priority else { return };
            self.until_taken(async |engine, context| {
                let request = UpdateJobPriorityRequest { job_id: id.clone(), priority };
                engine.update_job_priority(context, request).await.map(|_| ())
            })
            .await;
        }
        sleep(self.plan.fate_after).await;
        let taken = match self.plan.fate {
            Fate::Runs => return,
            Fate::Cancelled => {
                self.until_taken(async |engine, context| {
                    let request = UpdateJobStatusRequest {
                        job_id: id.clone(),
                        requested_job_status: RequestedJobStatus::Cancelled,
                        status_update_reason: None,
                    };
                    engine.update_job_status(context, request).await.map(|_| ())
                })
                .await
            }
            Fate::Deleted => {
                self.until_taken(async |engine, context| {
                    let request = DeleteJobRequest { job_id: id.clone() };
                    engine.delete_job(context, request).await.map(|_| ())
                })
                .await
            }
        };
        if let (true, Ok(id)) = (taken, id.as_str().parse::<Uuid>()) {
            self.world.witness.cancelled(id, self.world.clock.elapsed());
        }
    }

    /// Makes the job, once, however often it has to be asked for.
    async fn make(&self, request: &CreateJobRequest) -> Option<JobId> {
        let tenant = TENANTS[self.plan.tenant];
        loop {
            let made = self.ask(async |engine, context| engine.create_job(context, request.clone()).await).await;
            match made {
                Some(Ok(made)) => return Some(made.job_id),
                Some(Err(error)) if error.code == ErrorCode::InvalidRequest => {
                    // An earlier request was carried out, and its answer lost.
                    let Ok(Some(id)) = self.world.jobs.find_token(tenant, request.client_request_token.as_str()).await
                    else {
                        self.world.violated(format!("job {}: {error}", self.number));
                        return None;
                    };
                    return JobId::new(id.to_string()).ok();
                }
                Some(Err(error)) if error.code == ErrorCode::ServiceUnavailable => {}
                Some(Err(error)) => {
                    self.world.violated(format!("job {}: {error}", self.number));
                    return None;
                }
                None => {}
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks until it is done, or cannot be done any more. Whether it is done.
    async fn until_taken(&self, action: impl AsyncFn(&Engine, &RequestContext) -> Result<(), ApiError>) -> bool {
        loop {
            match self.ask(&action).await {
                Some(Ok(())) => return true,
                Some(Err(error)) if error.code == ErrorCode::ServiceUnavailable => {}
                // The job has ended, or an earlier request was carried out.
                Some(Err(_)) => return false,
                None => {}
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks a process; none: there is none, or it does not answer.
    async fn ask<T>(
        &self,
        action: impl AsyncFn(&Engine, &RequestContext) -> Result<T, ApiError>,
    ) -> Option<Result<T, ApiError>> {
        self.keeper.ask(TENANTS[self.plan.tenant], action).await
    }
}
