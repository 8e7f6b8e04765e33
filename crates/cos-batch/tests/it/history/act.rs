//! Clients that do what comes to their mind, and note it.

use std::{
    env,
    io::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use cos_batch_client::{Client, Credentials, Endpoint, Error};
use cos_batch_model::{
    BucketArn, ClientRequestToken, CreateJobRequest, ETag, ErrorCode, JobId, JobStatus, Lenient, ListJobsRequest,
    Manifest, ManifestField, ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority,
    ProgressSummary, Report, ReportScope, RoleArn,
};
use uuid::Uuid;

use super::{
    check::{Event, Events},
    model::{Answer, Call},
};
use crate::dice::Dice;

/// Clients, in place of those of the test.
const CLIENTS_VARIABLE: &str = "COS_BATCH_TORTURE_CLIENTS";
/// What each of them does, in place of that of the test.
const ACTIONS_VARIABLE: &str = "COS_BATCH_TORTURE_ACTIONS";
/// Where it comes from.
const SEED_VARIABLE: &str = "COS_BATCH_TORTURE_SEED";

/// One in so many of the jobs that were deleted is asked for again and again.
const ASKED_FOR_AFTER_THAT: u64 = 8;

/// Who does how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    clients: u64,
    actions: u64,
    seed: u64,
}

impl Plan {
    /// This, unless the environment wants something else.
    pub(crate) fn of(clients: u64, actions: u64) -> Self {
        let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
        Self {
            clients: number(CLIENTS_VARIABLE).unwrap_or(clients),
            actions: number(ACTIONS_VARIABLE).unwrap_or(actions),
            seed: number(SEED_VARIABLE).unwrap_or(1),
        }
    }
}

/// A delete of what the manifest of the test lists.
pub(crate) fn request(bucket: &str, etag: &str) -> CreateJobRequest {
    let bucket_arn = BucketArn::for_bucket("local", bucket).unwrap();
    CreateJobRequest {
        client_request_token: ClientRequestToken::new(Uuid::new_v4().to_string()).unwrap(),
        confirmation_required: false,
        description: None,
        manifest: Manifest {
            location: ManifestLocation {
                e_tag: ETag::new(format!("\"{etag}\"")).unwrap(),
                object_arn: ObjectArn::for_object("local", bucket, "lists/all.csv").unwrap(),
                object_version_id: None,
            },
            spec: ManifestSpec {
                fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                format: ManifestFormat::BatchOperationsCsv.into(),
            },
        },
        operation: Operation::DeleteObject,
        priority: Priority::new(1).unwrap(),
        report: Report::to(bucket_arn, ReportScope::FailedTasksOnly),
        role_arn: RoleArn::new("qcs::cam::uin/100000000001:roleName/R").unwrap(),
    }
}

/// Clients of some servers, which share what they work on.
#[derive(Clone)]
pub(crate) struct Team {
    clients: Vec<Client>,
    pub(super) request: CreateJobRequest,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Jobs that something is done to; a new one takes the place of another.
    jobs: Mutex<Vec<JobId>>,
    /// Grows with each beginning and each end.
    clock: AtomicU64,
    events: Mutex<Events>,
}

impl Team {
    /// Of these servers.
    pub(crate) fn new(endpoints: &[String], id: &str, secret: &str, request: CreateJobRequest) -> Self {
        let client = |endpoint: &String| {
            let client = Client::builder().endpoint(Endpoint::url(endpoint).unwrap());
            let client = client.appid("1250000000".parse().unwrap());
            client.credentials(Credentials::new(id, secret)).build().unwrap()
        };
        Self { clients: endpoints.iter().map(client).collect(), request, shared: Arc::default() }
    }

    /// One of the servers.
    pub(super) fn client(&self, number: u64) -> &Client {
        &self.clients[usize::try_from(number).unwrap() % self.clients.len()]
    }

    /// Acts, and tells what happened.
    pub(crate) async fn act(self, plan: Plan) -> Events {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..plan.clients {
            let (team, jobs_max) = (self.clone(), plan.clients.max(4));
            let mut dice = Dice(plan.seed.wrapping_mul(1000) + number);
            tasks.spawn(async move {
                for _ in 0..plan.actions {
                    team.one(&mut dice, jobs_max).await;
                }
            });
        }
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        let events = std::mem::take(&mut *self.shared.events.lock().unwrap());
        let gone = events.all.iter().filter(|event| matches!(event.answer, Answer::NoSuchJob)).count();
        let (all, made) = (events.all.len(), events.made.len());
        // For whoever looks at a long run; nobody may be there to read it.
        let _ = writeln!(
            std::io::stderr(),
            "{all} calls and looks at one job each, of {made} that were made; {gone} came for a job that was deleted"
        );
        events
    }

    async fn one(&self, dice: &mut Dice, jobs_max: u64) {
        let client = self.client(dice.below(1 << 20));
        let job = {
            let jobs = self.shared.jobs.lock().unwrap();
            let chosen = dice.below(jobs_max * 8);
            usize::try_from(chosen % jobs_max).ok().filter(|_| chosen > 3).and_then(|place| jobs.get(place).cloned())
        };
        let Some(job) = job else { return self.create(client, dice, jobs_max).await };
        match dice.below(64) {
            0..34 => {
                let begin = self.tick();
                let answer = match client.describe_job(&job).await {
                    Ok(job) => seen(&job.status, job.priority, job.progress_summary),
                    Err(error) => refused(&error),
                };
                self.note(&job, Call::Describe, answer, begin);
            }
            34..46 => {
                let priority = u32::try_from(dice.below(1000)).unwrap();
                let begin = self.tick();
                let answered = client.update_job_priority(&job, Priority::new(priority).unwrap()).await;
                self.note(&job, Call::Priority(priority), done(answered.map(drop)), begin);
            }
            46..54 => {
                let begin = self.tick();
                let answered = client.confirm(&job, None).await;
                self.note(&job, Call::Confirm, done(answered.map(drop)), begin);
            }
            54..59 => {
                let begin = self.tick();
                let answered = client.cancel(&job, None).await;
                self.note(&job, Call::Cancel, done(answered.map(drop)), begin);
            }
            59 => {
                let begin = self.tick();
                let answered = client.delete_job(&job).await;
                let is_gone = answered.is_ok();
                self.note(&job, Call::Delete, done(answered), begin);
                // A few are asked for after that. What is done to the others is done to jobs that are there.
                if is_gone && dice.below(ASKED_FOR_AFTER_THAT) > 0 {
                    self.shared.jobs.lock().unwrap().retain(|other| *other != job);
                }
            }
            _ => self.list(client).await,
        }
    }

    async fn create(&self, client: &Client, dice: &mut Dice, jobs_max: u64) {
        let priority = u32::try_from(dice.below(1000)).unwrap();
        let request = CreateJobRequest {
            client_request_token: ClientRequestToken::new(Uuid::new_v4().to_string()).unwrap(),
            confirmation_required: dice.below(2) == 0,
            priority: Priority::new(priority).unwrap(),
            ..self.request.clone()
        };
        let confirmation = request.confirmation_required;
        let job = client.create_job(request).await.unwrap().job_id;
        let made = (priority, confirmation);
        // Before anybody else can know of it.
        self.shared.events.lock().unwrap().made.insert(job.as_str().to_owned(), made);
        let mut jobs = self.shared.jobs.lock().unwrap();
        if (jobs.len() as u64) < jobs_max {
            jobs.push(job);
        } else {
            let place = usize::try_from(dice.below(jobs_max)).unwrap();
            jobs[place] = job;
        }
    }

    /// A list looks at each job that somebody is busy with; one that is not on it was deleted.
    async fn list(&self, client: &Client) {
        let busy = self.shared.jobs.lock().unwrap().clone();
        let begin = self.tick();
        // The newest are on the last page.
        let mut listed = Vec::new();
        let mut token = None;
        loop {
            let request = ListJobsRequest { next_token: token, ..ListJobsRequest::default() };
            let page = client.list_jobs(request).await.unwrap();
            listed.extend(page.jobs);
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        for job in busy {
            let found = listed.iter().find(|member| member.job_id == job);
            let answer = found
                .map_or(Answer::NoSuchJob, |member| seen(&member.status, member.priority, member.progress_summary));
            self.note(&job, Call::Describe, answer, begin);
        }
    }

    fn tick(&self) -> u64 {
        self.shared.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn note(&self, job: &JobId, call: Call, answer: Answer, begin: u64) {
        let event = Event { job: job.as_str().to_owned(), call, answer, begin, end: self.tick() };
        self.shared.events.lock().unwrap().all.push(event);
    }
}

fn seen(status: &Lenient<JobStatus>, priority: Priority, progress: ProgressSummary) -> Answer {
    Answer::Seen {
        status: *status.known().unwrap(),
        priority: priority.get(),
        executed: progress.number_of_tasks_succeeded + progress.number_of_tasks_failed,
    }
}

fn done(answered: Result<(), Error>) -> Answer {
    answered.map_or_else(|error| refused(&error), |()| Answer::Done)
}

fn refused(error: &Error) -> Answer {
    match error.api().map(|error| &error.code) {
        Some(ErrorCode::InvalidRequest) => Answer::InvalidRequest,
        Some(ErrorCode::NoSuchJob) => Answer::NoSuchJob,
        _ => panic!("{error}"),
    }
}
