//! Operations beyond the four: what keeps objects, checksums, and kinds of a server's own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use cos_batch_engine::{
    Config, Dialect, Engine, JobSpec, Kinds, OperationKind,
    kinds::{KindTask, temporary_failure},
    spec::{
        ChecksumAlgorithm, Column, CustomSpec, ManifestFormat, ManifestSpec, ReportSpec, SPEC_VERSION, TaskOperation,
    },
    store::JobStatus,
    task::Outcome,
};
use cos_batch_model::{BatchApi as _, DescribeJobRequest, ErrorCode, JobId};
use cos_batch_objectstore::{
    BoxFuture, ErrorKind, ObjectStore as _, PutRequest, Retention, RetentionMode, StoreError, VersionSelector,
};

use super::world::{SOURCE, TARGET, World};

#[path = "../../../examples/own_kind.rs"]
#[expect(dead_code, reason = "the example has a main function of its own")]
mod own_kind;

const LATEST: &VersionSelector = &VersionSelector::Latest;

/// A job of the other dialect, which has a word for all of these.
pub(super) async fn spec(world: &World, rows: &str, operation: TaskOperation) -> JobSpec {
    let etag = world.put(SOURCE, "manifest.csv", rows.to_owned()).await;
    JobSpec {
        version: SPEC_VERSION,
        confirmation_required: false,
        description: None,
        manifest: ManifestSpec {
            bucket: SOURCE.to_owned(),
            key: "manifest.csv".to_owned(),
            version: None,
            etag,
            format: ManifestFormat::Csv { columns: vec![Column::Bucket, Column::Key] },
        },
        operation,
        report: Some(ReportSpec { bucket: TARGET.to_owned(), prefix: String::new(), all_tasks: true }),
        role_arn: String::new(),
        tags: Vec::new(),
        dialect: Dialect::S3Control,
        retry_of: None,
        request: String::new(),
    }
}

/// Runs a job over these rows to its end.
async fn run(world: &World, token: &str, rows: &str, operation: TaskOperation) -> JobId {
    let spec = spec(world, rows, operation).await;
    let job = world.engine.create(&world.context(), token.to_owned(), 1, spec).await.unwrap().unwrap();
    let id = JobId::new(job.id.to_string()).unwrap();
    until(world, &world.engine, &id, JobStatus::Complete).await;
    id
}

/// Waits for the job's end, which the dialect of COS has no words to describe.
pub(super) async fn until(world: &World, engine: &Engine, id: &JobId, expected: JobStatus) {
    let ended = async {
        loop {
            let job = engine.job(&world.context(), id.as_str()).await.unwrap();
            if job.state.status.is_final() {
                return job;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    let job = tokio::time::timeout(super::world::GUARD, ended).await.expect("it ends");
    assert_eq!(job.state.status, expected, "{job:?}");
}

/// Lines of the report, sorted.
async fn lines(world: &World, id: &JobId) -> Vec<String> {
    let manifest = world.get(TARGET, &format!("job-{id}/manifest.json")).await.expect("a report's manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let mut lines = Vec::new();
    for file in manifest["Results"].as_array().unwrap() {
        let body = world.get(TARGET, file["Key"].as_str().unwrap()).await.expect("a file the manifest names");
        lines.extend(String::from_utf8(body.to_vec()).unwrap().lines().map(str::to_owned));
    }
    lines.sort();
    lines
}

#[tokio::test]
async fn objects_are_held_and_retained_by_jobs() {
    let world = World::new().await;
    let rows = world.fill(1).await + &format!("{SOURCE},none\n");
    let id = run(&world, "hold", &rows, TaskOperation::LegalHold { on: true }).await;
    let report = world.report(&id).await;
    assert_eq!(report, [("in/0".to_owned(), true, String::new()), ("none".to_owned(), false, "NoSuchKey".to_owned())]);
    assert!(world.memory.get_lock(SOURCE, "in/0", LATEST).await.unwrap().legal_hold);
    let put = PutRequest::new(SOURCE, "in/0", "new".into());
    assert_eq!(world.memory.put(put).await.unwrap_err().kind(), ErrorKind::AccessDenied);
    run(&world, "free", &rows, TaskOperation::LegalHold { on: false }).await;
    let retention = |mode, until| Some(Retention { mode, until });
    let far = 40_000_000_000;
    let set = |retention, bypass_governance| TaskOperation::Retention { retention, bypass_governance };
    run(&world, "keep", &rows, set(retention(RetentionMode::Governance, far), false)).await;
    let id = run(&world, "less", &rows, set(retention(RetentionMode::Governance, far - 1), false)).await;
    assert_eq!(world.report(&id).await[0].2, "AccessDenied");
    let id = run(&world, "end", &rows, set(None, true)).await;
    assert_eq!(world.report(&id).await[0].2, "");
    assert_eq!(world.memory.get_lock(SOURCE, "in/0", LATEST).await.unwrap().retention, None);
    // A moment that is over.
    let id = run(&world, "past", &rows, set(retention(RetentionMode::Compliance, 1), false)).await;
    assert_eq!(world.report(&id).await[0].2, "InvalidArgument");
}

#[tokio::test]
async fn checksums_are_reported() {
    let world = World::new().await;
    world.put(SOURCE, "empty", "").await;
    // More than what is read at once, and no whole number of it.
    let large = vec![b'x'; 2 * 1024 * 1024 + 7];
    let etag = world.put(SOURCE, "large", large).await;
    let archived = PutRequest {
        storage_class: cos_batch_objectstore::StorageClass::new("ARCHIVE"),
        ..PutRequest::new(SOURCE, "cold", "x".into())
    };
    world.memory.put(archived).await.unwrap();
    let rows = format!("{SOURCE},empty\n{SOURCE},large\n{SOURCE},cold\n{SOURCE},none\n");
    let operation = TaskOperation::Checksum { algorithm: ChecksumAlgorithm::Md5 };
    let id = run(&world, "sum", &rows, operation).await;
    let lines = lines(&world, &id).await;
    let rest = lines.iter().map(|line| line.split_once(",,").unwrap()).collect::<BTreeMap<_, _>>();
    assert!(rest[&*format!("{SOURCE},cold")].starts_with("failed,403,InvalidObjectState,"), "{lines:?}");
    assert!(rest[&*format!("{SOURCE},none")].starts_with("failed,404,NoSuchKey,"), "{lines:?}");
    // The ETag of what was put whole is its MD5.
    let told = rest[&*format!("{SOURCE},large")];
    let upper = etag.to_uppercase();
    assert!(told.starts_with("succeeded,200,,\"{\"\"checksum_base64\"\":\"\""), "{told}");
    assert!(told.contains(&format!("\"\"etag\"\":\"\"{etag}\"\"")), "{told}");
    assert!(told.ends_with(&format!("\"\"checksum_hex\"\":\"\"{upper}\"\"}}\"")), "{told}");
    let told = rest[&*format!("{SOURCE},empty")];
    assert!(told.contains("D41D8CD98F00B204E9800998ECF8427E"), "{told}");
}

/// Fails once in passing for each object, then does as the key says.
#[derive(Debug)]
struct Moody(Arc<AtomicU32>);

impl OperationKind for Moody {
    fn check(&self, spec: &CustomSpec) -> Result<(), String> {
        spec.arguments.get("mood").map(drop).ok_or_else(|| "moody: the argument `mood` is needed".to_owned())
    }

    fn run<'a>(&'a self, task: KindTask<'a>) -> BoxFuture<'a, Result<Outcome, StoreError>> {
        Box::pin(async move {
            let mood = &task.spec.arguments["mood"];
            if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
                return Err(temporary_failure("not now"));
            }
            task.store.head(task.bucket, task.key, task.version).await?;
            match task.key {
                "in/0" => Ok(Outcome::success(200).telling(format!("=row {} of {}, {mood}", task.row, task.tenant))),
                "in/1" => Ok(Outcome::failure(200, "PermanentFailure", "never, \"really\"")),
                _ => panic!("a kind that breaks off"),
            }
        })
    }
}

fn moody(mood: Option<&str>) -> TaskOperation {
    let arguments = mood.map(|mood| ("mood".to_owned(), mood.to_owned())).into_iter().collect();
    TaskOperation::Custom(Box::new(CustomSpec { kind: "moody".to_owned(), schema: None, arguments }))
}

async fn world_with(kinds: Kinds) -> World {
    let config = Config { kinds, ..Config::default() };
    World::of(config, |memory| memory, |jobs| jobs).await
}

#[tokio::test]
async fn a_kind_of_its_own_is_retried_counted_and_reported() {
    let calls = Arc::new(AtomicU32::new(0));
    let mut world = world_with(Kinds::new().with("moody", Moody(Arc::clone(&calls)))).await;
    let rows = world.fill(3).await + &format!("{SOURCE},none\n");
    let id = run(&world, "moody", &rows, moody(Some("calm"))).await;
    assert_eq!(calls.load(Ordering::SeqCst), 5, "one of the four tasks was tried again");
    let expected = [
        format!("{SOURCE},in/0,,succeeded,200,,\"'=row 0 of 1250000000, calm\""),
        format!("{SOURCE},in/1,,failed,200,PermanentFailure,\"never, \"\"really\"\"\""),
        format!("{SOURCE},in/2,,failed,500,InternalError,the object store broke off in the middle of the operation"),
    ];
    let lines = lines(&world, &id).await;
    assert_eq!(lines[..3], expected);
    assert!(lines[3].starts_with(&format!("{SOURCE},none,,failed,404,NoSuchKey,")), "{lines:?}");
    let seen = world.engine.job(&world.context(), id.as_str()).await.unwrap();
    assert_eq!((seen.progress.succeeded, seen.progress.failed), (1, 3));

    // What a kind does not take is told to whoever makes the job; so is a kind that there is not.
    let made = async |world: &World, token: &str, operation| {
        let spec = spec(world, &rows, operation).await;
        world.engine.create(&world.context(), token.to_owned(), 1, spec).await
    };
    let error = made(&world, "mute", moody(None)).await.unwrap_err();
    assert_eq!((error.code, &*error.message), (ErrorCode::InvalidArgument, "moody: the argument `mood` is needed"));
    let unknown = CustomSpec { kind: "gone".to_owned(), schema: None, arguments: BTreeMap::new() };
    let error = made(&world, "gone", TaskOperation::Custom(Box::new(unknown))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(error.message.contains("\"gone\""), "{error}");
    // The dialect of COS has no words for it, and lists it all the same.
    let request = DescribeJobRequest { job_id: id.clone() };
    let described = world.engine.describe_job(&world.context(), request).await.unwrap_err();
    assert_eq!(described.code, ErrorCode::NotImplemented);
    assert!(described.message.contains("LambdaInvoke"), "{described}");

    // A job whose kind was taken away meanwhile says so before any task is tried.
    let mut waits = spec(&world, &rows, moody(Some("calm"))).await;
    waits.confirmation_required = true;
    world.engine.shutdown().await;
    let job = world.engine.create(&world.context(), "waits".to_owned(), 1, waits).await.unwrap().unwrap();
    world.config.kinds = Kinds::new();
    world.restart().await;
    let id = JobId::new(job.id.to_string()).unwrap();
    until(&world, &world.engine, &id, JobStatus::Failed).await;
    let job = world.engine.job(&world.context(), id.as_str()).await.unwrap();
    let failure = job.state.failures.first().unwrap();
    assert_eq!(failure.code, "NotSupported");
    assert!(failure.reason.contains("\"moody\""), "{failure:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn the_example_with_a_kind_of_its_own_counts_lines() {
    let rows = own_kind::count("error").await.unwrap();
    let mut lines: Vec<_> = rows.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines[0], "logs-1250000000,a.log,,succeeded,200,,1 lines");
    assert_eq!(lines[1], "logs-1250000000,b.log,,succeeded,200,,2 lines");
    assert!(lines[2].starts_with("logs-1250000000,gone.log,,failed,404,NoSuchKey,"), "{rows}");
}
