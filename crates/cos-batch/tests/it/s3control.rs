//! The second dialect: somebody with boto3, as it comes, and a job store that both dialects share.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use cos_batch_objectstore::PutRequest;
use serde_json::{Value, json};

use crate::{
    python::script,
    scenario::{backends, observe, story::Bucket},
    support::{Place, Server, etag_of, write_private},
};

/// Buckets in another store, in which boto3 keeps what it wants to have copied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boto3_runs_a_job_over_buckets_in_seaweedfs() {
    let backend = backends::seaweedfs().await;
    let (source, target) = (Bucket::Source.name(), Bucket::Target.name());
    let mut rows = String::new();
    for number in 0..3 {
        let (key, text) = (format!("in/{number}.txt"), format!("text {number}"));
        backend.store.put(PutRequest::new(source, &key, text.into())).await.unwrap();
        rows.push_str(&format!("{source},{key}\n"));
    }
    backend.store.put(PutRequest::new(source, "manifest.csv", rows.clone().into())).await.unwrap();
    let (key, secret) = backend.server.key();
    let mut plan = json!({
        "endpoint": backend.server.endpoint, "source": source, "target": target, "etag": etag_of(&rows),
        "key": key, "secret": secret,
    });
    plan["job"] = boto3("create", &plan)["job"].clone();
    let seen = boto3("confirm", &plan);
    assert_eq!((&seen["status"], &seen["failed"]), (&json!("Complete"), &json!(0)), "{seen}");
    for number in 0..3 {
        let copy = observe::get(&*backend.store, target, &format!("copies/in/{number}.txt")).await;
        assert_eq!(copy, format!("text {number}"));
    }
    let job = plan["job"].as_str().unwrap();
    let manifest = observe::get(&*backend.store, target, &format!("reports/job-{job}/manifest.json")).await;
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let [results] = &manifest["Results"].as_array().unwrap()[..] else { panic!("{manifest:#}") };
    let report = observe::get(&*backend.store, target, results["Key"].as_str().unwrap()).await;
    assert_eq!(report, rows.replace('\n', ",,succeeded,200,,\n"));
}

/// Buckets as they are called where nobody knows of APPIDs.
const SOURCE: &str = "holiday.photos";
const TARGET: &str = "archive";

const KEYS: &str = "[[key]]\nsecret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\nappid = \"1250000000\"\n\
                    account_id = \"123456789012\"\n\
                    [[key]]\nsecret_id = \"AKIDOTHER\"\nsecret_key = \"secretOfTheOther\"\nappid = \"1251111111\"\n\
                    account_id = \"210987654321\"\n\
                    [[bucket]]\nname = \"holiday.photos\"\nowner = \"1250000000\"\n\
                    [[bucket]]\nname = \"archive\"\nowner = \"1250000000\"\n";

/// Runs a story of the script; gives what it tells at its end.
fn boto3(story: &str, plan: &Value) -> Value {
    serde_json::from_str(&script("s3control.py", story, plan)).unwrap()
}

struct World {
    place: Place,
    server: Server,
    etag: String,
}

impl World {
    /// Five photos, a manifest that names them and one that is not there, and a server with both dialects.
    fn new() -> Self {
        Self::with("")
    }

    /// The same with these settings.
    fn with(config: &str) -> Self {
        let place = Place::new();
        for bucket in [SOURCE, TARGET] {
            fs::create_dir_all(place.bucket(bucket)).unwrap();
        }
        write_private(&place.key_file(), KEYS);
        let mut manifest = String::new();
        for number in 0..5 {
            fs::write(place.bucket(SOURCE).join(format!("{number} é+.jpg")), format!("photo {number}")).unwrap();
            manifest.push_str(&format!("{SOURCE},{number}%20%C3%A9%2B.jpg\n"));
        }
        manifest.push_str(&format!("{SOURCE},missing.jpg\n"));
        fs::write(place.bucket(SOURCE).join("manifest.csv"), &manifest).unwrap();
        let file = place.key_file().with_file_name("config.toml");
        write_private(&file, config);
        let server = Server::start_with(&place, &["--config", file.to_str().unwrap()]);
        Self { place, server, etag: etag_of(&manifest) }
    }

    fn plan(&self) -> Value {
        json!({
            "endpoint": self.server.endpoint, "source": SOURCE, "target": TARGET, "etag": self.etag,
            "folder": self.place.bucket(TARGET), "source_folder": self.place.bucket(SOURCE),
        })
    }
}

#[test]
fn boto3_makes_confirms_and_follows_a_job_and_reads_its_report() {
    let world = World::new();
    let told = boto3("life", &world.plan());
    let job = told["job"].as_str().unwrap();
    // The other dialect has no name for a bucket with a dot: the list has the job, a look at it says why not.
    let listed = world.server.run(&["list", "--output", "json"]).with_code(0);
    assert!(listed.contains(job), "{listed}");
    let refused = world.server.run(&["describe", job]);
    assert!(refused.err.contains("made through the API of S3 Control"), "{refused:?}");
    for number in 0..5 {
        let copy = fs::read_to_string(world.place.bucket(TARGET).join(format!("copies/{number} é+.jpg"))).unwrap();
        assert_eq!(copy, format!("photo {number}"));
    }
    // What failed is tried again as a job of the same dialect.
    let again = world.server.run(&["retry", job]).with_code(0);
    let mut plan = world.plan();
    plan["job"] = json!(again.trim());
    world.server.run(&["confirm", again.trim()]).with_code(0);
    let seen = boto3("look", &plan);
    assert_eq!((&seen["status"], &seen["failed"]), (&json!("Complete"), &json!(1)), "{seen}");
    assert!(
        seen["key"].as_str().unwrap().starts_with(&format!("arn:aws:s3:::{TARGET}/reports/job-{job}/retry-")),
        "{seen}"
    );
}

#[test]
fn manifests_are_made_from_a_bucket() {
    let world = World::new();
    boto3("generated", &world.plan());
}

#[test]
fn requests_come_through_proxies_and_by_signed_addresses() {
    let world = World::new();
    boto3("ways", &world.plan());
}

#[test]
fn operations_that_only_this_dialect_has_are_carried_out() {
    let world = World::new();
    boto3("operations", &world.plan());
    let listed = world.server.run(&["list", "--output", "json"]).with_code(0);
    assert!(listed.contains("S3PutObjectAcl"), "{listed}");
}

/// A function of the operator's, in the way of AWS: gives its address, and the calls that it takes.
fn function() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (calls, taken) = mpsc::channel();
    std::thread::spawn(move || {
        let mut seen = BTreeSet::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (head, body) = request_on(&mut stream);
            let call: Value = serde_json::from_slice(&body).unwrap();
            let task = &call["tasks"][0];
            let key = task["s3Key"].as_str().unwrap().to_owned();
            let again = !seen.insert(key.clone());
            let result = |code: &str, told: &str| {
                let result = json!({ "taskId": task["taskId"], "resultCode": code, "resultString": told });
                ("200 OK", json!([result]))
            };
            let (status, results) = match key.get(..1) {
                Some("0") => result("Succeeded", call["job"]["userArguments"]["width"].as_str().unwrap()),
                Some("1") if !again => result("TemporaryFailure", "later"),
                Some("2") => result("PermanentFailure", "no \"room\""),
                Some("3") if !again => ("500 Oh", json!([])),
                Some("4") => ("200 OK", json!([])),
                Some("m") => ("403 Forbidden", json!([])),
                _ => result("Succeeded", "second try"),
            };
            let answer = json!({
                "invocationSchemaVersion": "2.0", "invocationId": call["invocationId"], "treatMissingKeysAs": "Succeeded",
                "results": results,
            });
            let answer = answer.to_string();
            let length = answer.len();
            let head_back = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            stream.write_all((head_back + &answer).as_bytes()).unwrap();
            // Nobody listens to the last calls of a test that has failed.
            let _ = calls.send((head, call));
        }
    });
    (format!("http://{address}/in?secret=of-the-address"), taken)
}

/// The head of a request and its body.
fn request_on(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, body)
}

#[test]
fn a_function_is_called_for_each_object() {
    let (url, calls) = function();
    let world = World::with(&format!("[functions.resize]\nurl = \"{url}\"\n"));
    let told = boto3("functions", &world.plan());
    let job = told["job"].as_str().unwrap();
    let calls: Vec<_> = calls.try_iter().collect();
    assert_eq!(calls.len(), 8, "six objects, two of them twice");
    let mut ids = BTreeSet::new();
    for (head, call) in &calls {
        assert!(head.starts_with("POST /in?secret=of-the-address HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("content-type: application/json\r\n"), "{head}");
        assert_eq!((&call["invocationSchemaVersion"], &call["job"]["id"]), (&json!("2.0"), &json!(job)), "{call:#}");
        let task = &call["tasks"][0];
        assert_eq!((&task["s3Bucket"], &task["s3VersionId"]), (&json!(SOURCE), &Value::Null), "{call:#}");
        ids.insert(task["taskId"].as_str().unwrap());
    }
    assert_eq!(ids.len(), 6, "a task has the same name in each try: {ids:?}");
    let keys: BTreeSet<_> = calls.iter().map(|(_, call)| call["tasks"][0]["s3Key"].as_str().unwrap()).collect();
    assert!(keys.contains("0%20%C3%A9%2B.jpg") && keys.contains("missing.jpg"), "{keys:?}");
}

#[test]
fn what_goes_wrong_has_the_types_that_boto3_knows() {
    let world = World::new();
    boto3("errors", &world.plan());
}

#[test]
fn each_dialect_works_on_jobs_of_the_other() {
    let world = World::new();
    let server = &world.server;
    // Made there, handled here.
    let plain = json!({ "source": "photos-1250000000", "target": "archive-1250000000" });
    let rows = world.place.fill(3);
    let etag = world.place.write_manifest(&rows.text);
    let mut plan = world.plan();
    for (name, value) in plain.as_object().unwrap() {
        plan[name] = value.clone();
    }
    plan["etag"] = json!(etag);
    plan["manifest"] = json!("lists/all.csv");
    let made = boto3("create", &plan);
    let made = made["job"].as_str().unwrap();
    server.look_until(made, |job| job["Status"] == "Suspended");
    let seen = server.describe(made);
    assert_eq!(seen["Operation"]["COSPutObjectCopy"]["TargetResource"], "qcs::cos:s3::archive-1250000000", "{seen:#}");
    server.run(&["priority", made, "77"]).with_code(0);
    server.run(&["cancel", made]).with_code(0);
    // Made here, handled there.
    plan["theirs"] = json!(server.create_copy(&etag, &["--confirm-required"]));
    plan["cancelled"] = json!(made);
    boto3("foreign", &plan);
}
