//! A backend over a job table that a program already has, with columns and states of its own. Here the table is a map in
//! memory; with a database the methods of `JobTable` would be queries. What the API asks for and the table does not know,
//! such as the rules of each field, the server has checked before.
//!
//! Run it with a loopback port: `cargo run --example own_job_table 8080`.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_batch_model::{
    ApiError, AppId, BatchApi, BoxFuture, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult,
    DescribeJobRequest, DescribeJobResult, ErrorCode, FailureCode, FailureReason, Job, JobFailure, JobId,
    JobListMember, JobStatus, ListJobsRequest, ListJobsResult, Manifest, NextToken, Priority, ProgressSummary,
    RequestContext, RequestedJobStatus, StatusUpdateReason, SuspendedCause, Timestamp, UpdateJobPriorityRequest,
    UpdateJobPriorityResult, UpdateJobStatusRequest, UpdateJobStatusResult, xml,
};
use cos_batch_server::{BatchService, listen};

/// States as the table has them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    Queued,
    Done,
    Stopped,
    Broken,
}

impl State {
    fn status(self) -> JobStatus {
        match self {
            Self::Waiting => JobStatus::Suspended,
            Self::Queued => JobStatus::Ready,
            Self::Done => JobStatus::Complete,
            Self::Stopped => JobStatus::Cancelled,
            Self::Broken => JobStatus::Failed,
        }
    }
}

/// A row as the table has it. Its number is its key.
struct Row {
    account: String,
    token: String,
    state: State,
    urgency: u32,
    /// The request as it came, so that DescribeJob can show what the table has no columns for.
    document: String,
    total: u64,
    done: u64,
    note: Option<String>,
    created: i64,
    waiting_since: Option<i64>,
    ended: Option<i64>,
    deleted: bool,
}

/// Opens the list of objects that a manifest names, and counts its rows; or says why it cannot.
type CountRows = dyn Fn(&Manifest) -> Result<u64, String> + Send + Sync;

/// The table. Clones share it.
#[derive(Clone)]
pub(crate) struct JobTable {
    rows: Arc<Mutex<BTreeMap<u64, Row>>>,
    count_rows: Arc<CountRows>,
    clock: fn() -> i64,
}

impl JobTable {
    /// An empty table. `clock` tells Unix seconds.
    pub(crate) fn new(
        clock: fn() -> i64,
        count_rows: impl Fn(&Manifest) -> Result<u64, String> + Send + Sync + 'static,
    ) -> Self {
        Self { rows: Arc::default(), count_rows: Arc::new(count_rows), clock }
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<u64, Row>> {
        // No method leaves a row half written, so that a panic elsewhere does not matter.
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The program's worker, one step: takes the most urgent row that is queued, and deals with all its objects. (This one
    /// only counts them.)
    pub(crate) fn work(&self) {
        let mut rows = self.rows();
        let queued = rows.values_mut().filter(|row| row.state == State::Queued && !row.deleted);
        if let Some(row) = queued.max_by_key(|row| row.urgency) {
            (row.state, row.done, row.ended) = (State::Done, row.total, Some((self.clock)()));
        }
    }

    fn create(&self, account: &AppId, request: &CreateJobRequest) -> Result<CreateJobResult, ApiError> {
        let token = request.client_request_token.as_str();
        let mut rows = self.rows();
        // Deleted rows count as well: a request that is sent again must never make a second job.
        if let Some((number, _)) = rows.iter().find(|(_, row)| row.account == account.as_str() && row.token == token) {
            let message = format!("ClientRequestToken was already used, by job {}", job_id(*number)?);
            return Err(ApiError::new(ErrorCode::InvalidRequest, message));
        }
        let number = rows.last_key_value().map_or(1, |(last, _)| last + 1);
        let now = (self.clock)();
        // Read before anybody confirms, so that a person sees how many objects it is about.
        let (state, total, note) = match (self.count_rows)(&request.manifest) {
            Ok(total) if request.confirmation_required => (State::Waiting, total, None),
            Ok(total) => (State::Queued, total, None),
            Err(note) => (State::Broken, 0, Some(note)),
        };
        let row = Row {
            account: account.as_str().to_owned(),
            token: token.to_owned(),
            state,
            urgency: request.priority.get(),
            document: xml::ToXml::to_xml(request),
            total,
            done: 0,
            note,
            created: now,
            waiting_since: (state == State::Waiting).then_some(now),
            ended: (state == State::Broken).then_some(now),
            deleted: false,
        };
        rows.insert(number, row);
        Ok(CreateJobResult { job_id: job_id(number)? })
    }

    fn list(&self, account: &AppId, request: &ListJobsRequest) -> Result<ListJobsResult, ApiError> {
        let after = match &request.next_token {
            None => 0,
            Some(token) => number(token.as_str()).ok_or_else(|| {
                ApiError::new(ErrorCode::InvalidArgument, "nextToken is not one that this server gave out")
            })?,
        };
        let wanted = |status| request.job_statuses.is_empty() || request.job_statuses.contains(&status);
        let rows = self.rows();
        let mut found = rows
            .range(after.saturating_add(1)..)
            .filter(|(_, row)| row.account == account.as_str() && !row.deleted && wanted(row.state.status()));
        let page = found.by_ref().take(usize::from(request.max_results.unwrap_or_default().get()));
        let jobs = page.map(|(number, row)| row.member(*number)).collect::<Result<Vec<_>, _>>()?;
        // A token only where something follows: clients go on while there is one.
        let next_token = match (jobs.last(), found.next()) {
            (Some(last), Some(_)) => Some(NextToken::new(last.job_id.as_str())?),
            _ => None,
        };
        Ok(ListJobsResult { jobs, next_token })
    }

    /// Does something with a row of this account. Another account's row is answered as one that never was.
    fn with<T>(
        &self,
        account: &AppId,
        id: &JobId,
        work: impl FnOnce(u64, &mut Row) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let mut rows = self.rows();
        let found = number(id.as_str()).and_then(|number| Some((number, rows.get_mut(&number)?)));
        match found.filter(|(_, row)| row.account == account.as_str() && !row.deleted) {
            Some((number, row)) => work(number, row),
            None => Err(ApiError::new(ErrorCode::NoSuchJob, "there is no job with this id")),
        }
    }

    fn change(&self, account: &AppId, request: UpdateJobStatusRequest) -> Result<UpdateJobStatusResult, ApiError> {
        let now = (self.clock)();
        self.with(account, &request.job_id, |_, row| {
            match (request.requested_job_status, row.state) {
                (RequestedJobStatus::Ready, State::Waiting) => row.state = State::Queued,
                (RequestedJobStatus::Cancelled, State::Waiting | State::Queued) => {
                    (row.state, row.ended) = (State::Stopped, Some(now));
                }
                (asked, state) => {
                    let message = format!("a job that is {} cannot become {asked}", state.status());
                    return Err(ApiError::new(ErrorCode::InvalidRequest, message));
                }
            }
            row.note = request.status_update_reason.as_ref().map(|reason| reason.as_str().to_owned());
            Ok(row.state.status())
        })
        .map(|status| UpdateJobStatusResult {
            job_id: request.job_id,
            status: status.into(),
            status_update_reason: request.status_update_reason,
        })
    }

    fn prioritize(&self, account: &AppId, id: &JobId, priority: Priority) -> Result<(), ApiError> {
        self.with(account, id, |_, row| {
            if row.state.status().is_final() {
                let message = "the job does not exist or has already finished";
                return Err(ApiError::new(ErrorCode::NoSuchJob, message));
            }
            row.urgency = priority.get();
            Ok(())
        })
    }

    fn delete(&self, account: &AppId, id: &JobId) -> Result<DeleteJobResult, ApiError> {
        self.with(account, id, |_, row| {
            row.deleted = true;
            Ok(DeleteJobResult)
        })
    }
}

impl Row {
    fn request(&self) -> Result<CreateJobRequest, ApiError> {
        xml::from_slice(self.document.as_bytes(), xml::Mode::Lenient)
            .map_err(|error| ApiError::new(ErrorCode::InternalError, format!("a stored job cannot be read: {error}")))
    }

    fn progress(&self) -> ProgressSummary {
        ProgressSummary {
            number_of_tasks_failed: 0,
            number_of_tasks_succeeded: self.done,
            total_number_of_tasks: self.total,
        }
    }

    fn job(&self, number: u64) -> Result<Job, ApiError> {
        let request = self.request()?;
        let waits = self.state == State::Waiting;
        let broken = self.note.as_ref().filter(|_| self.state == State::Broken);
        Ok(Job {
            client_request_token: Some(request.client_request_token),
            confirmation_required: request.confirmation_required,
            creation_time: Timestamp::from_unix_seconds(self.created)?,
            description: request.description,
            failure_reasons: broken.map(|note| failure(note)).into_iter().collect(),
            job_id: job_id(number)?,
            manifest: request.manifest,
            operation: request.operation,
            priority: Priority::new(self.urgency)?,
            progress_summary: self.progress(),
            report: request.report,
            role_arn: request.role_arn,
            status: self.state.status().into(),
            status_update_reason: self.note.as_deref().map(StatusUpdateReason::truncate),
            suspended_cause: waits.then(|| SuspendedCause::truncate("waiting for confirmation")),
            suspended_date: self.waiting_since.map(Timestamp::from_unix_seconds).transpose()?,
            termination_date: self.ended.map(Timestamp::from_unix_seconds).transpose()?,
        })
    }

    fn member(&self, number: u64) -> Result<JobListMember, ApiError> {
        let job = self.job(number)?;
        Ok(JobListMember {
            creation_time: job.creation_time,
            description: job.description,
            job_id: job.job_id,
            operation: job.operation.kind(),
            priority: job.priority,
            progress_summary: job.progress_summary,
            status: job.status,
            termination_date: job.termination_date,
        })
    }
}

fn failure(note: &str) -> JobFailure {
    JobFailure { failure_code: FailureCode::truncate("ListNotReadable"), failure_reason: FailureReason::truncate(note) }
}

/// Ids of jobs are numbers of rows, padded, so that the order of ids is that of creation.
fn job_id(number: u64) -> Result<JobId, ApiError> {
    Ok(JobId::new(format!("job-{number:020}"))?)
}

/// The row that an id stands for; one row has one id.
fn number(id: &str) -> Option<u64> {
    let number = id.strip_prefix("job-")?.parse().ok()?;
    job_id(number).is_ok_and(|own| own.as_str() == id).then_some(number)
}

/// An answer that need not be waited for. With a database these would be `async` blocks.
fn answer<'a, T: Send + 'a>(result: Result<T, ApiError>) -> BoxFuture<'a, Result<T, ApiError>> {
    Box::pin(std::future::ready(result))
}

impl BatchApi for JobTable {
    fn create_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: CreateJobRequest,
    ) -> BoxFuture<'a, Result<CreateJobResult, ApiError>> {
        // Over HTTP this was done; calls from elsewhere in the program come here unchecked.
        answer(request.validate().map_err(ApiError::from).and_then(|()| self.create(&context.appid, &request)))
    }

    fn describe_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DescribeJobRequest,
    ) -> BoxFuture<'a, Result<DescribeJobResult, ApiError>> {
        let job = self.with(&context.appid, &request.job_id, |number, row| row.job(number));
        answer(job.map(|job| DescribeJobResult { job }))
    }

    fn list_jobs<'a>(
        &'a self,
        context: &'a RequestContext,
        request: ListJobsRequest,
    ) -> BoxFuture<'a, Result<ListJobsResult, ApiError>> {
        answer(self.list(&context.appid, &request))
    }

    fn update_job_priority<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobPriorityRequest,
    ) -> BoxFuture<'a, Result<UpdateJobPriorityResult, ApiError>> {
        let UpdateJobPriorityRequest { job_id, priority } = request;
        let done = self.prioritize(&context.appid, &job_id, priority);
        answer(done.map(|()| UpdateJobPriorityResult { job_id, priority }))
    }

    fn update_job_status<'a>(
        &'a self,
        context: &'a RequestContext,
        request: UpdateJobStatusRequest,
    ) -> BoxFuture<'a, Result<UpdateJobStatusResult, ApiError>> {
        answer(self.change(&context.appid, request))
    }

    fn delete_job<'a>(
        &'a self,
        context: &'a RequestContext,
        request: DeleteJobRequest,
    ) -> BoxFuture<'a, Result<DeleteJobResult, ApiError>> {
        answer(self.delete(&context.appid, &request.job_id))
    }
}

#[expect(clippy::disallowed_methods, reason = "an edge of the program: here is where a clock comes from")]
fn system_time() -> i64 {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("name a port")?.parse()?;
    let table = JobTable::new(system_time, |_| Ok(1));
    // Lets everybody in, so that one can try it without signing; a server for others gets keys by `authenticate`.
    let service = BatchService::builder(Arc::new(table.clone())).allow_anonymous(AppId::new("1250000000")?).build()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let worker = async {
        let mut interval = tokio::time::interval(Duration::from_secs(1));
        loop {
            interval.tick().await;
            table.work();
        }
    };
    tokio::select! {
        served = listen::serve(listener, service, std::future::pending(), listen::ListenOptions::default()) => served?,
        () = worker => {}
    }
    Ok(())
}
