//! `cos-batch retry`: a new job over the failed tasks of an old one.

use std::{fmt::Write as _, fs};

use crate::{
    plain_server::PlainServer,
    raw::Caller,
    support::{FOREIGN, Place, SOURCE, Server, TARGET, assert_exact, figures, program, run, snapshots},
};

#[test]
fn failed_tasks_are_tried_again_and_both_jobs_name_each_other() {
    let place = Place::new();
    let mut rows = place.fill(40);
    let late = ["in/late 1, é.txt", "in/late+2.txt"];
    for key in late {
        rows.add_failing(SOURCE, key);
    }
    rows.add_failing(FOREIGN, "in/theirs.txt");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let words = "all of it, with a description of the user";
    let old = server.create_copy(&etag, &["--description", words, "--priority", "5"]);
    server.run(&["wait", &old]).with_code(4);
    for key in late {
        fs::write(place.bucket(SOURCE).join(key), key).unwrap();
    }

    let said = server.run(&["retry", &old, "--token", "again"]);
    let new = said.out.trim().to_owned();
    snapshots().bind(|| {
        let text = format!("exit code {}\n--- standard output\n{}--- error output\n{}", said.code, said.out, said.err);
        insta::assert_snapshot!("retry", text);
    });
    server.run(&["wait", &new]).with_code(4);
    let job = server.describe(&new);
    assert_eq!(figures(&job), [2, 1, 3]);
    assert_eq!((&job["Description"], &job["Priority"]), (&words.into(), &5.into()));
    for key in late {
        assert_eq!(fs::read_to_string(place.bucket(TARGET).join(key)).unwrap(), key);
    }
    assert_eq!(server.run(&["retry", &old, "--token", "again"]).with_code(0).trim(), new);

    let shown = server.run(&["describe", &old]).with_code(0);
    assert!(shown.lines().any(|line| line.starts_with("Retried by") && line.ends_with(&new)), "{shown}");
    let shown = server.run(&["describe", &new]).with_code(0);
    assert!(shown.lines().any(|line| line.starts_with("Retry of") && line.ends_with(&old)), "{shown}");

    // The manifest stands where it can be found, and what still fails can be tried once more, elsewhere.
    let arn = job["Manifest"]["Location"]["ObjectArn"].as_str().unwrap();
    assert!(arn.contains(&format!("{TARGET}/reports/job-{old}/retry-")), "{arn}");
    let to = format!("{SOURCE}/lists/third.csv");
    let flags = ["--to", &to, "--confirm-required", "--output", "json"];
    let made = server.run(&[&["retry", &new], &flags[..]].concat()).with_code(0);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!((&made["Rows"], &made["ConfirmationRequired"]), (&1.into(), &true.into()));
    let list = fs::read_to_string(place.bucket(SOURCE).join("lists/third.csv")).unwrap();
    assert_eq!(list, format!("{FOREIGN},in/theirs.txt\n"));
    let third = made["JobId"].as_str().unwrap();
    server.run(&["wait", third, "--stop-when-suspended"]).with_code(10);
    server.run(&["cancel", third]).with_code(0);
}

#[test]
fn a_retry_survives_a_restart_of_the_server() {
    let place = Place::new();
    let mut rows = place.fill(3);
    rows.add_failing(SOURCE, "in/late.txt");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let old = server.create_copy(&etag, &[]);
    server.run(&["wait", &old]).with_code(4);
    server.kill();

    let server = Server::start(&place);
    fs::write(place.bucket(SOURCE).join("in/late.txt"), "late").unwrap();
    let said = server.run(&["retry", &old, "--wait"]);
    assert!(said.code == 0 && said.out.contains("1 of 1 succeeded, 0 failed"), "{said:?}");
    rows.keys.insert("in/late.txt".to_owned());
    place.assert_copied(&rows.keys);
    let shown = server.run(&["describe", &old]).with_code(0);
    assert!(shown.contains("Retried by"), "{shown}");
}

#[test]
fn what_cannot_be_tried_again_is_said_with_a_reason() {
    let place = Place::new();
    let rows = place.fill(3);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let mut text = String::new();
    let mut case = |name: &str, words: &[&str]| {
        let said = server.run(words);
        assert_eq!(said.out, "", "{name}");
        let error = said.err.split("\n\nUsage").next().unwrap_or_default().split("\n\nFor more").next();
        writeln!(text, "{name}: exit code {}\n{}\n", said.code, error.unwrap().trim_end()).unwrap();
    };
    let waiting = server.create_copy(&etag, &["--confirm-required"]);
    server.run(&["wait", &waiting, "--stop-when-suspended"]).with_code(10);
    case("a job that has not ended", &["retry", &waiting]);
    let complete = server.create_copy(&etag, &[]);
    server.run(&["wait", &complete]).with_code(0);
    case("a job without failed tasks", &["retry", &complete]);
    assert_exact(&place, &server, &complete, &rows);
    case("an unknown job", &["retry", "00000000-0000-7000-8000-000000000000"]);
    let broken = server.create_copy(&"0".repeat(32), &[]);
    server.run(&["wait", &broken]).with_code(3);
    case("a job that never had tasks", &["retry", &broken]);
    case("no place", &["retry", &complete, "--to", "bucket"]);
    case("both", &["retry", &complete, "--confirm-required", "--no-confirm"]);
    snapshots().bind(|| insta::assert_snapshot!(text));
}

#[test]
fn a_server_without_views_is_named_as_such() {
    let server = PlainServer::start();
    let job = "00000000-0000-7000-8000-000000000000";
    let mut text = String::new();
    for (name, endpoint) in [("NotImplemented", &server.without_extension), ("404", &server.without_path)] {
        for words in [&["retry", job][..], &["report", job]] {
            let mut command = program();
            command.args(words).args(["--anonymous", "--appid", "1", "--endpoint", endpoint]);
            let said = run(&mut command);
            assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
            writeln!(text, "{name}, {}: {}", words[0], said.err).unwrap();
        }
    }
    snapshots().bind(|| insta::assert_snapshot!(text));
    // What has a place in the API works there as before.
    let mut command = program();
    let said = run(command.args(["list", "--anonymous", "--appid", "1", "--endpoint", &server.without_extension]));
    assert_eq!(said.with_code(0), "no jobs\n");
}

#[test]
fn a_foreign_job_and_an_unknown_one_are_the_same_bytes() {
    let place = Place::new();
    let mut rows = place.fill(2);
    rows.add_failing(SOURCE, "in/gone.txt");
    let etag = place.write_manifest(&rows.text);
    let keys = "[[key]]\nsecret_id = \"AKIDone\"\nsecret_key = \"secretOfTheFirst\"\nappid = \"1250000000\"\n\
                [[key]]\nsecret_id = \"AKIDtwo\"\nsecret_key = \"secretOfTheSecond\"\nappid = \"1251111111\"\n";
    fs::create_dir_all(place.data()).unwrap();
    crate::support::write_private(&place.key_file(), keys);
    let server = Server::start_with(&place, &["--credentials", place.key_file().to_str().unwrap()]);
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(4);

    let stranger = Caller::with_key(&server, "1251111111", "AKIDtwo", "secretOfTheSecond");
    let unknown = "00000000-0000-7000-8000-000000000000";
    let body = "{\"ClientRequestToken\": \"t\"}";
    for (method, rest, body) in [("GET", "", ""), ("GET", "/tasks?limit=3", ""), ("POST", "/retry", body)] {
        let [foreign, unknown] = [&job, unknown].map(|id| {
            let mut request = stranger.request(method, &format!("/-/jobs/{id}{rest}"), body);
            stranger.sign(&mut request);
            let answer = stranger.send(request);
            let id_of_request = answer.body.split("<RequestId>").nth(1).unwrap().split('<').next().unwrap().to_owned();
            (answer.status, answer.body.replace(id, "JOB").replace(&id_of_request, "ID"))
        });
        assert_eq!(foreign, unknown, "{method} {rest}");
        assert_eq!(foreign.0, 404, "{foreign:?}");
    }
    for path in
        ["/-/objects?bucket=photos-1250000000", "/-/objects/content?bucket=photos-1250000000&key=lists%2Fall.csv"]
    {
        let mut request = stranger.request("GET", path, "");
        stranger.sign(&mut request);
        assert_eq!(stranger.send(request).status, 403, "{path}");
        // And nobody gets anything without a signature.
        assert_eq!(stranger.send(stranger.request("GET", path, "")).status, 403, "{path}");
    }
    assert_eq!(server.run(&["report", &job]).code, 0);
}
