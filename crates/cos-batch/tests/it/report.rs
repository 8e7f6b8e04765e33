//! `cos-batch report`: what became of a job's tasks.

use std::{fmt::Write as _, fs};

use serde_json::Value;

use crate::{
    screen,
    support::{FOREIGN, Place, SOURCE, Server, TARGET, snapshots},
};

struct Scene {
    place: Place,
    server: Server,
    job: String,
}

/// A complete job: three rows failed of 1,003.
fn scene(flags: &[&str]) -> Scene {
    let place = Place::new();
    let mut rows = place.fill(1_000);
    rows.add_failing(SOURCE, "in/gone, with a comma and a name that is too long for one line of a terminal – 照片.txt");
    rows.add_failing(SOURCE, "in/gone.txt");
    rows.add_failing(FOREIGN, "in/theirs.txt");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let job = server.create_copy(&etag, flags);
    server.run(&["wait", &job]).with_code(4);
    Scene { place, server, job }
}

#[test]
fn a_report_as_people_see_it() {
    let scene = scene(&[]);
    let mut settings = snapshots();
    settings.add_filter(r"Rate( +)[0-9.]+ tasks", "Rate${1}1000 tasks");
    let show = |name: &str, words: &[&str]| {
        let said = scene.server.run(&[&["report", &scene.job], words].concat());
        // Other formats are for programs.
        if !words.contains(&"--output") {
            screen::assert_narrow(&said.out.lines().collect::<Vec<_>>());
        }
        let text = format!("exit code {}\n--- standard output\n{}--- error output\n{}", said.code, said.out, said.err);
        settings.bind(|| insta::assert_snapshot!(name, text));
    };
    show("report", &[]);
    show("report-verify", &["--verify"]);
    show("report-failed", &["--failed"]);
    show("report-code", &["--code", "AccessDenied"]);
    show("report-no-such-code", &["--code", "Other"]);
    show("report-rows", &["--rows", "--limit", "2"]);
    show("report-csv", &["--failed", "--output", "csv"]);
    show("report-json", &["--failed", "--output", "json", "--limit", "1"]);
    let shown = scene.server.run(&["describe", &scene.job]).with_code(0);
    settings.bind(|| insta::assert_snapshot!("describe-with-errors", shown));
}

#[test]
fn the_rows_of_a_published_report_are_all_of_them() {
    let scene = scene(&[]);
    let csv = scene.server.run(&["report", &scene.job, "--rows", "--output", "csv"]).with_code(0);
    let folder = scene.place.bucket(TARGET).join(format!("reports/job-{}/results", scene.job));
    let mut files: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    files.sort();
    let mut lines: Vec<&str> = csv.lines().collect();
    let mut expected: Vec<&str> = files.iter().flat_map(|file| file.lines()).collect();
    lines.sort_unstable();
    expected.sort_unstable();
    assert_eq!(lines.len(), 1_003);
    assert!(lines == expected, "the report reads back byte for byte");
}

#[test]
fn a_report_that_was_changed_is_not_believed() {
    let scene = scene(&[]);
    let folder = scene.place.bucket(TARGET).join(format!("reports/job-{}", scene.job));
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let failed = manifest["Results"].as_array().unwrap().iter().find(|file| file["TaskExecutionStatus"] == "failed");
    let path = scene.place.bucket(TARGET).join(failed.unwrap()["Key"].as_str().unwrap());
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("404", "403", 1)).unwrap();
    let mut text = String::new();
    for words in [&["--failed"][..], &["--verify"]] {
        let said = scene.server.run(&[&["report", &scene.job], words].concat());
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{said:?}");
        let error = without_md5s(&said.err);
        writeln!(text, "{}: {error}", words[0]).unwrap();
    }
    snapshots().bind(|| insta::assert_snapshot!(text));
    // Without reading them, nothing is said about the files.
    scene.server.run(&["report", &scene.job]).with_code(0);

    fs::remove_file(&path).unwrap();
    let said = scene.server.run(&["report", &scene.job, "--failed"]);
    assert!(said.code == 1 && said.err.contains("is gone, though the report names it"), "{said:?}");
    // The report as a whole is gone: the server has kept what failed.
    fs::remove_file(folder.join("manifest.json")).unwrap();
    let said = scene.server.run(&["report", &scene.job, "--failed", "--output", "json"]);
    assert!(said.err.contains("only failed tasks are known"), "{said:?}");
    let document: Value = serde_json::from_str(&said.with_code(0)).unwrap();
    assert_eq!((&document["Source"], document["Rows"].as_array().unwrap().len()), (&"Spool".into(), 3));
}

/// The MD5 that a changed file has now depends on names of this run.
fn without_md5s(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split(' ') {
        let is_md5 = word.trim_end_matches(&[',', '\n'][..]).len() == 32;
        words.push(if is_md5 { "MD5" } else { word });
    }
    words.join(" ")
}

#[test]
fn a_job_that_runs_is_reported_from_the_books() {
    let place = Place::new();
    let mut rows = place.fill(500);
    rows.text = rows.text.repeat(100);
    rows.add_failing(SOURCE, "in/gone.txt");
    // The failing row first, so that it is in the books early.
    let (rest, first) = rows.text.trim_end().rsplit_once('\n').unwrap();
    let etag = place.write_manifest(&format!("{first}\n{rest}\n"));
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &[]);
    server.look_until(&job, |seen| seen["ProgressSummary"]["NumberOfTasksFailed"] == 1);
    let said = server.run(&["report", &job, "--failed", "--output", "csv"]);
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
    assert!(said.out.starts_with(&format!("{SOURCE},in/gone.txt,,failed,404,NoSuchKey,")), "{said:?}");
    let summary = server.run(&["report", &job]).with_code(0);
    assert!(summary.contains("NoSuchKey") && summary.contains("Report"), "{summary}");
    server.run(&["cancel", &job]);
    server.run(&["wait", &job]);
    let summary = server.run(&["report", &job]).with_code(0);
    assert!(summary.contains("files, in bucket") || summary.contains("1 file, in bucket"), "{summary}");
}

#[test]
fn why_a_job_failed_as_a_whole_is_part_of_its_report() {
    let place = Place::new();
    place.write_manifest(&place.fill(1).text);
    let server = Server::start(&place);
    let job = server.create_copy(&"0".repeat(32), &[]);
    server.run(&["wait", &job]).with_code(3);
    let summary = server.run(&["report", &job]).with_code(0);
    let failure = server.describe(&job)["FailureReasons"][0]["FailureReason"].as_str().unwrap().to_owned();
    let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (summary, failure) = (on_one_line(&summary), on_one_line(&failure));
    assert!(summary.contains(&format!("Status Failed failure {failure}")), "{failure}: {summary}");
}

#[test]
fn wrong_questions_are_refused() {
    let scene = scene(&["--report-scope", "failed"]);
    let mut text = String::new();
    for words in [
        &["report", "00000000-0000-7000-8000-000000000000"][..],
        &["report", &scene.job, "--output", "csv"],
        &["report", &scene.job, "--verify", "--rows"],
        &["report", &scene.job, "--rows", "--limit", "0"],
    ] {
        let said = scene.server.run(words);
        assert_eq!(said.out, "", "{words:?}");
        let error = said.err.split("\n\nUsage").next().unwrap_or_default().split("\n\nFor more").next();
        writeln!(text, "{}: exit code {}\n{}\n", words[2..].join(" "), said.code, error.unwrap().trim_end()).unwrap();
    }
    snapshots().bind(|| insta::assert_snapshot!(text));
    // A report of failed tasks has no others.
    let said = scene.server.run(&["report", &scene.job, "--rows", "--output", "csv"]);
    assert_eq!(said.with_code(0).lines().count(), 3);
}
