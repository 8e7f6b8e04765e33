//! Manifests of very many rows: streamed in constant memory, and how fast. `cargo xtask long manifest` says how many and
//! prints what was measured; without it there are few.

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use cos_batch_engine::{
    Access, Buckets, Config, Engine, JobStore, MemoryJobStore, Parts, Spool, SystemClock,
    manifest::{Columns, Cut, Indexer, Inflated, Inflater, Step},
    spec::{Column, Dialect, JobSpec, ManifestFormat, ManifestSpec, SPEC_VERSION, TaskOperation},
    store::{JobStatus, NewJob},
};
use cos_batch_objectstore::{
    BoxFuture, Capabilities, CopyOutcome, CopyRequest, DeleteOutcome, DeleteRequest, ErrorKind, Execution, GetRequest,
    ListPage, ListRequest, MemoryStore, ObjectMeta, ObjectStore, Pin, PutOutcome, PutRequest, RestoreOutcome,
    RestoreRequest, StorageClass, StoreError, Tag, TagRequest, VersionSelector,
};
use flate2::{Compression, write::GzEncoder};

const ROWS_VARIABLE: &str = "COS_BATCH_MANIFEST_ROWS";

/// Rows where nobody says how many.
const ROWS_DEFAULT: u64 = 200_000;

/// Most memory of the process while a manifest is read, however long it is; told by `cargo xtask long manifest` alone,
/// since other tests may run in the same process.
const PEAK_KIB_MAX: u64 = 100 * 1024;

const BUCKET: &str = "src-1250000000";
const ROW: &[u8] = b"src-1250000000,photos/2026/11/26/some-folder/000000000\n";

/// How many rows, and whether somebody asked for it.
fn rows() -> (u64, bool) {
    match std::env::var(ROWS_VARIABLE) {
        Ok(rows) => (rows.parse().unwrap(), true),
        Err(_) => (ROWS_DEFAULT, false),
    }
}

/// The row of this number.
fn write_row(out: &mut Vec<u8>, mut number: u64) {
    out.extend_from_slice(ROW);
    let digits = out.len() - 10..out.len() - 1;
    for place in digits.rev() {
        out[place] = b'0' + u8::try_from(number % 10).unwrap();
        number /= 10;
    }
}

/// Has one object, a manifest, which is made as it is read.
#[derive(Debug)]
struct Endless {
    rows: u64,
}

impl Endless {
    fn size(&self) -> u64 {
        self.rows * ROW.len() as u64
    }
}

fn never<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(async { Err(StoreError::new(ErrorKind::NotImplemented, "nobody asks for this here")) })
}

impl ObjectStore for Endless {
    fn execution(&self) -> Execution {
        Execution::Async
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }

    fn bucket_exists<'a>(&'a self, _bucket: &'a str) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(async { Ok(true) })
    }

    fn head<'a>(
        &'a self,
        _bucket: &'a str,
        _key: &'a str,
        _version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<ObjectMeta, StoreError>> {
        Box::pin(async {
            Ok(ObjectMeta {
                size: self.size(),
                etag: "e".to_owned(),
                last_modified: 0,
                version_id: None,
                storage_class: StorageClass::default(),
                metadata: Default::default(),
                grants: Vec::new(),
                canned_acl: None,
                restore: None,
                pin: Pin("p".to_owned()),
            })
        })
    }

    fn get_range<'a>(&'a self, request: GetRequest<'a>) -> BoxFuture<'a, Result<Bytes, StoreError>> {
        Box::pin(async move {
            let row = ROW.len() as u64;
            let (start, end) = (request.range.start, request.range.end.min(self.size()));
            let mut text = Vec::new();
            for number in start / row..end.div_ceil(row) {
                write_row(&mut text, number);
            }
            let skip = usize::try_from(start % row).unwrap();
            let length = usize::try_from(end - start).unwrap();
            Ok(Bytes::from(text).slice(skip..skip + length))
        })
    }

    fn put<'a>(&'a self, _request: PutRequest<'a>) -> BoxFuture<'a, Result<PutOutcome, StoreError>> {
        never()
    }

    fn copy<'a>(&'a self, _request: CopyRequest<'a>) -> BoxFuture<'a, Result<CopyOutcome, StoreError>> {
        never()
    }

    fn delete<'a>(&'a self, _request: DeleteRequest<'a>) -> BoxFuture<'a, Result<DeleteOutcome, StoreError>> {
        never()
    }

    fn put_tags<'a>(&'a self, _request: TagRequest<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        never()
    }

    fn get_tags<'a>(
        &'a self,
        _bucket: &'a str,
        _key: &'a str,
        _version: &'a VersionSelector,
    ) -> BoxFuture<'a, Result<Vec<Tag>, StoreError>> {
        never()
    }

    fn restore<'a>(&'a self, _request: RestoreRequest<'a>) -> BoxFuture<'a, Result<RestoreOutcome, StoreError>> {
        never()
    }

    fn list<'a>(&'a self, _request: ListRequest<'a>) -> BoxFuture<'a, Result<ListPage, StoreError>> {
        never()
    }

    fn barrier<'a>(&'a self, _bucket: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        never()
    }
}

/// A job that stops once its manifest is read.
fn spec() -> JobSpec {
    JobSpec {
        version: SPEC_VERSION,
        confirmation_required: true,
        description: None,
        manifest: ManifestSpec {
            bucket: BUCKET.to_owned(),
            key: "manifest.csv".to_owned(),
            version: None,
            etag: "e".to_owned(),
            format: ManifestFormat::Csv { columns: vec![Column::Bucket, Column::Key] },
        },
        operation: TaskOperation::Delete,
        report: None,
        role_arn: String::new(),
        tags: Vec::new(),
        dialect: Dialect::Cos,
        retry_of: None,
        request: String::new(),
    }
}

/// The most memory that this process has had, in KiB.
fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_any_length_is_read_in_the_same_memory() {
    let (rows, asked) = rows();
    let spool = MemoryStore::new();
    spool.create_bucket("segments").unwrap();
    let jobs: Arc<dyn JobStore> = Arc::new(MemoryJobStore::new(Arc::new(SystemClock)));
    let engine = Engine::start(
        Parts {
            jobs: Arc::clone(&jobs),
            buckets: Buckets::new(Arc::new(Endless { rows })),
            access: Access::new(),
            spool: Spool::new(Arc::new(spool), "segments"),
            config: Config::default(),
        },
        true,
    )
    .await
    .unwrap();
    let begin = Instant::now();
    let new =
        NewJob { tenant: "1250000000".to_owned(), token: "t".to_owned(), spec: spec(), priority: 0, live_jobs_max: 10 };
    let id = jobs.create(new).await.unwrap().id;
    let job = loop {
        let job = jobs.get(id).await.unwrap().unwrap();
        match job.state.status {
            JobStatus::New | JobStatus::Preparing => tokio::time::sleep(std::time::Duration::from_millis(5)).await,
            _ => break job,
        }
    };
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!((job.state.status, job.progress.total), (JobStatus::Suspended, rows), "{:?}", job.state.failures);
    assert_eq!(job.shards.ready, rows.div_ceil(10_000));
    if asked && let Some(peak) = peak_kib() {
        let rate = rows as f64 / seconds / 1e6;
        println!("{rows} rows through the engine: {seconds:.2} s, {rate:.1} million rows/s, peak {} MiB", peak / 1024);
        assert!(peak < PEAK_KIB_MAX, "{peak} KiB");
    }
    engine.shutdown().await;
}

/// Checks `text` again and again until `rows` rows have passed.
#[expect(clippy::print_stdout, reason = "what was measured is for whoever asked for it")]
fn pass(name: &str, text: &[u8], rows_of_text: u64, (rows, asked): (u64, bool)) {
    let columns = Columns::new(&[Column::Bucket, Column::Key]).unwrap();
    let mut indexer = Indexer::new(columns, Cut::default(), u64::MAX);
    let begin = Instant::now();
    let times = rows.div_ceil(rows_of_text);
    for time in 0..=times {
        for piece in text.chunks(256 * 1024) {
            let (mut input, end) = if time < times { (piece, false) } else { (&[][..], true) };
            while !matches!(indexer.step(&mut input, end).unwrap(), Step::More | Step::End) {}
        }
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert_eq!(indexer.rows(), times * rows_of_text);
    if asked {
        let (gigabytes, millions) = (text.len() as f64 * times as f64 / 1e9, indexer.rows() as f64 / 1e6);
        println!("{name}: {:.2} GB/s, {:.1} million rows/s on one core", gigabytes / seconds, millions / seconds);
    }
}

#[test]
fn rows_of_every_kind_are_checked_one_after_another() {
    let asked = rows();
    let count = 100_000;
    let mut plain = Vec::new();
    (0..count).for_each(|number| write_row(&mut plain, number));
    let text = String::from_utf8(plain.clone()).unwrap();
    pass("plain rows", &plain, count, asked);
    pass("rows of Windows", text.replace('\n', "\r\n").as_bytes(), count, asked);
    pass("percent-encoded keys", text.replace("some-folder", "some%20folder").as_bytes(), count, asked);
    let quoted: String = text.lines().map(|line| format!("\"{}\"\n", line.replace(',', "\",\""))).collect();
    pass("rows in quotes", quoted.as_bytes(), count, asked);

    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    std::io::Write::write_all(&mut encoder, &plain).unwrap();
    let compressed = Bytes::from(encoder.finish().unwrap());
    let (begin, mut out, mut total) = (Instant::now(), vec![0; 256 * 1024], 0_u64);
    let times = asked.0.div_ceil(count);
    for _ in 0..times {
        let mut inflater = Inflater::default();
        inflater.feed(compressed.clone());
        inflater.finish();
        while let Inflated::Bytes(count) = inflater.read(&mut out).unwrap() {
            total += count as u64;
        }
    }
    assert_eq!(total, times * plain.len() as u64);
    if asked.1 {
        println!("decompressing: {:.2} GB/s of text on one core", total as f64 / begin.elapsed().as_secs_f64() / 1e9);
    }
}
