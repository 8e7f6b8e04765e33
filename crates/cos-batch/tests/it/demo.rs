//! The demo, which is what newcomers run first.

use std::fs;

use crate::{
    screen,
    support::{Place, program, run, snapshots},
};

#[test]
fn the_demo_ends_well_and_shows_what_it_should() {
    let place = Place::new();
    let said = run(program().arg("demo").env("TMPDIR", place.file("")));
    assert_eq!(said.code, 0, "{said:?}");
    screen::assert_narrow(&said.out.lines().collect::<Vec<_>>());
    snapshots().bind(|| insta::assert_snapshot!("demo", said.out));
    let last = said.err.lines().last().unwrap_or_default();
    assert_eq!(last, "Complete    2,004 of 2,004 tasks (100 %), 4 failed");
    let left: Vec<_> = fs::read_dir(place.file("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data"], "the temporary folder is removed");
}

#[test]
fn the_demo_on_a_terminal() {
    let place = Place::new();
    let mut command = program();
    command.arg("demo").env("TMPDIR", place.file(""));
    let seen = screen::run(command);
    assert_eq!(seen.code, 0, "{}", seen.screen);
    snapshots().bind(|| insta::assert_snapshot!("demo-terminal", seen.screen));
}

/// The session that the README shows is the one above: pasted from a run, and as true as the snapshot.
#[test]
fn the_readme_shows_what_the_demo_shows() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")).unwrap();
    let (_, session) = readme.split_once("$ cargo run --release --bin cos-batch -- demo\n").unwrap();
    let (session, _) = session.split_once("\n```").unwrap();
    snapshots().bind(|| insta::assert_snapshot!("demo-terminal", session));
}

#[test]
fn a_kept_demo_goes_on_as_its_last_lines_say() {
    let place = Place::new();
    let kept = place.file("it's kept");
    let said = run(program().args(["demo", "--objects", "7", "--keep"]).arg(&kept));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("all 7 copies have the bytes of their source"), "{said:?}");

    let again = run(program().args(["demo", "--keep"]).arg(&kept));
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("the folder is not empty"), "{again:?}");

    // The commands as they are shown, to a real shell; the server picks a free port instead of its usual one.
    let (serve, others) =
        said.out.split_once("step by step:\n").unwrap().1.split_once("and in another shell:\n").unwrap();
    let script = format!(
        "set -e\n{} --listen 127.0.0.1:0 >serve.out &\nserver=$!\n\
         until grep -q '^listening on ' serve.out; do kill -0 $server; done\n\
         export COS_BATCH_ENDPOINT=$(sed -n 's/^listening on //p' serve.out)\n{{\n{others}\n}} || result=$?\n\
         kill $server\nwait $server\nexit $result\n",
        serve.trim_end()
    );
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(place.file("")).stdin(std::process::Stdio::null());
    let said = run(&mut shell);
    // The last of them waits for a job, four tasks of which fail.
    assert_eq!(said.code, 4, "{said:?}");
    assert!(said.out.contains("7 of 11 succeeded, 4 failed"), "{said:?}");
    assert!(said.out.contains("copy to demo-dst-1250000000"), "{said:?}");
}
