//! What an operator does: settings of three kinds, logs for programs, keys that are exchanged, a backup.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cos_batch_engine::{Clock as _, SystemClock};
use cos_batch_model::Timestamp;
use cos_batch_nullstore::{NullStore, Options};
use cos_signature::{Credentials, KeyTime, sign};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Request;
use serde_json::Value;
use sha2::Sha256;

use crate::{
    remote,
    support::{Place, SOURCE, Server, assert_exact, program, run, write_private},
};

/// Long beside what a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks until it is so.
#[track_caller]
fn until(what: &str, so: impl Fn() -> bool) {
    let began = Instant::now();
    while !so() {
        assert!(began.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// What a command of the program writes, with these variables.
fn said(words: &[&str], variables: &[(&str, &str)]) -> crate::support::Said {
    run(program().args(words).envs(variables.iter().copied()))
}

#[test]
fn settings_are_shown_with_where_they_come_from() {
    let place = Place::new();
    let file = place.file("config.toml");
    let text = "local_buckets = false\n[serve]\ndata = \"of-file\"\nlisten = \"127.0.0.1:1\"\nlog = \"warn\"\n[engine]\nworkers = 9\n\
                [[store]]\nname = \"s\"\nkind = \"s3\"\nendpoint = \"http://127.0.0.1:9\"\nsecret_id = \"id\"\nsecret_key = \"hushHushHush\"\n";
    write_private(&file, text);
    let file = file.to_str().unwrap();
    let variables = [
        ("COS_BATCH_CONFIG", file),
        ("COS_BATCH_LISTEN", "127.0.0.1:2"),
        ("COS_BATCH_DATA", "of-variable"),
        ("COS_BATCH_REQUESTS_PER_SECOND", "7"),
    ];
    let out = said(&["config", "print", "--data", "of-flag"], &variables).with_code(0);
    let has = |text: &str, setting: &str, origin: &str| {
        text.lines()
            .filter_map(|line| line.rsplit_once(" # "))
            .any(|(found, from)| found.trim() == setting && from == origin)
    };
    for (setting, origin) in [
        ("local_buckets = false", "file"),
        ("data = \"of-flag\"", "flag"),
        ("# jobs is not set", "default"),
        ("listen = \"127.0.0.1:2\"", "variable COS_BATCH_LISTEN"),
        ("requests_per_second = 7", "variable COS_BATCH_REQUESTS_PER_SECOND"),
        ("requests_burst = 14", "default"),
        ("log = \"warn\"", "file"),
        ("workers = 9", "file"),
        ("preparers = 2", "default"),
        ("# operations_per_second is not set", "default"),
    ] {
        assert!(has(&out, setting, origin), "{setting}: {origin}\n{out}");
    }
    assert!(out.contains("\nsecret_key = \"***\"\n"), "{out}");
    assert!(!out.contains("hushHush"), "{out}");
    // What is written is itself a file of settings.
    let printed = place.file("printed.toml");
    fs::write(&printed, out.replace("\"***\"", "\"x\"")).unwrap();
    crate::support::run(std::process::Command::new("chmod").arg("600").arg(&printed));
    let again = said(&["config", "print", "--config", printed.to_str().unwrap()], &[]).with_code(0);
    assert!(has(&again, "data = \"of-flag\"", "file") && has(&again, "preparers = 2", "file"), "{again}");
    assert_eq!(said(&["config", "check"], &variables).with_code(0), "the settings are right\n");
}

#[test]
fn a_bucket_that_belongs_to_nobody_is_told_of() {
    let place = Place::new();
    let file = place.file("config.toml");
    let bucket = |name: &str, more: &str| format!("[[bucket]]\nname = \"{name}\"\nstore = \"s\"\n{more}");
    let store = "[serve]\ndata = \"x\"\n[[store]]\nname = \"s\"\nkind = \"folder\"\nfolder = \"/srv\"\n".to_owned();
    let text = [store, bucket("my-photos", ""), bucket("a-125", ""), bucket("b", "owner = \"125\"\n")].concat();
    fs::write(&file, text).unwrap();
    let said = said(&["config", "check", "--config", file.to_str().unwrap()], &[]);
    assert_eq!((said.code, said.out.as_str()), (0, "the settings are right\n"), "{said:?}");
    assert!(said.err.starts_with("[[bucket]] my-photos belongs to nobody: owner = ") && said.err.lines().count() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_are_asked_for_their_buckets_if_one_likes() {
    let store = NullStore::start(Options::default()).await.unwrap();
    let place = Place::new();
    fs::create_dir_all(place.file("folder/here-125")).unwrap();
    let folder = format!(
        "[serve]\ndata = \"x\"\n[[store]]\nname = \"files\"\nkind = \"folder\"\nfolder = {:?}\n",
        place.file("folder")
    );
    let bucket = |name: &str| format!("[[bucket]]\nname = \"{name}\"\nstore = \"files\"\n");
    let all = remote::config(&place, &store, &["photos-125"], "", &folder);
    let check = |file: &Path| said(&["config", "check", "--connect", "--config", file.to_str().unwrap()], &[]);
    let text = fs::read_to_string(&all).unwrap();
    fs::write(&all, text.clone() + &bucket("here-125") + "[spool]\nstore = \"null\"\nbucket = \"spool\"\n").unwrap();
    let good = check(&all);
    assert_eq!(good.code, 0, "{good:?}");
    for line in [
        "the settings are right",
        "bucket \"photos-125\" in store \"null\": it is there",
        "bucket \"here-125\" in store \"files\": it is there",
        "spool, in bucket \"spool\": it is there",
    ] {
        assert!(good.out.lines().any(|said| said == line), "{line}: {good:?}");
    }

    // Nobody listens where this one is said to be.
    drop(store);
    fs::write(&all, text + &bucket("nowhere-125")).unwrap();
    let bad = check(&all);
    assert_eq!(bad.code, 1, "{bad:?}");
    assert!(bad.out.contains("bucket \"nowhere-125\" in store \"files\": there is no such bucket\n"), "{bad:?}");
    assert!(bad.err.contains("2 of 2 buckets could not be seen"), "{bad:?}");
}

#[test]
fn wrong_settings_are_refused_before_anything_is_started() {
    let place = Place::new();
    let file = place.file("config.toml");
    for (text, variables, says) in [
        ("[serve]\nlisen = \"127.0.0.1:1\"\n", &[][..], "line 2: unknown field `lisen`"),
        ("[serve]\nlisen = \"127.0.0.1:1\"\n", &[], "(did you mean `listen`?)"),
        ("[serve]\ndata = \"x\"\nrole = \"both\"\n", &[], "\"both\" is none of all, api, worker"),
        ("[serve]\ndata = \"x\"\nrole = \"api\"\n", &[], "--role goes with --jobs"),
        ("[serve]\ndata = \"x\"\n", &[("COS_BATCH_JOBS", "postgres:///x")], "either --data or --jobs"),
        ("[serve]\ndata = \"x\"\n", &[("COS_BATCH_LISTN", "127.0.0.1:1")], "(did you mean COS_BATCH_LISTEN?)"),
        ("", &[], "--data DIR, where jobs are kept, or --jobs URL must be given"),
        (
            "[serve]\ndata = \"x\"\nanonymous = true\n",
            &[("COS_BATCH_LISTEN", "0.0.0.0:1")],
            "it goes with a loopback address only",
        ),
        ("[serve]\ndata = \"x\"\ncredentials = \"nowhere.toml\"\n", &[], "nowhere.toml"),
        ("[serve]\njobs = \"postgres:///x\"\nanonymous = true\n", &[], "nodes share a spool"),
        (
            "[serve]\njobs = \"postgres://me:hush@db/x\"\nanonymous = true\n",
            &[],
            "it has a password, and others than its owner may use it",
        ),
    ] {
        fs::write(&file, text).unwrap();
        let words = ["config", "check", "--config", file.to_str().unwrap()];
        let checked = said(&words, variables);
        assert_eq!(checked.code, 2, "{text}\n{checked:?}");
        assert!(checked.err.contains(says), "{text}\n{checked:?}");
        assert!(!checked.err.contains("hush"), "{checked:?}");
    }
}

#[test]
fn a_log_for_programs_has_the_request_and_the_job_in_its_lines() {
    let place = Place::new();
    let rows = place.fill(3);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start_with(&place, &["--log-format", "json"]);
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(0);
    assert_eq!(server.terminate().code(), Some(0));

    let log = fs::read_to_string(place.file("serve.log")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |message: &str| lines.iter().filter(move |line| line["message"] == message).collect::<Vec<_>>();
    let made = of("job made");
    assert_eq!((made.len(), made[0]["job"].as_str()), (1, Some(job.as_str())), "{log}");
    let request = of("request").into_iter().find(|line| line["method"] == "POST").unwrap();
    assert_eq!((&request["request_id"], request["status"].as_u64()), (&made[0]["request_id"], Some(200)), "{log}");
    assert_eq!(made[0]["span"]["request_id"], made[0]["request_id"]);
    let steps: Vec<&str> = of("status")
        .iter()
        .filter(|line| line["job"] == job.as_str())
        .map(|line| line["to"].as_str().unwrap())
        .collect();
    assert!(steps.starts_with(&["Preparing"]) && steps.ends_with(&["Complete"]), "{steps:?}");
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["level"].is_string()), "{log}");
}

fn key_file(path: &Path, id: &str) {
    let _ = fs::remove_file(path);
    let account = "account_id = \"123456789012\"";
    write_private(
        path,
        &format!("[[key]]\nsecret_id = {id:?}\nsecret_key = \"hushHushHush\"\nappid = \"1250000000\"\n{account}\n"),
    );
}

/// What is answered to this.
fn answer(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Whether each door but that of the COS API knows a key: the S3 dialect, the console, the objects.
fn doors(server: &Server, id: &str) -> [bool; 3] {
    let jobs = server.endpoint.trim_start_matches("http://");
    let common = format!("host: {jobs}\r\nconnection: close\r\n");
    let now = SystemClock.now() / 1000;
    let time = Timestamp::from_unix_seconds(now).unwrap().to_string().replace(['-', ':'], "");
    // Whose signature is wrong is known by then.
    let signed = format!(
        "AWS4-HMAC-SHA256 Credential={id}/{}/eu-west-1/s3/aws4_request, \
         SignedHeaders=host;x-amz-account-id;x-amz-content-sha256;x-amz-date, Signature={}",
        &time[..8],
        "0".repeat(64)
    );
    let s3 = answer(
        jobs,
        &format!(
            "GET /v20180820/jobs HTTP/1.1\r\n{common}authorization: {signed}\r\nx-amz-date: {time}\r\n\
             x-amz-account-id: 123456789012\r\nx-amz-content-sha256: {}\r\n\r\n",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        ),
    );
    let form = format!("id={id}&secret=hushHushHush&next=/console");
    let console = answer(
        jobs,
        &format!(
            "POST /console/sign-in HTTP/1.1\r\n{common}origin: http://{jobs}\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{form}",
            form.len()
        ),
    );
    let objects = server.objects().unwrap();
    let mut request = Request::head(format!("/{SOURCE}")).header("host", objects).body(()).unwrap();
    sign(&mut request, &Credentials::new(id, "hushHushHush"), KeyTime::new(now - 60, now + 600).unwrap()).unwrap();
    let mut head = format!("HEAD /{SOURCE} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in request.headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let objects = answer(objects, &format!("{head}\r\n"));
    let wrong = ["SignatureDoesNotMatch", "InvalidAccessKeyId"].map(|code| s3.contains(code));
    assert_eq!(wrong[0], !wrong[1], "{s3}");
    [wrong[0], console.starts_with("HTTP/1.1 303 "), objects.starts_with("HTTP/1.1 200 ")]
}

#[test]
fn keys_and_the_log_filter_are_read_again_on_sighup() {
    let place = Place::new();
    let (keys, config) = (place.file("keys.toml"), place.file("config.toml"));
    key_file(&keys, "AKIDfirst");
    fs::write(&config, "[serve]\nlog = \"info\"\n").unwrap();
    let server = Server::start_with(
        &place,
        &[
            "--credentials",
            keys.to_str().unwrap(),
            "--config",
            config.to_str().unwrap(),
            "--objects-listen",
            "127.0.0.1:0",
        ],
    );
    let code = |id: &str| {
        let mut command = program();
        command.env("COS_BATCH_ENDPOINT", &server.endpoint).env("COS_APPID", "1250000000");
        run(command.env("COS_SECRET_ID", id).env("COS_SECRET_KEY", "hushHushHush").arg("list")).code
    };
    let logged = |text: &str| fs::read_to_string(place.file("serve.log")).unwrap().matches(text).count();
    assert_eq!((code("AKIDfirst"), code("AKIDsecond")), (0, 6));
    assert_eq!((doors(&server, "AKIDfirst"), doors(&server, "AKIDsecond")), ([true; 3], [false; 3]));

    key_file(&keys, "AKIDsecond");
    fs::write(&config, "[serve]\nlog = \"info,cos_batch_server=debug\"\n").unwrap();
    server.hang_up();
    until("the keys are read", || logged("keys were read again") == 1 && logged("log filter was read again") == 1);
    assert_eq!(logged("DEBUG"), 0);
    assert_eq!((code("AKIDfirst"), code("AKIDsecond")), (6, 0));
    assert_eq!((doors(&server, "AKIDfirst"), doors(&server, "AKIDsecond")), ([false; 3], [true; 3]));
    assert!(logged("DEBUG") > 0, "a request that only looks is in the log now");

    fs::write(&keys, "[[kye]]\n").unwrap();
    server.hang_up();
    until("the file is refused", || logged("those of before are still accepted") == 1);
    assert_eq!(code("AKIDsecond"), 0);
    assert_eq!(server.terminate().code(), Some(0));
}

/// The first request to this listener: its head and its body. It is answered with 204.
fn heard(listener: &TcpListener) -> (String, String) {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if length == 0 || value(head, "content-length").parse() == Ok(body.len()) {
            stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
            return (head.to_owned(), body.to_owned());
        }
    }
}

/// The value of a header.
fn value<'a>(head: &'a str, name: &str) -> &'a str {
    let of_line = |line: &'a str| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name));
    head.lines().find_map(of_line).unwrap_or_else(|| panic!("no {name}: {head}")).1
}

#[test]
fn an_address_is_told_of_the_statuses_it_asked_for_once_and_signed() {
    let place = Place::new();
    let rows = place.fill(3);
    let etag = place.write_manifest(&rows.text);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (config, secret) = (place.file("config.toml"), "a secret of some length, at least");
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    write_private(
        &config,
        &format!("[webhook]\nurl = {url:?}\nsecret = {secret:?}\nstatuses = [\"Complete\", \"Cancelled\"]\n"),
    );
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let job = server.create_copy(&etag, &[]);
    let (head, body) = heard(&listener);
    assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(event["data"]["JobId"], job.as_str());
    assert_eq!(event["data"]["Status"], "Complete", "and none of the statuses before it");
    assert_eq!(event["data"]["ProgressSummary"]["NumberOfTasksSucceeded"], 3);
    assert_eq!((&event["id"], &event["type"]), (&value(&head, "webhook-id").into(), &"cos-batch.job.status".into()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{}.{}.{body}", value(&head, "webhook-id"), value(&head, "webhook-timestamp")).as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    assert_eq!(value(&head, "webhook-signature"), signature);

    // What comes next is of another job: the first was told once.
    let etag = place.write_manifest(&rows.text);
    let other = server.create_copy(&etag, &["--confirm-required"]);
    server.look_until(&other, |seen| seen["Status"] == "Suspended");
    server.run(&["cancel", &other]).with_code(0);
    let (_, body) = heard(&listener);
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&event["data"]["JobId"], &event["data"]["Status"]), (&other.into(), &"Cancelled".into()));
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_backup_of_a_server_at_work_goes_on_elsewhere() {
    let place = Place::new();
    let mut rows = place.fill(600);
    rows.add_failing("photos-1250000000", "in/gone.txt");
    let etag = place.write_manifest(&rows.text);
    let config = place.file("config.toml");
    fs::write(&config, "[engine]\njob_operations_per_second = 20\ncheckpoint_millis = 50\n").unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let job = server.create_copy(&etag, &[]);
    server.look_until(&job, |seen| seen["ProgressSummary"]["NumberOfTasksSucceeded"].as_u64() > Some(20));
    let (data, to) = (place.data(), place.file("backup"));
    let (data, to) = (data.to_str().unwrap(), to.to_str().unwrap());
    let out = said(&["backup", "--data", data, "--to", to], &[]).with_code(0);
    assert!(out.ends_with(": 1 job that has not ended\n"), "{out}");
    let again = said(&["backup", "--data", data, "--to", to], &[]);
    assert_eq!(again.code, 2, "{again:?}");
    server.run(&["cancel", &job]).with_code(0);
    server.look_until(&job, |seen| seen["Status"] == "Cancelled");
    let in_use = said(&["restore", "--from", to, "--data", data], &[]);
    assert_eq!(in_use.code, 9, "{in_use:?}");
    server.kill();
    let full = said(&["restore", "--from", to, "--data", data], &[]);
    assert!(full.code == 2 && full.err.contains("there are jobs in it already"), "{full:?}");

    // Objects are where they were; what the cancelled job reported is not the restored job's.
    let elsewhere = Place::new();
    fs::remove_dir_all(elsewhere.data()).unwrap();
    fs::create_dir(elsewhere.data()).unwrap();
    fs::rename(place.data().join("buckets"), elsewhere.data().join("buckets")).unwrap();
    let out = said(&["restore", "--from", to, "--data", elsewhere.data().to_str().unwrap()], &[]).with_code(0);
    assert!(out.ends_with(": 1 job goes on at the next start\n"), "{out}");
    let server = Server::start(&elsewhere);
    server.run(&["wait", &job]).with_code(4);
    assert_exact(&elsewhere, &server, &job, &rows);

    // What is no backup leaves nothing behind, where there was nothing.
    fs::write(place.file("backup").join("jobs.sqlite"), "no database").unwrap();
    let nowhere = place.file("nowhere");
    let damaged = said(&["restore", "--from", to, "--data", nowhere.to_str().unwrap()], &[]);
    assert!(damaged.code == 1 && !nowhere.exists(), "{damaged:?}");
}

/// The C library listens at the start of a program only: the server has started itself anew, as the same process.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn memory_is_kept_in_one_place_for_each_processor() {
    let place = Place::new();
    let server = Server::start(&place);
    let environment = fs::read(format!("/proc/{}/environ", server.id())).unwrap();
    let told: Vec<&[u8]> = environment.split(|byte| *byte == 0).filter(|line| line.starts_with(b"MALLOC_")).collect();
    let processors = std::thread::available_parallelism().unwrap();
    let said =
        std::env::vars_os().any(|(name, _)| name == "GLIBC_TUNABLES" || name.to_string_lossy().starts_with("MALLOC_"));
    if !said {
        let expected = [format!("MALLOC_ARENA_MAX={processors}"), "MALLOC_MMAP_THRESHOLD_=131072".to_owned()];
        let mut told = told;
        told.sort_unstable();
        assert_eq!(told, expected.iter().map(String::as_bytes).collect::<Vec<_>>());
    }
    assert_eq!(server.terminate().code(), Some(0));
}
