//! Commands that do what they are asked to, read by a program, by nobody, and by a disk that is full.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::BufReader,
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use rustix::{
    fs::{CWD, FileType, Mode, mknodat},
    process::{Pid, Signal, kill_process},
};

use super::{all_commands, called, words};
use crate::{
    screen,
    support::{Place, SOURCE, Said, Server, TARGET, program, run},
};

const REQUEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/captures/cos-go-sdk/05-describe.http");

/// How a line is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Laid out for people: within 80 columns.
    Table,
    /// For programs, or a text as long as it is.
    Any,
    /// Writes nothing.
    Nothing,
}

/// Lines with the code they end with. JOB is a job that is complete with a failed task, FRESH one that waits for its
/// confirmation, made for this line alone; NEW a name that nothing has; ETAG that of the manifest.
const LINES: &[(&str, i32, Form)] = &[
    ("list", 0, Form::Table),
    ("list --output json", 0, Form::Any),
    ("list --output xml", 0, Form::Any),
    ("describe JOB", 0, Form::Table),
    ("describe JOB --output xml", 0, Form::Any),
    ("wait JOB", 4, Form::Table),
    ("wait JOB --output json", 4, Form::Any),
    ("watch", 0, Form::Table),
    ("priority FRESH 7", 0, Form::Table),
    ("confirm FRESH", 0, Form::Table),
    ("confirm --dry-run FRESH", 0, Form::Table),
    ("cancel FRESH", 0, Form::Table),
    ("delete FRESH", 0, Form::Table),
    ("delete FRESH --output xml", 0, Form::Nothing),
    ("report JOB", 0, Form::Table),
    ("report JOB --rows", 0, Form::Table),
    ("report JOB --failed --output csv", 0, Form::Any),
    ("retry JOB --confirm-required", 0, Form::Table),
    ("retry --dry-run JOB", 0, Form::Table),
    ("manifest --bucket photos-1250000000 --to photos-1250000000/NEW", 0, Form::Table),
    ("manifest --bucket photos-1250000000 --out -", 0, Form::Any),
    (
        "create --operation delete --manifest photos-1250000000/lists/all.csv --etag ETAG --confirm-required",
        0,
        Form::Table,
    ),
    ("create --dry-run --operation delete --manifest photos-1250000000/lists/all.csv --etag ETAG", 0, Form::Any),
    ("validate --operation delete --manifest photos-1250000000/lists/all.csv --etag ETAG", 0, Form::Table),
    ("validate --operation delete --manifest photos-1250000000/none.csv --etag ETAG", 1, Form::Table),
    (
        "conformance --group limits --operation copy --target archive-1250000000 --manifest photos-1250000000/lists/all.csv --etag ETAG",
        0,
        Form::Table,
    ),
    ("sign url JOB", 0, Form::Any),
    ("sign explain CAPTURE --at 1795477600 --secret-key exampleSecretKeyNotReal0001", 0, Form::Any),
    ("sign explain CAPTURE --at 1795477600 --secret-key wrong", 6, Form::Any),
    ("config check --data NEW", 0, Form::Table),
    ("config print --data NEW", 0, Form::Any),
    ("backup --data DATA --to NEW", 0, Form::Any),
    ("restore --from BACKUP --data NEW", 0, Form::Any),
    ("completions bash", 0, Form::Any),
    ("manual NEW", 0, Form::Any),
    ("demo --objects 3", 0, Form::Table),
];

/// A server with a job that is complete, and the backup of its folder.
struct Scene {
    place: Place,
    server: Server,
    etag: String,
    job: String,
    names: AtomicUsize,
}

impl Scene {
    fn new() -> Self {
        let place = Place::new();
        let mut rows = place.fill(3);
        rows.add_failing(SOURCE, "in/gone.txt");
        let etag = place.write_manifest(&rows.text);
        let server = Server::start(&place);
        let job = server.create_copy(&etag, &[]);
        server.run(&["wait", &job]).with_code(4);
        let backup = place.file("backup");
        run(program().arg("backup").arg("--data").arg(place.data()).arg("--to").arg(backup)).with_code(0);
        Self { place, server, etag, job, names: AtomicUsize::new(0) }
    }

    fn command(&self, line: &str) -> Command {
        let fresh = || {
            let job = self.server.create_copy(&self.etag, &["--confirm-required"]);
            self.server.run(&["wait", &job, "--stop-when-suspended"]).with_code(10);
            job
        };
        let word = |word: String| match word.as_str() {
            "JOB" => self.job.clone(),
            "FRESH" => fresh(),
            "ETAG" => self.etag.clone(),
            "CAPTURE" => REQUEST.to_owned(),
            "DATA" => self.place.data().display().to_string(),
            "BACKUP" => "backup".to_owned(),
            _ => word.replace("NEW", &format!("new-{}", self.names.fetch_add(1, Ordering::Relaxed))),
        };
        let words: Vec<String> = words(line).into_iter().map(word).collect();
        let mut command = self.server.command(&[]);
        command.current_dir(self.place.file("")).args(words);
        command
    }

    /// Runs a line that writes its result here.
    fn run_into(&self, line: &str, output: impl Into<Stdio>) -> Said {
        let mut command = self.command(line);
        command.stdout(output).stderr(Stdio::piped());
        command.spawn().unwrap().wait_with_output().unwrap().into()
    }
}

#[test]
fn a_program_reads_plain_text_and_nobody_changes_nothing() {
    let scene = Scene::new();
    for (line, code, form) in LINES {
        let read = run(&mut scene.command(line));
        assert_eq!(read.code, *code, "{line}: {read:?}");
        assert_eq!(read.out.is_empty(), *form == Form::Nothing, "{line}: {read:?}");
        for text in [&read.out, &read.err] {
            assert!(!text.contains(['\u{1b}', '\r', '\u{8}']), "{line}: neither colors nor bars: {text:?}");
        }
        if *form == Form::Table {
            screen::assert_narrow(&read.out.lines().collect::<Vec<_>>());
        }

        // The reader is gone before the first byte; the code still says how it went.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let closed = scene.run_into(line, writer);
        assert_eq!(closed.code, *code, "{line}: {closed:?}");
        for word in ["panicked", "roken pipe", "error"] {
            assert!(!closed.err.contains(word) || read.err.contains(word), "{line}: {closed:?}");
        }

        if *form != Form::Nothing {
            let disk = File::options().write(true).open("/dev/full").unwrap();
            let full = scene.run_into(line, disk);
            assert_eq!(full.code, 1, "{line}: {full:?}");
            assert!(
                full.err.ends_with("error: the standard output: No space left on device (os error 28)\n"),
                "{line}: {full:?}"
            );
        }
    }
    let mut commands = called(LINES.iter().map(|(line, ..)| *line));
    // It has a test of its own.
    commands.insert("serve".to_owned());
    assert_eq!(commands, all_commands(), "every command is in the table");
}

/// What `serve` writes is for whoever starts it; that nobody reads it is no reason to stop.
#[test]
fn a_server_whose_output_nobody_reads_serves() {
    let place = Place::new();
    let socket = UnixDatagram::bind(place.file("notices")).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program();
    command.arg("serve").arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", place.file("notices")).stdout(writer).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    // Ends the wait where the server ended instead; it says STOPPING=1 then, or nothing at all.
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut notice = [0; 64];
    let length = socket.recv(&mut notice).unwrap();
    assert_eq!(&notice[..length], b"READY=1");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn whoever_wants_no_colors_gets_none() {
    let place = Place::new();
    let raw = |line: &str, no_color: Option<&str>| {
        let mut command = program();
        command.current_dir(place.file("")).args(words(line));
        screen::run_with(command, no_color).raw
    };
    for line in ["lst", "list --output jsn", "list --help"] {
        assert!(raw(line, None).contains("\u{1b}[1"), "{line}: a terminal has colors");
        assert!(raw(line, Some("")).contains("\u{1b}[1"), "{line}: an empty variable counts as not set");
        let plain = raw(line, Some("1"));
        assert!(!plain.contains('\u{1b}') && !plain.is_empty(), "{line}: {plain:?}");
    }
}

#[test]
fn log_lines_obey_no_color_as_well() {
    let place = Place::new();
    for (no_color, colored) in [(None, true), (Some("1"), false)] {
        let mut command = program();
        command.arg("serve").arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0", "--log", "debug"]);
        let seen = screen::run_until(command, no_color, "listening on ", Signal::TERM);
        assert_eq!(seen.code, 0, "{}", seen.raw);
        assert!(seen.raw.contains("stopped"), "the log is there: {:?}", seen.raw);
        assert_eq!(seen.raw.contains('\u{1b}'), colored, "{:?}", seen.raw);
    }
}

/// Manifests appear whole: what had the name before stays until then, and links stay links.
#[test]
fn a_manifest_in_a_file_appears_whole_or_not_at_all() {
    let scene = Scene::new();
    let folder = scene.place.file("lists");
    fs::create_dir(&folder).unwrap();
    let list = folder.join("all.csv");
    fs::write(&list, "what was there\n").unwrap();
    let link = folder.join("link.csv");
    std::os::unix::fs::symlink("all.csv", &link).unwrap();
    let write = |place: &std::path::Path, bucket: &str| {
        run(scene.server.command(&["manifest", "--bucket", bucket, "--out"]).arg(place)).code
    };
    assert_eq!(write(&list, "none-1250000000"), 1);
    assert_eq!(fs::read_to_string(&list).unwrap(), "what was there\n");
    assert_eq!(write(&link, SOURCE), 0);
    let text = fs::read_to_string(&list).unwrap();
    assert!(text.starts_with(&format!("{SOURCE},in/")), "{text}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    let names: BTreeSet<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");

    // A pipe is no file: it is written to as it is.
    let fifo = folder.join("pipe");
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
    let mut child = scene.server.command(&["manifest", "--bucket", TARGET, "--prefix", "in/", "--out"]);
    let mut child = child.arg(&fifo).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let read = std::io::read_to_string(BufReader::new(File::open(&fifo).unwrap())).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(read.lines().count(), 3, "{read}");
}
