//! What can be said without a server.

use std::{fmt::Write as _, fs};

use crate::support::{Place, program, run};

#[test]
fn wrong_usage_is_refused_before_anything_is_sent() {
    let place = Place::new();
    let xml = place.file("job.xml");
    fs::write(&xml, "<CreateJobRequest><Priority>1</Priority></CreateJobRequest>").unwrap();
    let copy = ["create", "--operation", "copy", "--manifest", "photos-1/all.csv", "--etag", "e"];
    let with = |flags: &[&'static str]| [&copy[..], flags].concat();
    let cases: Vec<Vec<&str>> = vec![
        with(&[]),
        with(&["--target", "no appid"]),
        with(&["--target", "b-1", "--days", "3"]),
        with(&["--target", "b-1", "--fields", "Bucket"]),
        with(&["--target", "b-1", "--priority", "-1"]),
        with(&["--target", "b-1", "--priority", "2147483648"]),
        with(&["--target", "b-1", "--report-prefix", "r"]),
        vec!["create", "--operation", "restore", "--manifest", "photos-1/all.csv", "--etag", "e"],
        vec!["create", "--operation", "delete", "--manifest", "photos-1", "--etag", "e"],
        vec!["create", xml.to_str().unwrap()],
        vec!["create", xml.to_str().unwrap(), "--operation", "delete"],
        vec!["create", "no such file"],
        vec!["list", "--status", "Sleeping"],
        vec!["serve", "--data", "x", "--anonymous", "--listen", "0.0.0.0:0"],
        vec!["serve", "--data", "x", "--anonymous", "--objects-listen", "0.0.0.0:0"],
        vec!["serve", "--data", "x", "--credentials", "no such file"],
        vec!["serve", "--data", "x", "--allow-host", "name"],
        vec!["serve", "--data", "x", "--anonymous", "--allow-host", "name:80"],
        vec!["serve", "--anonymous"],
        vec!["serve", "--anonymous", "--data", "x", "--jobs", "postgres://db/jobs"],
        vec!["serve", "--anonymous", "--data", "x", "--role", "worker"],
        vec!["serve", "--anonymous", "--jobs", "postgres://db/jobs", "--objects-listen", "127.0.0.1:0"],
    ];
    let mut text = String::new();
    for words in cases {
        let said = run(program().current_dir(place.file("")).env("COS_APPID", "1").args(&words));
        assert_eq!(said.code, 2, "{words:?}: {said:?}");
        let folder = format!("{}/", place.file("").display().to_string().trim_end_matches('/'));
        let error =
            said.err.split("\n\nUsage").next().unwrap_or_default().split("\n\nFor more").next().unwrap_or_default();
        writeln!(text, "{}\n{}\n", words.join(" ").replace(&folder, ""), error.trim_end().replace(&folder, ""))
            .unwrap();
    }
    insta::assert_snapshot!(text);
}

#[test]
fn a_request_from_flags_is_the_same_from_its_file() {
    let place = Place::new();
    let flags = [
        "create",
        "--dry-run",
        "--operation",
        "copy",
        "--manifest",
        "photos-1/lists/a b.csv",
        "--etag",
        "e",
        "--target",
        "b-1",
        "--prefix-from",
        "in/",
        "--prefix-to",
        "out/",
        "--storage-class",
        "STANDARD_IA",
        "--meta",
        "a=b=c",
        "--tag",
        "team=art",
        "--add",
        "--report-bucket",
        "b-1",
        "--report-scope",
        "failed",
        "--priority",
        "9",
        "--description",
        "words & more",
        "--confirm-required",
        "--token",
        "t",
        "--fields",
        "Bucket,Key,VersionId",
    ];
    let from_flags = run(program().args(flags)).with_code(0);
    insta::assert_snapshot!(from_flags.trim_end().replace("><", ">\n<"));
    let file = place.file("job.xml");
    fs::write(&file, &from_flags).unwrap();
    let from_file = run(program().args(["create", "--dry-run"]).arg(&file)).with_code(0);
    assert_eq!(from_file, from_flags);
    let stdin = fs::File::open(&file).unwrap();
    assert_eq!(run(program().args(["create", "--dry-run", "-"]).stdin(stdin)).with_code(0), from_flags);
}

#[test]
fn every_command_has_a_help_text_within_a_hundred_columns() {
    let mut pages = vec![vec!["--help"]];
    for command in [
        "serve", "create", "describe", "list", "priority", "confirm", "cancel", "delete", "wait", "manifest", "report",
        "retry", "validate", "demo", "config", "backup", "restore",
    ] {
        pages.push(vec![command, "--help"]);
    }
    for words in pages {
        let page = run(program().args(&words)).with_code(0);
        assert!(page.lines().all(|line| line.chars().count() <= 100), "{words:?}");
        assert!(page.contains("Usage: cos-batch"), "{words:?}");
    }
    insta::assert_snapshot!(
        run(program().arg("--help")).with_code(0).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
    );
}
