//! What an operator does: settings of three kinds, logs for programs, keys that are exchanged, a backup.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Place, Server, assert_exact, program, run, write_private};

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
                [[store]]\nname = \"s\"\nkind = \"s3\"\nendpoint = \"http://127.0.0.1:9\"\nsecret_id = \"id\"\nsecret_key = \"hush\"\n";
    write_private(&file, text);
    let file = file.to_str().unwrap();
    let variables =
        [("COS_BATCH_CONFIG", file), ("COS_BATCH_LISTEN", "127.0.0.1:2"), ("COS_BATCH_DATA", "of-variable")];
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
        ("log = \"warn\"", "file"),
        ("workers = 9", "file"),
        ("preparers = 2", "default"),
        ("# operations_per_second is not set", "default"),
    ] {
        assert!(has(&out, setting, origin), "{setting}: {origin}\n{out}");
    }
    assert!(out.contains("\nsecret_key = \"***\"\n"), "{out}");
    assert!(!out.contains("hush"), "{out}");
    // What is written is itself a file of settings.
    let printed = place.file("printed.toml");
    fs::write(&printed, out.replace("\"***\"", "\"x\"")).unwrap();
    crate::support::run(std::process::Command::new("chmod").arg("600").arg(&printed));
    let again = said(&["config", "print", "--config", printed.to_str().unwrap()], &[]).with_code(0);
    assert!(has(&again, "data = \"of-flag\"", "file") && has(&again, "preparers = 2", "file"), "{again}");
    assert_eq!(said(&["config", "check"], &variables).with_code(0), "the settings are right\n");
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
    write_private(path, &format!("[[key]]\nsecret_id = {id:?}\nsecret_key = \"hush\"\nappid = \"1250000000\"\n"));
}

#[test]
fn keys_and_the_log_filter_are_read_again_on_sighup() {
    let place = Place::new();
    let (keys, config) = (place.file("keys.toml"), place.file("config.toml"));
    key_file(&keys, "AKIDfirst");
    fs::write(&config, "[serve]\nlog = \"info\"\n").unwrap();
    let server =
        Server::start_with(&place, &["--credentials", keys.to_str().unwrap(), "--config", config.to_str().unwrap()]);
    let code = |id: &str| {
        let mut command = program();
        command.env("COS_BATCH_ENDPOINT", &server.endpoint).env("COS_APPID", "1250000000");
        run(command.env("COS_SECRET_ID", id).env("COS_SECRET_KEY", "hush").arg("list")).code
    };
    let logged = |text: &str| fs::read_to_string(place.file("serve.log")).unwrap().matches(text).count();
    assert_eq!((code("AKIDfirst"), code("AKIDsecond")), (0, 6));

    key_file(&keys, "AKIDsecond");
    fs::write(&config, "[serve]\nlog = \"info,cos_batch_server=debug\"\n").unwrap();
    server.hang_up();
    until("the keys are read", || logged("keys were read again") == 1 && logged("log filter was read again") == 1);
    assert_eq!(logged("DEBUG"), 0);
    assert_eq!((code("AKIDfirst"), code("AKIDsecond")), (6, 0));
    assert!(logged("DEBUG") > 0, "a request that only looks is in the log now");

    fs::write(&keys, "[[kye]]\n").unwrap();
    server.hang_up();
    until("the file is refused", || logged("those of before are still accepted") == 1);
    assert_eq!(code("AKIDsecond"), 0);
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn a_backup_of_a_server_at_work_goes_on_elsewhere() {
    let place = Place::new();
    let mut rows = place.fill(600);
    rows.add_failing("photos-1250000000", "in/gone.txt");
    let etag = place.write_manifest(&rows.text);
    let config = place.file("config.toml");
    fs::write(&config, "[engine]\njob_operations_per_second = 300\ncheckpoint_millis = 50\n").unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let job = server.create_copy(&etag, &[]);
    server.look_until(&job, |seen| seen["ProgressSummary"]["NumberOfTasksSucceeded"].as_u64() > Some(20));
    let (data, to) = (place.data(), place.file("backup"));
    let (data, to) = (data.to_str().unwrap(), to.to_str().unwrap());
    let out = said(&["backup", "--data", data, "--to", to], &[]).with_code(0);
    assert!(out.ends_with(": 1 jobs that have not ended\n"), "{out}");
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
    assert!(out.ends_with(": 1 jobs go on at the next start\n"), "{out}");
    let server = Server::start(&elsewhere);
    server.run(&["wait", &job]).with_code(4);
    assert_exact(&elsewhere, &server, &job, &rows);
}
