//! How an error that the server ends with, and a panic, look in a log for programs.

use std::{fs, io::Write as _, net::TcpListener, process::Command};

use rustix::process::geteuid;
use serde_json::Value;

use crate::support::{Place, program, program_file, run};

/// Who is nobody in particular, and may not have more processes than the limit says.
const NOBODY: &str = "65534";

/// The lines of a log, each of which is an object.
fn lines(log: &str) -> Vec<Value> {
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(log)).collect();
    for line in &lines {
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["target"].is_string(), "{log}");
    }
    lines
}

#[test]
fn an_error_at_the_start_is_an_object_of_the_log() {
    let place = Place::new();
    let (good, bad) = (place.file("good.toml"), place.file("bad.toml"));
    fs::write(&good, "[serve]\nlog_format = \"json\"\nlog = \"off\"\n").unwrap();
    fs::write(&bad, "[serve]\nlog_format = \"json\"\nlisen = 1\n").unwrap();
    let (good, bad) = (good.to_str().unwrap().to_owned(), bad.to_str().unwrap().to_owned());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let data = place.data().to_str().unwrap().to_owned();
    let json = ("COS_BATCH_LOG_FORMAT", "json");
    for (words, variable, code, says, next) in [
        // The command line cannot be understood.
        (vec!["--lisen", "x", "--log-format", "json"], None, 2, "unexpected argument '--lisen' found", ""),
        (vec!["--listen", "x"], Some(json), 2, "\"x\" is no IP address with a port", ""),
        // The settings cannot.
        (vec!["--config", &bad], Some(json), 2, "line 3: unknown field `lisen`", ""),
        (vec!["--data", &data], Some(json), 2, "the variable COS_BATCH_ROLE: \"both\"", ""),
        // They do not go together, and a filter that selects nothing leaves it in.
        (vec!["--config", &good], None, 2, "--data DIR, where jobs are kept, or --jobs URL must be given", ""),
        (
            vec!["--config", &good, "--data", &data, "--listen", &taken],
            None,
            1,
            "Address already in use",
            "another port",
        ),
    ] {
        let mut command = program();
        command.arg("serve").args(&words).envs(variable);
        if says.contains("COS_BATCH_ROLE") {
            command.env("COS_BATCH_ROLE", "both");
        }
        let said = run(&mut command);
        assert_eq!(said.code, code, "{words:?}: {said:?}");
        let [line] = &lines(&said.err)[..] else { panic!("{words:?}: {said:?}") };
        assert_eq!((&line["level"], &line["exit_code"]), (&"ERROR".into(), &code.into()), "{line}");
        assert!(line["message"].as_str().unwrap().contains(says), "{line}");
        assert!(line["try"].as_str().unwrap_or_default().starts_with(next), "{line}");
    }
    // People have it as before.
    let said = run(program().args(["serve", "--config", &bad]));
    assert!(said.code == 2 && said.err.starts_with("error: --config: "), "{said:?}");
}

/// A runtime that can have no thread panics: one of the few things that make this program do so.
#[test]
fn a_panic_is_an_object_of_the_log() {
    let mut words: Vec<&str> = Vec::new();
    if geteuid().is_root() {
        // Nothing limits the processes of root.
        words.extend(["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
    }
    words.extend(["prlimit", "--nproc=1"]);
    let command = |words: &[&str]| {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    let file = program_file();
    if !command(&words).arg(&file).arg("--version").output().is_ok_and(|output| output.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: the number of processes cannot be limited here");
        return;
    }
    for (backtraces, has_one) in [("0", false), ("1", true)] {
        let mut command = command(&words);
        command.arg(&file).args(["serve", "--data", "nowhere", "--log-format", "json"]);
        let said = run(command.env("RUST_BACKTRACE", backtraces).env_remove("RUST_LIB_BACKTRACE"));
        assert_eq!(said.code, 101, "{said:?}");
        let [line] = &lines(&said.err)[..] else { panic!("{said:?}") };
        assert_eq!((&line["level"], &line["panic"], &line["thread"]), (&"ERROR".into(), &true.into(), &"main".into()));
        assert!(line["message"].as_str().unwrap().contains("spawn worker thread"), "{line}");
        assert!(line["location"].as_str().unwrap().contains(".rs:"), "{line}");
        assert_eq!(line["backtrace"].is_string(), has_one, "{line}");
    }
}
