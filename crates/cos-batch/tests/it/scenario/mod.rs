//! One story of jobs with every option, told to each kind of object store: what is there afterwards must be the same.

pub(crate) mod backends;
pub(crate) mod observe;
// Servers of others, which the tests of object stores start too.
#[path = "../../../../cos-batch-objectstore/tests/it/http/python.rs"]
mod peers;
pub(crate) mod story;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use backends::Backend;
use cos_batch_objectstore::{ListRequest, PutRequest, VersionSelector};
use md5::Digest as _;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use story::{Bucket, Job, Story};

/// Where manifests go, in the bucket that a job's rows are in.
const MANIFEST: &str = "lists/rows.csv";
const INVENTORY: &str = "lists/inventory/manifest.json";
const LIST: &str = "lists/inventory/rows.csv";

/// Rows of a report by bucket, key and version: status word, HTTP status, code.
type Reported = BTreeMap<(String, String, String), (String, u16, String)>;

/// Versions that the story remembers, by its names for them.
type Versions = BTreeMap<String, String>;

/// Tells the story to a store.
pub(crate) async fn tell(backend: &Backend) {
    let story = story::read();
    let store = &*backend.store;
    let mut versions = Versions::new();
    for object in &story.objects {
        if object.storage_class.as_deref() == Some("ARCHIVE") && backend.lacks.contains(&"archive") {
            continue;
        }
        let bucket = object.bucket.unwrap_or(Bucket::Source);
        let version = observe::put(store, bucket.name(), object).await;
        versions.extend(object.remember.clone().zip(version));
    }
    for (number, job) in story.jobs.iter().enumerate() {
        if job.archived && backend.lacks.contains(&"archive") {
            continue;
        }
        match job.needs.iter().find(|need| backend.lacks.contains(&need.as_str())) {
            None => run(backend, job, number, &versions).await,
            Some(need) => refused(backend, job, number, need, &versions).await,
        }
    }
    assert_all_is_told(&story);
}

/// The story has every operation and every directive, so that none can be forgotten.
fn assert_all_is_told(story: &Story) {
    let text: String = story.jobs.iter().map(|job| job.operation.as_str()).collect();
    for word in [
        "COSPutObjectCopy",
        "COSInitiateRestoreObject",
        "COSDeleteObject",
        "COSPutObjectTagging",
        "AccessControlGrants",
        "CannedAccessControlList",
        "PrefixReplace",
        "<AccessControlDirective>Copy",
        "<AccessControlDirective>Replaced",
        "<AccessControlDirective>Add",
        "<MetadataDirective>Copy",
        "<MetadataDirective>Replaced",
        "<MetadataDirective>Add",
        "<TaggingDirective>Copy",
        "<TaggingDirective>Replaced",
        "<TaggingDirective>Add",
        "<CacheControl>",
        "<ContentDisposition>",
        "<ContentEncoding>",
        "<ContentType>",
        "<HttpExpiresDate>",
        "<SSEAlgorithm>",
        "<UserMetadata>",
        "<ModifiedSinceConstraint>",
        "<UnModifiedSinceConstraint>",
        "<StorageClass>",
        "<JobTier>Bulk",
        "<JobTier>Standard",
    ] {
        assert!(text.contains(word), "the story has no {word}");
    }
    let one = |what: &str, is: fn(&Job) -> bool| assert!(story.jobs.iter().any(is), "the story has no job {what}");
    one("without a report", |job| job.no_report);
    one("with failed tasks alone in its report", |job| job.failed_only);
    one("that is confirmed", |job| job.confirm);
    one("over an inventory", |job| job.inventory);
    one("over an old version of its manifest", |job| job.old_manifest);
    one("over versions", |job| job.rows.iter().any(|row| row.version.is_some()));
}

/// A job that the store can do: its report and what is there afterwards are as told.
async fn run(backend: &Backend, job: &Job, number: usize, versions: &Versions) {
    let told = format!("{}: {}", backend.name, job.name);
    let id = create(backend, job, number, versions).await;
    if job.confirm {
        backend.server.look_until(&id, |seen| seen["Status"] == "Suspended" || seen["Status"] == "Failed");
        backend.server.run(&["confirm", &id]).with_code(0);
    }
    let described = ended(backend, &id);
    assert_eq!(described["Status"], "Complete", "{told}: {described:#}");
    let failed = job.rows.iter().filter(|row| !row.code.is_empty()).count() as u64;
    let all = job.rows.len() as u64;
    let progress = &described["ProgressSummary"];
    let mut reported = if job.no_report { Reported::new() } else { report(backend, &id).await };
    assert_eq!(progress["NumberOfTasksFailed"], failed, "{told}: {reported:?}");
    assert_eq!(progress["NumberOfTasksSucceeded"], all - failed, "{told}");
    if job.no_report {
        let folder = format!("reports/job-{id}");
        let request = ListRequest { bucket: Bucket::Target.name(), prefix: &folder, after: None, limit: 1 };
        assert!(backend.store.list(request).await.unwrap().objects.is_empty(), "{told}: there is a report");
    }

    for row in job.rows.iter().filter(|_| !job.no_report) {
        let version = row.version.as_ref().map(|name| versions[name].clone()).unwrap_or_default();
        let name = (row.bucket.unwrap_or(job.on).name().to_owned(), row.key.clone(), version);
        let outcome = reported.remove(&name);
        if row.code.is_empty() && job.failed_only {
            assert_eq!(outcome, None, "{told}: {name:?}");
            continue;
        }
        let (word, status, code) = outcome.unwrap_or_else(|| panic!("{told}: {name:?} is not reported"));
        let expected = if row.code.is_empty() { "succeeded" } else { "failed" };
        assert_eq!(word, expected, "{told}: {name:?}: {status} {code}");
        assert!(row.status.is_empty() || row.status.contains(&status), "{told}: {name:?}: {status} {code}");
        assert!(row.code.is_empty() || row.code.contains(&code), "{told}: {name:?}: {status} {code}");
    }
    assert!(reported.is_empty(), "{told}: {reported:?}");
    let bucket = if job.operation.contains("COSPutObjectCopy") { Bucket::Target } else { job.on };
    for object in &job.then {
        let version = object.version.as_ref().map(|name| VersionSelector::Id(versions[name].clone()));
        let (bucket, version) = (object.bucket.unwrap_or(bucket), version.unwrap_or(VersionSelector::Latest));
        observe::assert_is(&*backend.store, bucket.name(), object, &version, &told).await;
    }
}

/// A job that the store cannot do fails before it begins, and says why.
async fn refused(backend: &Backend, job: &Job, number: usize, need: &str, versions: &Versions) {
    let words = match need {
        "acl" => "access control lists",
        "grants" => "grants to accounts of COS",
        "archive" => "storage classes of archives",
        "conditions" => "conditions on when the source was modified",
        "encryption" => "encryption",
        other => other,
    };

    let told = format!("{}: {}", backend.name, job.name);
    let id = create(backend, job, number, versions).await;
    let described = ended(backend, &id);
    assert_eq!(described["Status"], "Failed", "{told}: {described:#}");
    let failure = &described["FailureReasons"][0];
    assert_eq!(failure["FailureCode"], "NotSupported", "{told}: {failure}");
    let reason = failure["FailureReason"].as_str().unwrap();
    assert!(reason.contains(words), "{told}: {reason}");
    assert_eq!(described["ProgressSummary"]["NumberOfTasksFailed"], 0, "{told}");
}

/// Where a job's manifest is, as its XML says it, and how it is written.
async fn manifest(backend: &Backend, job: &Job, versions: &Versions) -> String {
    let with_versions = job.rows.iter().any(|row| row.version.is_some());
    let mut rows = String::new();
    for row in &job.rows {
        let key = row.key.replace('%', "%25").replace(' ', "%20").replace(',', "%2C").replace('+', "%2B");
        write!(rows, "{},{key}", row.bucket.unwrap_or(job.on).name()).unwrap();
        if with_versions {
            write!(rows, ",{}", row.version.as_ref().map_or("", |name| versions[name].as_str())).unwrap();
        }
        rows.push('\n');
    }
    let columns = if with_versions { ["Bucket", "Key", "VersionId"].as_slice() } else { &["Bucket", "Key"] };
    let (key, text, spec) = if job.inventory {
        upload(backend, job, LIST, &rows).await;
        let file = json!({ "key": LIST, "size": rows.len().to_string(), "md5Checksum": md5_of(&rows) });
        let about = json!({
            "sourceAppid": "1250000000", "sourceBucket": job.on.name(), "destinationBucket": job.on.name(),
            "fileFormat": "CSV", "fileSchema": columns.join(", "), "files": [file],
        });
        let spec = "<Format>COSInventoryReport_CSV_V1</Format>".to_owned();
        (INVENTORY, about.to_string(), spec)
    } else {
        let fields: String = columns.iter().map(|column| format!("<member>{column}</member>")).collect();
        (MANIFEST, rows, format!("<Fields>{fields}</Fields><Format>COSBatchOperations_CSV_V1</Format>"))
    };
    let version = upload(backend, job, key, &text).await;
    let version = version
        .filter(|_| job.old_manifest)
        .map_or(String::new(), |version| format!("<ObjectVersionId>{version}</ObjectVersionId>"));
    if job.old_manifest {
        upload(backend, job, key, "this,is,not,the,manifest\n").await;
    }
    format!(
        "<Manifest><Location><ETag>{}</ETag><ObjectArn>{}/{key}</ObjectArn>{version}</Location><Spec>{spec}</Spec></Manifest>",
        md5_of(&text),
        resource(job.on),
    )
}

/// Puts a text into the bucket of the job's rows, and gives its version.
async fn upload(backend: &Backend, job: &Job, key: &str, text: &str) -> Option<String> {
    let request = PutRequest::new(job.on.name(), key, text.to_owned().into());
    backend.store.put(request).await.unwrap().version_id
}

fn md5_of(text: &str) -> String {
    md5::Md5::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

fn resource(bucket: Bucket) -> String {
    format!("qcs::cos:local::{}", bucket.name())
}

/// Uploads the job's manifest and makes the job. Gives its id.
async fn create(backend: &Backend, job: &Job, number: usize, versions: &Versions) -> String {
    let manifest = manifest(backend, job, versions).await;
    #[expect(clippy::disallowed_methods, reason = "the server under test goes by the machine's clock, too")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let operation = job
        .operation
        .replace("{source}", &resource(Bucket::Source))
        .replace("{target}", &resource(Bucket::Target))
        .replace("{tomorrow}", &(now + 86_400).to_string())
        .replace("{yesterday}", &(now - 86_400).to_string());
    let scope = if job.failed_only { "FailedTasksOnly" } else { "AllTasks" };
    let report = if job.no_report {
        "<Report><Enabled>false</Enabled></Report>".to_owned()
    } else {
        format!(
            "<Report><Bucket>{}</Bucket><Enabled>true</Enabled><Format>Report_CSV_V1</Format><Prefix>reports</Prefix>\
             <ReportScope>{scope}</ReportScope></Report>",
            resource(Bucket::Target)
        )
    };
    let text = format!(
        "<CreateJobRequest><ClientRequestToken>{}-{number}</ClientRequestToken><ConfirmationRequired>{}\
         </ConfirmationRequired><Description>{}</Description>{manifest}<Operation>{}</Operation><Priority>1</Priority>\
         {report}<RoleArn>qcs::cam::uin/0:roleName/none</RoleArn></CreateJobRequest>",
        backend.name,
        job.confirm,
        job.name,
        operation.trim(),
    );
    let file = backend.place.file("request.xml");
    std::fs::write(&file, text).unwrap();
    let said = backend.server.run(&["create", file.to_str().unwrap()]);
    assert_eq!(said.code, 0, "{}: {}: {said:?}", backend.name, job.name);
    said.out.trim().to_owned()
}

/// The job once it has ended, however.
fn ended(backend: &Backend, id: &str) -> Value {
    backend.server.run(&["wait", id]);
    backend.server.describe(id)
}

/// The rows of a job's report, from its published files.
async fn report(backend: &Backend, id: &str) -> Reported {
    let bucket = Bucket::Target.name();
    let manifest = observe::get(&*backend.store, bucket, &format!("reports/job-{id}/manifest.json")).await;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let mut rows = Reported::new();
    for file in manifest["Results"].as_array().unwrap() {
        let text = observe::get(&*backend.store, bucket, file["Key"].as_str().unwrap()).await;
        assert_eq!(file["MD5Checksum"], md5_of(&text).as_str(), "{id}: {file}");
        for line in text.lines() {
            let fields: Vec<&str> = line.splitn(7, ',').collect();
            let key = percent_decode_str(fields[1]).decode_utf8().unwrap().into_owned();
            let outcome = (fields[3].to_owned(), fields[4].parse().unwrap(), fields[5].to_owned());
            let name = (fields[0].to_owned(), key, fields[2].to_owned());
            assert_eq!(rows.insert(name, outcome), None, "{line} is reported twice");
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_folder() {
    tell(&backends::folder().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_store_in_the_dialect_of_cos() {
    tell(&backends::cos().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_seaweedfs_in_the_dialect_of_s3() {
    tell(&backends::seaweedfs().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_moto_which_knows_archived_objects() {
    tell(&backends::moto().await).await;
}
