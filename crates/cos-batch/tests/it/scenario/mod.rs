//! One story of jobs with every option, told to each kind of object store: what is there afterwards must be the same.

mod backends;
mod observe;
// Servers of others, which the tests of object stores start too.
#[path = "../../../../cos-batch-objectstore/tests/it/http/python.rs"]
mod peers;
mod story;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use backends::Backend;
use md5::Digest as _;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use story::{Bucket, Job, Story};

/// Where manifests go, in the bucket that a job's rows are in.
const MANIFEST: &str = "lists/rows.csv";

/// One row of a report: bucket, key, status word, HTTP status, code.
type Reported = BTreeMap<(String, String), (String, u16, String)>;

/// Tells the story to a store.
pub(crate) async fn tell(backend: &Backend) {
    let story = story::read();
    let store = &*backend.store;
    for object in &story.objects {
        if object.storage_class.as_deref() == Some("ARCHIVE") && backend.lacks.contains(&"archive") {
            continue;
        }
        observe::put(store, Bucket::Source.name(), object).await;
    }
    for (number, job) in story.jobs.iter().enumerate() {
        let lacks = job.needs.iter().any(|need| backend.lacks.contains(&need.as_str()));
        match (&job.lacking, lacks) {
            (_, false) => run(backend, job, number).await,
            (Some(words), true) => refused(backend, job, number, words).await,
            (None, true) => {}
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
        "<MetadataDirective>Replaced",
        "<MetadataDirective>Add",
        "<TaggingDirective>Replaced",
        "<TaggingDirective>Add",
        "ModifiedSinceConstraint",
        "UnModifiedSinceConstraint",
        "StorageClass",
    ] {
        assert!(text.contains(word), "the story has no {word}");
    }
}

/// A job that the store can do: its report and what is there afterwards are as told.
async fn run(backend: &Backend, job: &Job, number: usize) {
    let told = format!("{}: {}", backend.name, job.name);
    let id = create(backend, job, number).await;
    let described = ended(backend, &id);
    assert_eq!(described["Status"], "Complete", "{told}: {described:#}");
    let failed = job.rows.iter().filter(|row| !row.code.is_empty()).count() as u64;
    let all = job.rows.len() as u64;
    let progress = &described["ProgressSummary"];
    assert_eq!(progress["NumberOfTasksFailed"], failed, "{told}: {:?}", report(backend, &id).await);
    assert_eq!(progress["NumberOfTasksSucceeded"], all - failed, "{told}");

    let mut reported = report(backend, &id).await;
    for row in &job.rows {
        let name = (row.bucket.unwrap_or(job.on).name().to_owned(), row.key.clone());
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
    let bucket =
        if job.on == Bucket::Source && job.operation.contains("COSPutObjectCopy") { Bucket::Target } else { job.on };
    for object in &job.then {
        observe::assert_is(&*backend.store, bucket.name(), object, &told).await;
    }
}

/// A job that the store cannot do fails before it begins, and says why.
async fn refused(backend: &Backend, job: &Job, number: usize, words: &str) {
    let told = format!("{}: {}", backend.name, job.name);
    let id = create(backend, job, number).await;
    let described = ended(backend, &id);
    assert_eq!(described["Status"], "Failed", "{told}: {described:#}");
    let failure = &described["FailureReasons"][0];
    assert_eq!(failure["FailureCode"], "NotSupported", "{told}: {failure}");
    let reason = failure["FailureReason"].as_str().unwrap();
    assert!(reason.contains(words), "{told}: {reason}");
    assert_eq!(described["ProgressSummary"]["NumberOfTasksFailed"], 0, "{told}");
}

/// Uploads the job's manifest and makes the job. Gives its id.
async fn create(backend: &Backend, job: &Job, number: usize) -> String {
    let mut manifest = String::new();
    for row in &job.rows {
        let key = row.key.replace('%', "%25").replace(' ', "%20").replace(',', "%2C").replace('+', "%2B");
        writeln!(manifest, "{},{key}", row.bucket.unwrap_or(job.on).name()).unwrap();
    }
    let request = cos_batch_objectstore::PutRequest::new(job.on.name(), MANIFEST, manifest.clone().into());
    backend.store.put(request).await.unwrap();
    let etag = md5::Md5::digest(manifest).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let resource = |bucket: Bucket| format!("qcs::cos:local::{}", bucket.name());
    #[expect(clippy::disallowed_methods, reason = "the server under test goes by the machine's clock, too")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let operation = job
        .operation
        .replace("{source}", &resource(Bucket::Source))
        .replace("{target}", &resource(Bucket::Target))
        .replace("{tomorrow}", &(now + 86_400).to_string())
        .replace("{yesterday}", &(now - 86_400).to_string());
    let scope = if job.failed_only { "FailedTasksOnly" } else { "AllTasks" };
    let text = format!(
        "<CreateJobRequest><ClientRequestToken>{}-{number}</ClientRequestToken><Description>{}</Description>\
         <Manifest><Location><ETag>{etag}</ETag><ObjectArn>{}/{MANIFEST}</ObjectArn></Location><Spec><Fields>\
         <member>Bucket</member><member>Key</member></Fields><Format>COSBatchOperations_CSV_V1</Format></Spec></Manifest>\
         <Operation>{}</Operation><Priority>1</Priority><Report><Bucket>{}</Bucket><Enabled>true</Enabled>\
         <Format>Report_CSV_V1</Format><Prefix>reports</Prefix><ReportScope>{scope}</ReportScope></Report>\
         <RoleArn>qcs::cam::uin/0:roleName/none</RoleArn></CreateJobRequest>",
        backend.name,
        job.name,
        resource(job.on),
        operation.trim(),
        resource(Bucket::Target),
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
        let md5 = md5::Md5::digest(&text);
        let md5 = md5.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!(file["MD5Checksum"], md5.as_str(), "{id}: {file}");
        for line in text.lines() {
            let fields: Vec<&str> = line.splitn(7, ',').collect();
            let key = percent_decode_str(fields[1]).decode_utf8().unwrap().into_owned();
            let outcome = (fields[3].to_owned(), fields[4].parse().unwrap(), fields[5].to_owned());
            assert_eq!(rows.insert((fields[0].to_owned(), key), outcome), None, "{line} is reported twice");
        }
    }
    rows
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_folder() {
    tell(&backends::folder()).await;
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
