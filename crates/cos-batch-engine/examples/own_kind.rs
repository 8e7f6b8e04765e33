//! A server's own kind of operation: counts the lines of objects, as a job with checkpoints, retries and a report.
#![expect(clippy::print_stdout, reason = "printing is how it tells")]

use std::{error::Error, sync::Arc, time::Duration};

use cos_batch_engine::{
    Access, Buckets, Config, Dialect, Engine, JobSpec, Kinds, MemoryJobStore, OperationKind, Parts, Spool, SystemClock,
    kinds::KindTask,
    spec::{Column, CustomSpec, ManifestFormat, ManifestSpec, ReportSpec, SPEC_VERSION, TaskOperation},
    store::JobStatus,
    task::Outcome,
};
use cos_batch_model::{AppId, RequestContext};
use cos_batch_objectstore::{
    BoxFuture, GetRequest, ListRequest, MemoryStore, ObjectStore, PutRequest, StoreError, VersionSelector,
};

const BUCKET: &str = "logs-1250000000";

/// Bytes of an object at most: one read gives all of it.
const BYTES_MAX: u64 = 1024 * 1024;

/// Counts lines: all, or those with the word that the argument `with` is.
#[derive(Debug)]
struct CountLines;

impl OperationKind for CountLines {
    fn check(&self, spec: &CustomSpec) -> Result<(), String> {
        match spec.arguments.keys().find(|name| *name != "with") {
            Some(name) => Err(format!("count-lines: there is no argument {name:?}; `with` is one")),
            None => Ok(()),
        }
    }

    fn run<'a>(&'a self, task: KindTask<'a>) -> BoxFuture<'a, Result<Outcome, StoreError>> {
        Box::pin(async move {
            // An error of the store is tried again, or ends the task, as for any other operation.
            let object = task.store.head(task.bucket, task.key, task.version).await?;
            if object.size > BYTES_MAX {
                let message = format!("at most {BYTES_MAX} bytes are looked at, this object has {}", object.size);
                return Ok(Outcome::failure(400, "EntityTooLarge", message));
            }
            let (bucket, key, version) = (task.bucket, task.key, task.version);
            let request = GetRequest { bucket, key, version, range: 0..object.size, pin: Some(&object.pin) };
            let content = task.store.get_range(request).await?;
            let text = String::from_utf8_lossy(&content);
            let word = task.spec.arguments.get("with").map_or("", String::as_str);
            let lines = text.lines().filter(|line| line.contains(word)).count();
            Ok(Outcome::success(200).telling(format!("{lines} lines")))
        })
    }
}

/// Runs a job that counts the lines of some objects with a word; gives the rows of its report.
pub(crate) async fn count(word: &str) -> Result<String, Box<dyn Error>> {
    let objects = Arc::new(MemoryStore::new());
    objects.create_bucket(BUCKET)?;
    let put = async |key, text: &'static str| objects.put(PutRequest::new(BUCKET, key, text.into())).await;
    put("a.log", "started\nerror: no room\nstopped\n").await?;
    put("b.log", "error: lost\nerror: lost again\n").await?;
    let list = put("list.csv", "logs-1250000000,a.log\nlogs-1250000000,b.log\nlogs-1250000000,gone.log\n").await?;
    let spool = MemoryStore::new();
    spool.create_bucket("segments")?;
    let parts = Parts {
        jobs: Arc::new(MemoryJobStore::new(Arc::new(SystemClock))),
        buckets: Buckets::new(Arc::clone(&objects) as _),
        access: Access::new(),
        spool: Spool::new(Arc::new(spool), "segments"),
        config: Config { kinds: Kinds::new().with("count-lines", CountLines), ..Config::default() },
    };
    let engine = Engine::start(parts, true).await?;

    let context = RequestContext::new(AppId::new("1250000000")?, "example");
    let spec = JobSpec {
        version: SPEC_VERSION,
        confirmation_required: false,
        description: None,
        manifest: ManifestSpec {
            bucket: BUCKET.to_owned(),
            key: "list.csv".to_owned(),
            version: None,
            etag: list.etag,
            format: ManifestFormat::Csv { columns: vec![Column::Bucket, Column::Key] },
        },
        operation: TaskOperation::Custom(Box::new(CustomSpec {
            kind: "count-lines".to_owned(),
            schema: None,
            arguments: [("with".to_owned(), word.to_owned())].into(),
        })),
        report: Some(ReportSpec { bucket: BUCKET.to_owned(), prefix: "reports".to_owned(), all_tasks: true }),
        role_arn: String::new(),
        tags: Vec::new(),
        dialect: Dialect::S3Control,
        retry_of: None,
        request: String::new(),
    };
    let job = engine.create(&context, "token".to_owned(), 1, spec).await?.ok_or("the token was used before")?;
    let id = job.id.to_string();
    loop {
        match engine.job(&context, &id).await?.state.status {
            JobStatus::Complete => break,
            status if status.is_final() => return Err(format!("the job is {status}").into()),
            _ => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    engine.shutdown().await;

    let prefix = format!("reports/job-{id}/results/");
    let files = objects.list(ListRequest { bucket: BUCKET, prefix: &prefix, after: None, limit: 10 }).await?;
    let mut rows = String::new();
    for (key, object) in files.objects {
        let (range, version) = (0..object.size, &VersionSelector::Latest);
        let file = objects.get_range(GetRequest { bucket: BUCKET, key: &key, version, range, pin: None }).await?;
        rows.push_str(&String::from_utf8_lossy(&file));
    }
    Ok(rows)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", count("error").await?);
    Ok(())
}
