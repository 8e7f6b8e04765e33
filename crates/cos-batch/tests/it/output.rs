//! What `describe`, `list` and `wait` show, with and without a terminal.

use std::{fs, process::Command};

use crate::{
    screen,
    support::{Place, SOURCE, Server, run, snapshots},
};

/// A server with one job of each kind of end.
struct Scene {
    _place: Place,
    server: Server,
    complete: String,
    failed: String,
    suspended: String,
}

fn scene() -> Scene {
    let place = Place::new();
    let mut rows = place.fill(1_234);
    rows.add_failing(SOURCE, "in/gone.txt");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let words = "every photo of 2025, for the archive – 照片 – with a text that is too long for one line of a terminal";
    let flags = ["--description", words, "--priority", "12", "--storage-class", "STANDARD_IA", "--token", "t-1"];
    let complete = server.create_copy(&etag, &[&flags[..], &["--prefix-from", "in/", "--prefix-to", "out/"]].concat());
    let failed = server.create_copy(&"0".repeat(32), &["--token", "t-2"]);
    for job in [&complete, &failed] {
        server.run(&["wait", job]);
    }
    let suspended = server.create_copy(&etag, &["--confirm-required", "--token", "t-3"]);
    server.run(&["wait", &suspended, "--stop-when-suspended"]).with_code(10);
    Scene { _place: place, server, complete, failed, suspended }
}

/// What the same command shows into files and on a terminal; both in one snapshot, since they hardly differ.
fn both(make: impl Fn() -> Command) -> String {
    let said = run(&mut make());
    let seen = screen::run(make());
    assert_eq!(seen.code, said.code);
    screen::assert_narrow(&said.out.lines().collect::<Vec<_>>());
    screen::assert_narrow(&said.err.lines().collect::<Vec<_>>());
    format!(
        "exit code {}\n--- standard output\n{}--- error output\n{}--- on a terminal\n{}\n",
        said.code, said.out, said.err, seen.screen
    )
}

#[test]
fn jobs_as_people_see_them() {
    let scene = scene();
    let show = |words: &[&str]| both(|| scene.server.command(words));
    let settings = snapshots();
    let snapshot = |name: &str, text: String| settings.bind(|| insta::assert_snapshot!(name, text));
    snapshot("describe-complete", show(&["describe", &scene.complete]));
    snapshot("describe-failed", show(&["describe", &scene.failed]));
    snapshot("describe-suspended", show(&["describe", &scene.suspended]));
    snapshot("describe-json", scene.server.run(&["describe", &scene.complete, "--output", "json"]).with_code(0));
    let xml = scene.server.run(&["describe", &scene.complete, "--output", "xml"]).with_code(0);
    snapshot("describe-xml", xml.replace("><", ">\n<"));
    snapshot("list", show(&["list"]));
    snapshot("list-newest", show(&["list", "--newest", "--limit", "2"]));
    let newest = scene.server.run(&["list", "--newest", "--output", "json"]).with_code(0);
    let newest: serde_json::Value = serde_json::from_str(&newest).unwrap();
    let ids: Vec<_> = newest["Jobs"].as_array().unwrap().iter().map(|job| job["JobId"].as_str().unwrap()).collect();
    assert!(ids.len() == 3 && ids.is_sorted_by(|newer, older| newer > older), "{ids:?}");
    snapshot("list-json", scene.server.run(&["list", "--output", "json", "--limit", "1"]).with_code(0));
    snapshot("wait-complete", show(&["wait", &scene.complete]));
    snapshot("wait-failed", show(&["wait", &scene.failed]));
    snapshot("wait-suspended", show(&["wait", &scene.suspended, "--stop-when-suspended"]));
}

#[test]
fn progress_as_people_see_it() {
    let place = Place::new();
    let mut rows = place.fill(1000);
    rows.add_failing(SOURCE, "in/gone.txt");
    let etag = place.write_manifest(&rows.text);
    // So slow that the job is seen while it runs.
    let slow = place.file("slow.toml");
    fs::write(&slow, "[[appid]]\nappid = \"1250000000\"\njob_operations_per_second = 500\n").unwrap();
    let server = Server::start_with(&place, &["--config", slow.to_str().unwrap()]);

    // On a terminal: one line, drawn over and over, that ends as wide as the terminal.
    let job = server.create_copy(&etag, &[]);
    let seen = screen::run(server.command(&["wait", &job]));
    assert_eq!(seen.code, 4, "{}", seen.screen);
    let bars: Vec<&String> = seen.frames.iter().filter(|frame| frame.starts_with("Active ")).collect();
    assert!(!bars.is_empty(), "{:#?}", seen.frames);
    for bar in bars {
        let figures = bar.trim_start_matches("Active").trim_start_matches([' ', '=', '>']);
        assert!(figures.is_empty() || figures.contains("/1,001"), "{bar:?}");
    }
    assert_eq!(seen.screen.lines().filter(|line| line.starts_with("Active")).count(), 0, "{}", seen.screen);
    let last = "Complete   =============================================== 1,001/1,001  1 failed";
    assert_eq!(seen.screen.lines().next(), Some(last));

    // Without one: lines, and the status of each is a later one than that of the line before.
    let job = server.create_copy(&etag, &[]);
    let said = server.run(&["wait", &job]);
    let order = ["New", "Preparing", "Ready", "Active", "Completing", "Complete"];
    let statuses = said.err.lines().map(|line| {
        let (status, figures) = line.split_once(' ').unwrap();
        assert!(figures.trim() == "no tasks counted" || figures.contains(" of 1,001 tasks ("), "{line:?}");
        order.iter().position(|known| *known == status).unwrap_or_else(|| panic!("{line:?}"))
    });
    assert!(statuses.is_sorted(), "{said:?}");
    assert!(said.err.ends_with("Complete    1,001 of 1,001 tasks (100 %), 1 failed\n"), "{said:?}");
}
