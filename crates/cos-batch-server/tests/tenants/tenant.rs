//! One account, and what it does.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_model::*;
use cos_signature::{Credentials, KeyTime, SigningKey, sign_with};
use http::{Request, Response};
use http_body_util::Full;
use md5::{Digest, Md5};

use crate::{
    random::Random,
    world::{KEEP, NOW, TENANTS, World, appid, bucket, secret_id, secret_key},
};

/// Most jobs that an account keeps: enough for several pages of a list.
const JOBS_MAX: usize = 25;

/// How many things can be asked about one job.
const ONE_JOB: usize = 5;

pub(crate) struct Tenant {
    number: usize,
    appid: AppId,
    world: World,
    random: Random,
    credentials: Credentials,
    key: SigningKey,
    /// Jobs that were made and not deleted, with the rows that each must have once it is prepared.
    jobs: BTreeMap<String, u64>,
    /// The last CreateJob that was let in.
    last_create: Option<Request<Full<Bytes>>>,
    tokens: usize,
    /// How each of the actions on one job answers where there is none.
    unknown: [String; ONE_JOB],
}

fn text(answer: &Response<Bytes>) -> String {
    String::from_utf8(answer.body().to_vec()).unwrap()
}

impl Tenant {
    pub(crate) fn new(number: usize, world: World) -> Self {
        let credentials = Credentials::new(secret_id(number), secret_key(number));
        let window = KeyTime::starting_at(NOW, Duration::from_secs(3600));
        let key = SigningKey::derive(&credentials.secret_key, window);
        let (appid, random) = (AppId::new(appid(number)).unwrap(), Random::new(number));
        let (jobs, last_create, tokens) = (BTreeMap::new(), None, 0);
        let unknown = std::array::from_fn(|_| String::new());
        Self { number, appid, world, random, credentials, key, jobs, last_create, tokens, unknown }
    }

    /// How many jobs it has.
    pub(crate) fn kept(&self) -> usize {
        self.jobs.len()
    }

    fn signed(&self, action: &impl Action) -> Request<Full<Bytes>> {
        let mut request = action.to_http(&self.appid).map(Full::new);
        request.headers_mut().insert("host", "batch.example".parse().unwrap());
        sign_with(&mut request, &self.credentials, &self.key).unwrap();
        request
    }

    fn signed_with_digest(&self, create: &CreateJobRequest) -> Request<Full<Bytes>> {
        let mut request = create.to_http(&self.appid);
        let digest = STANDARD.encode(Md5::digest(request.body()));
        request.headers_mut().insert("content-md5", digest.parse().unwrap());
        request.headers_mut().insert("host", "batch.example".parse().unwrap());
        sign_with(&mut request, &self.credentials, &self.key).unwrap();
        request.map(Full::new)
    }

    fn create_request(&self, token: &str, manifest: &'static str) -> CreateJobRequest {
        let own = bucket(self.number);
        CreateJobRequest {
            client_request_token: ClientRequestToken::new(token).unwrap(),
            confirmation_required: !self.tokens.is_multiple_of(4),
            description: Some(Description::new(format!("of {}", self.appid)).unwrap()),
            manifest: Manifest {
                location: ManifestLocation {
                    e_tag: ETag::new(self.world.etag(self.number, manifest)).unwrap(),
                    object_arn: ObjectArn::for_object("ap-guangzhou", &own, manifest).unwrap(),
                    object_version_id: None,
                },
                spec: ManifestSpec {
                    fields: vec![ManifestField::Bucket.into(), ManifestField::Key.into()],
                    format: ManifestFormat::BatchOperationsCsv.into(),
                },
            },
            operation: Operation::DeleteObject,
            priority: Priority::new(1).unwrap(),
            report: Report::disabled(),
            role_arn: RoleArn::new("qcs::cam::uin/100000000001:roleName/R").unwrap(),
        }
    }

    pub(crate) fn signed_create(&mut self, token: &str) -> Request<Full<Bytes>> {
        self.signed_with_digest(&self.create_request(token, "own.csv"))
    }

    /// Does something.
    pub(crate) async fn act(&mut self) {
        match self.random.below(100) {
            0 if self.jobs.len() < JOBS_MAX => self.create().await,
            0 => self.delete_any().await,
            1..3 => self.replay().await,
            3..6 => self.create_on_what_is_not_its_own().await,
            6..30 => self.describe_own().await,
            30..35 => self.move_own().await,
            35..45 => self.list().await,
            45..90 => self.at_foreign().await,
            _ => self.at_unknown().await,
        }
    }

    async fn create(&mut self) {
        // All accounts use the same tokens: they are each account's own.
        self.tokens += 1;
        let token = format!("token-{}", self.tokens);
        let manifest = if self.random.below(5) == 0 { "theirs.csv" } else { "own.csv" };
        let request = self.signed_with_digest(&self.create_request(&token, manifest));
        let (answer, _) = self.world.send(request.clone()).await;
        assert_eq!(answer.status(), 200, "{}", text(&answer));
        let id = CreateJobResult::from_http(&answer).unwrap().job_id.to_string();
        self.world.made(self.number, &id);
        let rows = if manifest == "own.csv" { self.number as u64 + 1 } else { 1 };
        assert_eq!(self.jobs.insert(id, rows), None);
        self.last_create = Some(request);
        self.world.count("create");
    }

    async fn replay(&mut self) {
        let Some(request) = self.last_create.clone() else { return };
        let (answer, _) = self.world.send(request).await;
        let error = ApiError::from_http(&answer);
        assert_eq!(error.code, ErrorCode::InvalidRequest, "{error}");
        self.names_nobody_else(&text(&answer));
        self.world.count("replay");
    }

    /// A job whose manifest, target or report is in the bucket of another account.
    async fn create_on_what_is_not_its_own(&mut self) {
        let other = (self.number + 1 + self.random.below(TENANTS - 1)) % TENANTS;
        let mut request = self.create_request("never-used", "own.csv");
        let theirs = BucketArn::for_bucket("ap-guangzhou", &bucket(other)).unwrap();
        match self.random.below(3) {
            0 => {
                let location = &mut request.manifest.location;
                location.object_arn = ObjectArn::for_object("ap-guangzhou", &bucket(other), "own.csv").unwrap();
                location.e_tag = ETag::new(self.world.etag(other, "own.csv")).unwrap();
            }
            1 => request.operation = Operation::PutObjectCopy(Box::new(PutObjectCopy::to(theirs))),
            _ => request.report = Report::to(theirs, ReportScope::AllTasks),
        }
        let (answer, _) = self.world.send(self.signed_with_digest(&request)).await;
        assert_eq!(ApiError::from_http(&answer).code, ErrorCode::AccessDenied, "{}", text(&answer));
    }

    fn any_own(&mut self) -> Option<JobId> {
        let ids: Vec<&String> = self.jobs.keys().collect();
        self.random.one_of(&ids).map(|id| JobId::new(id.as_str()).unwrap())
    }

    async fn describe_own(&mut self) {
        let Some(job_id) = self.any_own() else { return };
        let (answer, _) = self.world.send(self.signed(&DescribeJobRequest { job_id: job_id.clone() })).await;
        let body = text(&answer);
        self.names_nobody_else(&body);
        let job = DescribeJobResult::from_http(&answer).unwrap().job;
        assert_eq!(job.job_id, job_id);
        assert_eq!(job.description.unwrap().as_str(), format!("of {}", self.appid));
        self.counts_are_its_own(&job_id, job.progress_summary.total_number_of_tasks);
        self.world.count("describe");
    }

    async fn move_own(&mut self) {
        let Some(job_id) = self.any_own() else { return };
        let answer = if self.random.below(5) > 0 {
            let priority = Priority::new(u32::try_from(self.random.below(10)).unwrap()).unwrap();
            self.world.send(self.signed(&UpdateJobPriorityRequest { job_id, priority })).await.0
        } else {
            let one = self.random.one_of(&[RequestedJobStatus::Ready, RequestedJobStatus::Cancelled]);
            let requested_job_status = *one.unwrap();
            let request = UpdateJobStatusRequest { job_id, requested_job_status, status_update_reason: None };
            self.world.send(self.signed(&request)).await.0
        };
        // It may have ended, or not be ready for that.
        assert!([200, 400, 404].contains(&answer.status().as_u16()), "{}", text(&answer));
        self.names_nobody_else(&text(&answer));
    }

    async fn delete_any(&mut self) {
        let Some(job_id) = self.any_own() else { return };
        self.delete(job_id.as_str()).await;
    }

    pub(crate) async fn delete(&mut self, id: &str) {
        let job_id = JobId::new(id).unwrap();
        let (answer, _) = self.world.send(self.signed(&DeleteJobRequest { job_id })).await;
        assert_eq!(answer.status(), 204, "{}", text(&answer));
        self.jobs.remove(id);
    }

    async fn list(&mut self) {
        let job_statuses = match self.random.below(4) {
            0 => vec![JobStatus::Suspended],
            1 => vec![JobStatus::Complete, JobStatus::Failed],
            _ => Vec::new(),
        };
        let max_results = Some(u16::try_from(self.random.below(10) + 1).unwrap().to_string().parse().unwrap());
        // A page may begin anywhere, at another account's job too.
        let next_token = match self.random.below(3) {
            0 => self.world.foreign_job(self.number, &mut self.random),
            1 => self.any_own().map(|id| id.to_string()),
            _ => None,
        };
        let next_token = next_token.map(|id| NextToken::new(id).unwrap());
        let request = ListJobsRequest { job_statuses, max_results, next_token };
        let (answer, _) = self.world.send(self.signed(&request)).await;
        self.names_nobody_else(&text(&answer));
        for job in ListJobsResult::from_http(&answer).unwrap().jobs {
            self.counts_are_its_own(&job.job_id, job.progress_summary.total_number_of_tasks);
        }
        self.world.count("list");
    }

    /// What another account has is as if it were not there.
    async fn at_foreign(&mut self) {
        let Some(foreign) = self.world.foreign_job(self.number, &mut self.random) else { return };
        let action = self.random.below(ONE_JOB);
        let (found, unknown) = (self.ask(action, &foreign).await, self.unknown(action).await);
        assert_eq!(&found, unknown, "a foreign job is as one that there is not");
        self.world.count("foreign");
    }

    async fn at_unknown(&mut self) {
        let ids = ["j", "00000000-0000-0000-0000-000000000000", "018bcfe5-6800-7000-8000-00000000000g", "..."];
        let (action, id) = (self.random.below(5), *self.random.one_of(&ids).unwrap());
        let (found, known) =
            (self.ask(action, id).await, self.ask(action, "018bcfe5-6800-7000-8000-000000000000").await);
        assert_eq!(found, known, "{id}");
        self.world.count("unknown");
    }

    /// How an action on a job that there is not is answered.
    async fn unknown(&mut self, action: usize) -> &String {
        if self.unknown[action].is_empty() {
            let answer = self.ask(action, "018bcfe5-6800-7000-8000-000000000000").await;
            assert!(answer.starts_with("404 ") && answer.contains("<Code>NoSuchJob</Code>"), "{answer}");
            self.unknown[action] = answer;
        }
        &self.unknown[action]
    }

    /// The whole answer, without the id of the request and with a letter for that of the job, which is in the address.
    async fn ask(&self, action: usize, id: &str) -> String {
        let job_id = JobId::new(id).unwrap();
        let priority = Priority::new(3).unwrap();
        let status = |requested_job_status| UpdateJobStatusRequest {
            job_id: job_id.clone(),
            requested_job_status,
            status_update_reason: None,
        };
        let request = match action {
            0 => self.signed(&DescribeJobRequest { job_id }),
            1 => self.signed(&DeleteJobRequest { job_id }),
            2 => self.signed(&UpdateJobPriorityRequest { job_id, priority }),
            3 => self.signed(&status(RequestedJobStatus::Ready)),
            _ => self.signed(&status(RequestedJobStatus::Cancelled)),
        };
        let (answer, request_id) = self.world.send(request).await;
        let resource = |id: &str| format!("<Resource>/jobs/{id}");
        let body = text(&answer).replace(&request_id, "R").replace(&resource(id), &resource("J"));
        format!("{} {:?}\n{body}", answer.status(), answer.headers())
    }

    fn names_nobody_else(&self, body: &str) {
        // A job that waits for its confirmation quotes the bucket in its manifest's one row, which is this APPID's own to read.
        let quoted = bucket((self.number + 1) % TENANTS);
        let is_quoting = body.contains("/theirs.csv<") && body.contains("<SuspendedCause>");
        let body = &if is_quoting {
            let words = body.replace(&format!("delete 1 object in {quoted} "), "");
            words.replace(&format!("the first is row 1, {quoted}/{KEEP}<"), "")
        } else {
            body.to_owned()
        };
        let others = (0..TENANTS).filter(|other| *other != self.number).map(appid);
        for other in others {
            assert!(!body.contains(&other), "{} sees something of {other}: {body}", self.appid);
        }
    }

    fn counts_are_its_own(&self, id: &JobId, total: u64) {
        let rows = self.jobs.get(id.as_str());
        assert!(rows.is_some(), "{} is told of {id}, a job of {:?}", self.appid, self.world.owner(id.as_str()));
        assert!(total == 0 || Some(&total) == rows, "{}: {total} tasks, not {rows:?}", self.appid);
    }

    /// The ids of all its jobs, page by page.
    pub(crate) async fn ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        let mut next_token = None;
        loop {
            let max_results = Some("7".parse().unwrap());
            let request = ListJobsRequest { job_statuses: Vec::new(), max_results, next_token };
            let (answer, _) = self.world.send(self.signed(&request)).await;
            let page = ListJobsResult::from_http(&answer).unwrap();
            ids.extend(page.jobs.iter().map(|job| job.job_id.to_string()));
            next_token = page.next_token;
            if next_token.is_none() {
                return ids;
            }
        }
    }

    pub(crate) async fn sees_exactly_its_own(&mut self) {
        let seen = self.ids().await;
        let different: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(different.len(), seen.len(), "no job comes twice");
        assert_eq!(different, self.jobs.keys().cloned().collect());
    }
}
