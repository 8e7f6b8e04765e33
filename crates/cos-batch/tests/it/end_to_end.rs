//! A job over many files, from CreateJob to Complete.

use crate::support::{FOREIGN, Place, SOURCE, Server, assert_exact, figures};

#[test]
fn ten_thousand_files_are_copied_and_each_row_is_accounted_for() {
    let place = Place::new();
    let mut rows = place.fill(10_000);
    rows.add_failing(SOURCE, "in/gone.txt");
    rows.add_failing(FOREIGN, "in/theirs.txt");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);

    let job = server.create_copy(&etag, &["--priority", "7", "--description", "all of it"]);
    let said = server.run(&["wait", &job]);
    assert_eq!(said.code, 4, "two tasks failed: {said:?}");
    assert!(said.out.contains("10,000 of 10,002 succeeded, 2 failed"), "{said:?}");

    assert_exact(&place, &server, &job, &rows);
    let report = place.report(&job);
    let outcome = |bucket: &str, key: &str| report[&(bucket.to_owned(), key.to_owned())][0].clone();
    assert_eq!(outcome(SOURCE, "in/gone.txt")[..3], ["failed", "404", "NoSuchKey"]);
    assert_eq!(outcome(FOREIGN, "in/theirs.txt")[..3], ["failed", "403", "AccessDenied"]);
}

#[test]
fn a_job_that_needs_confirmation_waits_for_it() {
    let place = Place::new();
    let rows = place.fill(20);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &["--confirm-required"]);

    server.run(&["wait", &job, "--stop-when-suspended"]).with_code(10);
    let seen = server.describe(&job);
    assert_eq!(seen["Status"], "Suspended");
    assert_eq!(figures(&seen), [0, 0, 20]);
    place.assert_copied(&Default::default());

    assert!(server.run(&["confirm", &job, "--reason", "looks right"]).with_code(0).contains("is Ready"));
    server.run(&["wait", &job]).with_code(0);
    assert_exact(&place, &server, &job, &rows);
}

#[test]
fn a_second_job_tags_deletes_and_lists() {
    let place = Place::new();
    let rows = place.fill(30);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let manifest = format!("{SOURCE}/lists/all.csv");
    let of = |operation: &str, flags: &[&str]| {
        let mut words = vec!["create", "--wait", "--operation", operation, "--manifest", &manifest, "--etag", &etag];
        words.extend(flags);
        server.run(&words).with_code(0)
    };
    of("tag", &["--tag", "team=art", "--priority", "3"]);
    of("delete", &[]);
    let left: Vec<_> =
        std::fs::read_dir(place.bucket(SOURCE)).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.contains(&"in".into()), "{left:?}");

    let listed = |flags: &[&str]| {
        let words = [&["list", "--output", "json"], flags].concat();
        let list: serde_json::Value = serde_json::from_str(&server.run(&words).with_code(0)).unwrap();
        list["Jobs"].as_array().unwrap().clone()
    };
    let jobs = listed(&[]);
    let operations: Vec<_> = jobs.iter().map(|job| job["Operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["COSPutObjectTagging", "COSDeleteObject"]);
    assert_eq!(listed(&["--status", "Failed,Active"]).len(), 0);
    assert_eq!(listed(&["--status", "Complete", "--limit", "1"]).len(), 1);

    let id = jobs[0]["JobId"].as_str().unwrap();
    server.run(&["delete", id]).with_code(0);
    server.run(&["describe", id]).with_code(8);
    assert_eq!(listed(&[]).len(), 1);
}
