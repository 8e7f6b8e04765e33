//! `cos-batch validate`, and what it says once more where a job is made.

use std::{fmt::Write as _, fs};

use serde_json::Value;

use crate::{
    plain_server::PlainServer,
    screen,
    support::{FOREIGN, Place, SOURCE, Server, TARGET, program, run, snapshots},
};

fn place() -> (Place, String) {
    let place = Place::new();
    let mut rows = place.fill(30);
    rows.add_failing(SOURCE, "in/gone.txt");
    rows.add_failing(FOREIGN, "in/theirs.txt");
    rows.add_failing(SOURCE, "other/one.txt");
    let etag = place.write_manifest(&rows.text);
    (place, etag)
}

/// Flags of a job that copies what the manifest names.
fn copy<'a>(manifest: &'a str, etag: &'a str) -> Vec<&'a str> {
    vec!["--operation", "copy", "--target", TARGET, "--manifest", manifest, "--etag", etag]
}

#[test]
fn what_a_job_would_do_as_people_see_it() {
    let (place, etag) = place();
    let manifest = format!("{SOURCE}/lists/all.csv");
    let server = Server::start(&place);
    let report = ["--report-bucket", TARGET];
    let show = |name: &str, flags: &[&str]| {
        let said = server.run(&[&["validate"], flags].concat());
        if !flags.contains(&"json") {
            screen::assert_narrow(&said.out.lines().collect::<Vec<_>>());
        }
        let text = format!("exit code {}\n--- standard output\n{}--- error output\n{}", said.code, said.out, said.err);
        snapshots().bind(|| insta::assert_snapshot!(name, text));
    };
    let whole = [&copy(&manifest, &etag)[..], &report].concat();
    show("validate-warnings", &[&whole[..], &["--prefix-from", "in/", "--prefix-to", "out/"]].concat());
    show("validate-json", &[&whole[..], &["--output", "json"]].concat());
    show("validate-delete", &["--operation", "delete", "--manifest", &manifest, "--etag", &etag]);
    show("validate-restore", &["--operation", "restore", "--days", "3", "--manifest", &manifest, "--etag", &etag]);
    show("validate-etag", &[&copy(&manifest, "00000000000000000000000000000000")[..], &report].concat());
    show("validate-no-bucket", &[&copy(&manifest, &etag)[..], &["--report-bucket", "none-1250000000"]].concat());
    show("validate-foreign", &[&copy(&manifest, &etag)[..], &["--report-bucket", FOREIGN]].concat());
    let missing = format!("{SOURCE}/none.csv");
    show("validate-no-manifest", &[&copy(&missing, &etag)[..], &report].concat());

    // Copied once, everything has a target that would be replaced; and the token is used.
    let job = server.create_copy(&etag, &["--token", "used"]);
    server.run(&["wait", &job]).with_code(4);
    show("validate-again", &[&whole[..], &["--token", "used"]].concat());
    let broken = place.write_manifest(&format!("{SOURCE},in/a\n{SOURCE}\n"));
    show("validate-broken-row", &[&copy(&manifest, &broken)[..], &report].concat());
    let empty = place.write_manifest("");
    show("validate-empty", &[&copy(&manifest, &empty)[..], &report].concat());

    // Nothing was changed by any of it.
    let jobs: Value = serde_json::from_str(&server.run(&["list", "--output", "json"]).with_code(0)).unwrap();
    assert_eq!(jobs["Jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_job_is_checked_before_it_is_made() {
    let (place, etag) = place();
    let manifest = format!("{SOURCE}/lists/all.csv");
    let server = Server::start(&place);
    let said = server.run(&[&["create", "--check"], &copy(&manifest, &etag)[..]].concat());
    let job = said.out.trim();
    assert!(said.code == 0 && said.err.contains("warning") && said.err.contains("in/theirs.txt"), "{said:?}");
    assert!(!said.err.contains("ok "), "{said:?}");
    server.run(&["wait", job]).with_code(4);

    let said = server.run(&[&["create", "--check"], &copy(&manifest, &"0".repeat(32))[..]].concat());
    assert!(said.code == 1 && said.out.is_empty() && said.err.contains("ERROR"), "{said:?}");
    assert!(said.err.ends_with("error: the job cannot run like this, and was not made\n"), "{said:?}");
    let jobs: Value = serde_json::from_str(&server.run(&["list", "--output", "json"]).with_code(0)).unwrap();
    assert_eq!(jobs["Jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn a_job_that_waits_says_what_confirming_it_will_do() {
    let (place, etag) = place();
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &["--confirm-required"]);
    server.run(&["wait", &job, "--stop-when-suspended"]).with_code(10);
    let shown = server.run(&["describe", &job]).with_code(0);
    snapshots().bind(|| insta::assert_snapshot!("describe-outlook", shown));
    let cause = server.describe(&job)["SuspendedCause"].as_str().unwrap().to_owned();
    assert!(cause.starts_with("waiting for confirmation: copy 33 objects from"), "{cause}");
    server.run(&["confirm", &job]).with_code(0);
    server.run(&["wait", &job]).with_code(4);
    assert_eq!(server.describe(&job).get("SuspendedCause"), None);
}

#[test]
fn wrong_questions_are_refused() {
    let (place, etag) = place();
    let manifest = format!("{SOURCE}/lists/all.csv");
    let server = Server::start(&place);
    let plain = PlainServer::start();
    let file = place.file("job.xml");
    fs::write(&file, "<CreateJobRequest/>").unwrap();
    let mut text = String::new();
    let said = server.run(&["validate", file.to_str().unwrap()]);
    let folder = format!("{}/", place.file("").display().to_string().trim_end_matches('/'));
    writeln!(text, "a file: exit code {}\n{}", said.code, said.err.replace(&folder, "")).unwrap();
    let mut command = program();
    command.arg("validate").args(copy(&manifest, &etag));
    command.args(["--anonymous", "--appid", "1", "--endpoint", &plain.without_extension]);
    let said = run(&mut command);
    writeln!(text, "a server without checks: exit code {}\n{}", said.code, said.err).unwrap();
    snapshots().bind(|| insta::assert_snapshot!(text));
}
