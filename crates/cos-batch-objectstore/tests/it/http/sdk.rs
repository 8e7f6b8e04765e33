//! Each request of our store in the dialect of COS beside the one that the official Python SDK sends for the same operation:
//! header by header, parameter by parameter, body by body. Where they differ, the table in `docs/clients.md` has a row that
//! says why; a difference without a row fails, and so does a row without a difference.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use cos_batch_objectstore::{
    AclRequest, BucketVersioning, CompleteRequest, CompletedPart, Conditions, CopyRequest, CopySource, DeleteRequest,
    Directive, GetRequest, Grant, HttpDialect, HttpStore, ListRequest, ListUploadsRequest, ListVersionsRequest,
    Metadata, MultipartRequest, ObjectStore as _, PartCopyRequest, PartRequest, PutRequest, RestoreRequest,
    RestoreTier, StaticCredentials, StorageClass, Tag, TagRequest, UploadId, VersionSelector,
};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::{io::AsyncWriteExt as _, net::TcpListener, process::Command, task::JoinHandle};

use super::{
    python::programs,
    signed::{SECRET_ID, SECRET_KEY, credentials},
};

const LATEST: &VersionSelector = &VersionSelector::Latest;
const BUCKET: &str = "b-125";
const KEY: &str = "in/a b+c.txt";

/// Between these lines of the page stands the table.
const TABLE: &str = "../../docs/clients.md";
const BEGINS: &str = "| operation | what | the SDK | our store | why |";

/// A request by its parts: `method`, `host`, `path`, `query NAME`, `header NAME`, `body`.
type Parts = BTreeMap<String, String>;

/// A server that writes down what it is asked, and answers so that either client is content.
struct Recorder {
    address: String,
    seen: Arc<Mutex<Vec<Parts>>>,
    task: JoinHandle<()>,
}

impl Recorder {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request: Request<Incoming>| {
                    let shared = Arc::clone(&shared);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let (parts, answer) = (parts(&head, &body), answer(&head));
                        shared.lock().unwrap().push(parts);
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        Self { address, seen, task }
    }

    fn take(&self) -> Vec<Parts> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn parts(head: &http::request::Parts, body: &[u8]) -> Parts {
    let mut parts = Parts::new();
    let mut add = |name: String, value: String| {
        assert_eq!(parts.insert(name.clone(), value), None, "{name} twice");
    };
    add("method".to_owned(), head.method.to_string());
    add("path".to_owned(), head.uri.path().to_owned());
    let decoded = |text: &str| percent_decode_str(&text.replace('+', "%20")).decode_utf8().unwrap().into_owned();
    for pair in head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        add(format!("query {}", decoded(name)), decoded(value));
    }
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        match name.as_str() {
            "host" => {
                assert_eq!(head.uri.authority().map(|host| host.as_str()), Some(value.as_str()));
                add("host".to_owned(), value);
            }
            // It is over the time; that each is right is tested elsewhere.
            "authorization" => add("header authorization".to_owned(), value[..value.find('&').unwrap()].to_owned()),
            name => add(format!("header {name}"), value),
        }
    }
    add("body".to_owned(), plain(&String::from_utf8_lossy(body)));
    parts
}

/// A document without what means nothing: its declaration, white space between elements, and the two ways to write a quote.
fn plain(document: &str) -> String {
    let document = match document.strip_prefix("<?xml") {
        Some(rest) => &rest[rest.find("?>").unwrap() + 2..],
        None => document,
    };
    let pieces: Vec<_> = document.split('>').map(str::trim_start).collect();
    pieces.join(">").trim().replace("&quot;", "\"")
}

fn answer(head: &http::request::Parts) -> Response<Full<Bytes>> {
    let query = head.uri.query().unwrap_or_default();
    let asks = |name: &str| query.split('&').any(|pair| pair.split('=').next() == Some(name));
    let is_copy = head.headers.contains_key("x-cos-copy-source");
    let (status, body) = match head.method.as_str() {
        "PUT" if is_copy && asks("partNumber") => (200, "<CopyPartResult><ETag>\"e\"</ETag></CopyPartResult>"),
        "PUT" if is_copy => (200, "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>"),
        "POST" if asks("restore") => (202, ""),
        "POST" if asks("uploads") => {
            (200, "<InitiateMultipartUploadResult><UploadId>u/1</UploadId></InitiateMultipartUploadResult>")
        }
        "POST" => (200, "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"),
        "DELETE" => (204, ""),
        "GET" if asks("tagging") => (200, "<Tagging><TagSet/></Tagging>"),
        "GET" if asks("acl") => (
            200,
            "<AccessControlPolicy><Owner><ID>o</ID></Owner><AccessControlList><Grant><Grantee><ID>o</ID></Grantee>\
             <Permission>FULL_CONTROL</Permission></Grant></AccessControlList></AccessControlPolicy>",
        ),
        "GET" if asks("versioning") => (200, "<VersioningConfiguration/>"),
        "GET" if asks("versions") => (200, "<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>"),
        "GET" if asks("uploads") => {
            (200, "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>")
        }
        "GET" if asks("uploadId") => (200, "<ListPartsResult><IsTruncated>false</IsTruncated></ListPartsResult>"),
        "GET" if asks("prefix") => (200, "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
        "GET" if head.uri.path() == "/" => (200, "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"),
        "GET" => (206, "hello"),
        _ => (200, ""),
    };
    let range = if head.headers.get("range").is_some_and(|range| range == "bytes=5-9") { "5-9/10" } else { "0-4/5" };
    let mut response = Response::builder().status(status).header("etag", "\"e\"");
    if status == 206 {
        response = response.header("content-range", format!("bytes {range}"));
    }
    if head.method == http::Method::HEAD {
        response = response.header("content-length", 5);
    }
    let response = response.header("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT");
    response.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

/// What the SDK sends, by the name of the operation.
async fn of_sdk() -> Vec<(String, Parts)> {
    let recorder = Recorder::start().await;
    let mut command = Command::new(programs().join("python"));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/requests_of_sdk.py"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().unwrap();
    let plan = format!(r#"{{"address":"{}","id":"{SECRET_ID}","secret":"{SECRET_KEY}"}}"#, recorder.address);
    child.stdin.take().unwrap().write_all(plan.as_bytes()).await.unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let seen = recorder.take();
    assert_eq!(names.len(), seen.len(), "one request for each");
    names.into_iter().zip(seen).collect()
}

/// What our store sends for the same.
async fn of_store() -> BTreeMap<&'static str, Parts> {
    let recorder = Recorder::start().await;
    let store = HttpStore::builder(HttpDialect::Cos, "http://cos.ap-guangzhou.myqcloud.com")
        .proxy(format!("http://{}", recorder.address))
        .credentials(StaticCredentials::new(credentials()))
        .build()
        .unwrap();
    let s = &store;
    let mut all = BTreeMap::new();
    let mut done = |name: &'static str| {
        let mut seen = recorder.take();
        assert_eq!(seen.len(), 1, "{name}: one request");
        all.insert(name, seen.remove(0));
    };
    let version = &VersionSelector::Id("v/1".into());
    let metadata = &Metadata {
        content_type: Some("image/jpeg".into()),
        cache_control: Some("no-cache".into()),
        user: [("camera".to_owned(), "one".to_owned())].into(),
        ..Metadata::default()
    };
    let tags = &[("a", "1"), ("b", "<2>&")].map(|(key, value)| Tag { key: key.into(), value: value.into() });
    let put = PutRequest {
        metadata: Metadata { server_side_encryption: Some("AES256".into()), ..metadata.clone() },
        tags: tags.to_vec(),
        storage_class: StorageClass::new("STANDARD_IA"),
        ..PutRequest::new(BUCKET, KEY, Bytes::from_static(b"hello"))
    };
    s.put(put).await.unwrap();
    done("put");
    s.put(PutRequest::new(BUCKET, KEY, Bytes::new())).await.unwrap();
    done("put, nothing");
    s.head(BUCKET, KEY, LATEST).await.unwrap();
    done("head");
    s.head(BUCKET, KEY, version).await.unwrap();
    done("head, version");
    s.get_range(GetRequest { bucket: BUCKET, key: KEY, version: LATEST, range: 5..10, pin: None }).await.unwrap();
    done("get, range");
    s.get_range(GetRequest { bucket: BUCKET, key: KEY, version, range: 0..5, pin: None }).await.unwrap();
    done("get, version");
    s.list(ListRequest { bucket: BUCKET, prefix: "in/", after: Some("in/a b"), limit: 10 }).await.unwrap();
    done("list");
    let after = Some(("in/a", "v/1"));
    s.list_versions(ListVersionsRequest { bucket: BUCKET, prefix: "in/", after, limit: 10 }).await.unwrap();
    done("list versions");

    let source = CopySource { bucket: "src-125", key: "d/ä b+c/./x", version: LATEST };
    let copy = || CopyRequest {
        source: source.clone(),
        target_bucket: BUCKET,
        target_key: KEY,
        metadata: Directive::Copy,
        tags: Directive::Copy,
        grants: Directive::Replace(&[]),
        canned_acl: None,
        storage_class: None,
        conditions: Conditions::default(),
        operation: None,
    };
    s.copy(copy()).await.unwrap();
    done("copy");
    s.copy(CopyRequest { source: CopySource { version, ..source.clone() }, ..copy() }).await.unwrap();
    done("copy, version");
    let replaced = CopyRequest {
        metadata: Directive::Replace(metadata),
        canned_acl: Some("private"),
        storage_class: Some(StorageClass::new("ARCHIVE")),
        ..copy()
    };
    s.copy(replaced).await.unwrap();
    done("copy, replaced");
    let conditions = Conditions { modified_since: None, unmodified_since: Some(784_111_777) };
    s.copy(CopyRequest { conditions, ..copy() }).await.unwrap();
    done("copy, conditions");

    let upload = UploadId { bucket: BUCKET, key: KEY, id: "u/1" };
    let begin = MultipartRequest {
        bucket: BUCKET,
        key: KEY,
        metadata: metadata.clone(),
        tags: Vec::new(),
        storage_class: StorageClass::new("STANDARD_IA"),
        grants: Vec::new(),
        canned_acl: None,
        operation: None,
    };
    s.create_multipart(begin).await.unwrap();
    done("begin upload");
    s.upload_part(PartRequest { upload, number: 2, body: Bytes::from_static(b"hello") }).await.unwrap();
    done("part");
    let copied = PartCopyRequest { upload, number: 2, source, range: Some(5..10), source_etag: Some("e") };
    s.upload_part_copy(copied).await.unwrap();
    done("part, copied");
    let parts = [1, 2].map(|number| CompletedPart { number, etag: format!("p{number}") });
    s.complete_multipart(CompleteRequest { upload, parts: &parts }).await.unwrap();
    done("complete upload");
    s.abort_multipart(upload).await.unwrap();
    done("abort upload");
    s.list_parts(upload, 1, 10).await.unwrap();
    done("list parts");
    let after = Some(("in/a", "u/1"));
    s.list_uploads(ListUploadsRequest { bucket: BUCKET, prefix: "in/", after, limit: 10 }).await.unwrap();
    done("list uploads");

    let tagged = |version, tags| TagRequest { bucket: BUCKET, key: KEY, version, tags: Directive::Replace(tags) };
    s.put_tags(tagged(LATEST, tags)).await.unwrap();
    done("put tags");
    s.put_tags(tagged(version, tags)).await.unwrap();
    done("put tags, version");
    s.get_tags(BUCKET, KEY, LATEST).await.unwrap();
    done("get tags");
    s.put_tags(tagged(LATEST, &[])).await.unwrap();
    done("delete tags");
    s.delete(DeleteRequest { bucket: BUCKET, key: KEY, version: LATEST, operation: None }).await.unwrap();
    done("delete");
    s.delete(DeleteRequest { bucket: BUCKET, key: KEY, version, operation: None }).await.unwrap();
    done("delete, version");
    let restore = RestoreRequest { bucket: BUCKET, key: KEY, version: LATEST, days: 7, tier: RestoreTier::Bulk };
    s.restore(restore).await.unwrap();
    done("restore");
    let grants = ["qcs::cam::uin/1:uin/2", "qcs::cam::uin/1:uin/3"]
        .map(|grantee| Grant { grantee: grantee.into(), permission: "READ".into() });
    let acl = |grants, canned_acl| AclRequest { bucket: BUCKET, key: KEY, version: LATEST, grants, canned_acl };
    s.put_acl(acl(&[], Some("public-read"))).await.unwrap();
    done("put acl");
    s.put_acl(acl(&grants, None)).await.unwrap();
    done("put acl, grants");
    s.get_acl(BUCKET, KEY, LATEST).await.unwrap();
    done("get acl");
    assert!(s.bucket_exists(BUCKET).await.unwrap());
    done("head bucket");
    s.delete_bucket(BUCKET).await.unwrap();
    done("delete bucket");
    s.get_versioning(BUCKET).await.unwrap();
    done("get versioning");
    s.put_versioning(BUCKET, BucketVersioning::Enabled).await.unwrap();
    done("put versioning");
    s.list_buckets().await.unwrap();
    done("list buckets");
    all
}

/// A row of the table without its reason: the operations, what, SDK, ours.
type Row = [String; 4];

/// A value as the table shows it.
fn shown(value: Option<&String>) -> String {
    match value.map(String::as_str) {
        None => "not sent".to_owned(),
        Some("") => "empty".to_owned(),
        // The version of the SDK is none of our business.
        Some(agent) if agent.starts_with("cos-python-sdk-v") => "`cos-python-sdk-v…`".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// The rows of the page.
fn table() -> BTreeSet<Row> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(TABLE)).unwrap();
    let (_, rest) = page.split_once(BEGINS).unwrap_or_else(|| panic!("{TABLE} has no table {BEGINS:?}"));
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    rows.map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let [operation, what, sdk, ours, why] = cells.try_into().unwrap_or_else(|_| panic!("five cells: {line}"));
        assert!(!why.is_empty(), "a difference has a reason: {line}");
        [operation, what, sdk, ours]
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn our_requests_are_those_of_the_official_sdk_but_for_what_the_table_says() {
    let (sdk, mut ours) = tokio::join!(of_sdk(), of_store());
    let mut differences: BTreeMap<[String; 3], BTreeSet<String>> = BTreeMap::new();
    let operations = sdk.len();
    for (operation, theirs) in sdk {
        let ours = ours.remove(operation.as_str()).unwrap_or_else(|| panic!("our store does not {operation}"));
        let names: BTreeSet<_> = theirs.keys().chain(ours.keys()).collect();
        for name in names {
            let (left, right) = (theirs.get(name), ours.get(name));
            if left != right {
                let difference = [name.clone(), shown(left), shown(right)];
                differences.entry(difference).or_default().insert(operation.clone());
            }
        }
    }
    assert_eq!(
        ours.keys().collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "what only our store does is compared with nothing"
    );
    // What differs alike in several of them is told once.
    let found: BTreeSet<Row> = differences
        .into_iter()
        .map(|([what, sdk, ours], of)| {
            let all = of.len() == operations;
            let of = if all { "all".to_owned() } else { Vec::from_iter(of).join("; ") };
            [of, what, sdk, ours]
        })
        .collect();
    let table = table();
    let row = |row: &Row| format!("| {} |", row.join(" | "));
    let unexplained: Vec<_> = found.difference(&table).map(row).collect();
    let outdated: Vec<_> = table.difference(&found).map(row).collect();
    assert!(unexplained.is_empty(), "differences that {TABLE} does not explain:\n{}", unexplained.join("\n"));
    assert!(outdated.is_empty(), "rows of {TABLE} that are no longer so:\n{}", outdated.join("\n"));
}
