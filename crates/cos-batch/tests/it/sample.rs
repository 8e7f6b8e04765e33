//! `cos-batch create --sample`: some of the rows first, the rest once they are seen to be right.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::Value;

use crate::{
    plain_server::PlainServer,
    support::{FOREIGN, Place, SOURCE, Server, TARGET, figures, program, run, snapshots},
};

#[test]
fn a_sample_runs_first_and_the_rest_after_its_confirmation() {
    let place = Place::new();
    let rows = place.fill(100);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let said = server.try_create_copy(&etag, &["--sample", "7"]);
    let mut settings = snapshots();
    settings.add_filter(r"all\.[0-9a-f]{8}-", "all.00000000-");
    settings.bind(|| {
        let text = format!("exit code {}\n--- standard output\n{}--- error output\n{}", said.code, said.out, said.err);
        insta::assert_snapshot!("sample", text);
    });
    let jobs: Vec<&str> = said.out.lines().collect();
    let [sample, rest] = jobs[..] else { panic!("{said:?}") };

    server.run(&["wait", sample]).with_code(0);
    server.run(&["wait", rest, "--stop-when-suspended"]).with_code(10);
    assert_eq!([figures(&server.describe(sample)), figures(&server.describe(rest))], [[7, 0, 7], [0, 0, 93]]);
    let copied = |place: &Place| -> usize {
        let folder = place.bucket(TARGET).join("in/00");
        fs::read_dir(folder)
            .map_or(0, |entries| entries.filter(|entry| entry.as_ref().unwrap().path().is_file()).count())
    };
    assert_eq!(copied(&place), 7);
    server.run(&["confirm", rest]).with_code(0);
    server.run(&["wait", rest]).with_code(0);
    place.assert_copied(&rows.keys);

    // Each row is in one of the two manifests.
    let mut listed = BTreeSet::new();
    for job in [sample, rest] {
        let arn = server.describe(job)["Manifest"]["Location"]["ObjectArn"].as_str().unwrap().to_owned();
        let key = arn.split_once(&format!("{SOURCE}/")).unwrap().1;
        let text = fs::read_to_string(place.bucket(SOURCE).join(key)).unwrap();
        for line in text.lines() {
            assert!(listed.insert(line.to_owned()), "{line} twice");
        }
    }
    assert_eq!(listed.len(), 100);
}

#[test]
fn if_the_second_job_cannot_be_made_the_first_is_withdrawn() {
    let place = Place::new();
    let rows = place.fill(5);
    let etag = place.write_manifest(&rows.text);
    let config = place.file("config.toml");
    fs::write(&config, "[engine]\nlive_jobs_max = 1\n").unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let said = server.try_create_copy(&etag, &["--sample", "2"]);
    assert!(said.code != 0 && said.err.contains("TooManyJobs"), "{said:?}");
    let jobs: Value = serde_json::from_str(&server.run(&["list", "--output", "json"]).with_code(0)).unwrap();
    let jobs = jobs["Jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    let job = jobs[0]["JobId"].as_str().unwrap();
    server.run(&["wait", job]);
    assert_eq!(server.describe(job)["Status"], "Cancelled");
    assert_eq!(figures(&server.describe(job)), [0, 0, 0]);
}

#[test]
fn what_cannot_be_sampled_is_said_with_a_reason() {
    let place = Place::new();
    let rows = place.fill(5);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let mut text = String::new();
    let mut told = |name: &str, flags: &[&str]| {
        let said = server.try_create_copy(&etag, flags);
        assert_eq!(said.out, "", "{name}");
        let error = said.err.split("\n\nFor more").next().unwrap_or_default().trim_end();
        writeln!(text, "{name}: exit code {}\n{error}\n", said.code).unwrap();
    };
    told("all rows", &["--sample", "5"]);
    told("no rows", &["--sample", "0"]);
    told("a place of somebody else", &["--sample", "1", "--sample-to", &format!("{FOREIGN}/x")]);
    told("another place without a sample", &["--sample-to", &format!("{TARGET}/x")]);
    told("two jobs as the API's XML", &["--sample", "1", "--output", "xml"]);
    let said = server.try_create_copy(&"0".repeat(32), &["--sample", "1"]);
    writeln!(text, "wrong ETag: exit code {}\n{}", said.code, said.err).unwrap();
    let plain = PlainServer::start();
    let mut command = program();
    command.args(["create", "--operation", "delete", "--manifest", "a-1/b", "--etag", "e", "--sample", "1"]);
    let said = run(command.args(["--anonymous", "--appid", "1", "--endpoint", &plain.without_extension]));
    writeln!(text, "a server without samples: exit code {}\n{}", said.code, said.err).unwrap();
    snapshots().bind(|| insta::assert_snapshot!(text));

    // No job was made, and the same token makes two jobs once.
    assert_eq!(server.run(&["list"]).with_code(0), "no jobs\n");
    let flags = ["--sample", "2", "--token", "t", "--sample-to", &format!("{TARGET}/lists/x"), "--output", "json"];
    let made: Value = serde_json::from_str(&server.try_create_copy(&etag, &flags).with_code(0)).unwrap();
    assert_eq!((&made["Sample"]["Rows"], &made["Rest"]["Rows"]), (&2.into(), &3.into()));
    assert!(made["Rest"]["Manifest"]["Key"].as_str().unwrap().starts_with("lists/x."), "{made}");
    let said = server.try_create_copy(&etag, &flags);
    assert!(said.code == 1 && said.err.contains("ClientRequestToken was already used"), "{said:?}");
}
