//! What is wrong with what was typed, or with a file that it names: refused before anything is sent or changed.

use std::{
    fmt::Write as _,
    fs::{self, File},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use super::{all_commands, called, run_all};
use crate::support::{Place, Server, program, snapshots, write_private};

const KEY: &str = "[[key]]\nsecret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\nappid = \"1250000000\"\n";

/// Wrong files, each with what it has.
const FILES: [(&str, &str); 12] = [
    ("empty", ""),
    ("text", "nothing of the kind\n"),
    ("json", "{\"Priority\": 1}"),
    ("no-token.xml", "<CreateJobRequest><Priority>1</Priority></CreateJobRequest>"),
    ("not-closed.xml", "<CreateJobRequest><Priority>1</CreateJobRequest>"),
    ("entity.xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><CreateJobRequest>&b;</CreateJobRequest>"),
    ("no-key.toml", "[[grant]]\nbucket = \"a-1\"\nappid = \"1\"\nrights = [\"read\"]\n"),
    ("typing-error.toml", "[serve]\nlistne = \"127.0.0.1:0\"\n"),
    ("wrong-address.toml", "[serve]\nlisten = \"localhost\"\n"),
    ("wrong-store.toml", "[[store]]\nname = \"x\"\nkind = \"azure\"\n"),
    ("no-store.toml", "[[bucket]]\nname = \"a-1\"\nstore = \"nope\"\n"),
    ("no-number.toml", "[engine]\nworkers = \"many\"\n"),
];

const JOB: &str = "01a20ba1-cc2e-7f77-b6a4-0fb0ea754905";

/// Wrong lines, with JOB for the id of one, PORT for one on which somebody listens, and `_` for an empty word. They run in
/// a folder that has [`FILES`], the folder `folder`, a file `others.toml` of keys that others may read, `latin.toml`, which
/// is not UTF-8, `damaged` with a database that is none, `full` with a file in it, and `running`, on which a server works.
const LINES: &[&str] = &[
    // The program itself.
    "",
    "lst",
    "help",
    "--versoin",
    // Keys, profiles, connections: the same for every command that asks.
    "list --credentials none.toml",
    "list --credentials folder",
    "list --credentials others.toml",
    "list --credentials latin.toml",
    "list --credentials text",
    "list --credentials empty",
    "list --credentials no-key.toml",
    "list --profile none",
    "list --endpoint 127.0.0.1:9450",
    "list --endpoint http://127.0.0.1:99999",
    "list --endpoint http://127.0.0.1/jobs",
    "list --appid 1/2",
    "list --timeout 0",
    "list --timeout soon",
    "list --timeout -5",
    // Jobs by their id.
    "describe",
    "describe _",
    "describe a/b",
    "describe JOB --output yaml",
    "describe JOB another",
    "list --limit 0",
    "list --limit 100001",
    "list --status Actve",
    "list --status Active,Sleeping",
    "priority JOB",
    "priority JOB high",
    "priority JOB -1",
    "priority JOB 2147483648",
    "confirm JOB --dry-run --output json",
    "confirm JOB --reason",
    "cancel JOB --raeson x",
    "delete",
    "delete JOB --output csv",
    "wait JOB --give-up-after never",
    "wait JOB --give-up-after -1",
    "watch --every 0",
    "watch --output json",
    "report JOB --limit 0",
    "report JOB --output csv",
    "report JOB --verify --rows",
    "retry JOB --to bucket",
    "retry JOB --token _",
    "retry JOB --dry-run --output json",
    "retry JOB --dry-run --wait",
    // Requests.
    "create",
    "create none.xml",
    "create folder",
    "create empty",
    "create text",
    "create json",
    "create latin.toml",
    "create no-token.xml",
    "create not-closed.xml",
    "create entity.xml",
    "create no-token.xml --operation delete",
    "create --operation copyy --manifest a-1/x --etag e",
    "create --operation delete --manifest a-1/x --etag e --sample 0",
    "create --operation delete --manifest a-1/x --etag e --sample 1 --output xml",
    "validate none.xml",
    "validate json",
    "validate --operation delete --manifest a-1 --etag e",
    "conformance none.xml",
    "conformance --group all --operation delete --manifest a-1/x --etag e",
    "conformance --output xml --operation delete --manifest a-1/x --etag e",
    // Manifests.
    "manifest",
    "manifest --bucket a-1",
    "manifest --bucket a-1 --out folder",
    "manifest --bucket a-1 --out none/x.csv",
    "manifest --bucket a-1 --to b-1",
    "manifest --bucket a-1 --out x.csv --larger 5X",
    "manifest --bucket a-1 --out x.csv --older yesterday",
    "manifest --inventory a-1 --out x.csv",
    "manifest --stdin --out x.csv --larger 5",
    "manifest --stdin --out x.csv",
    // Signatures.
    "sign",
    "sign url --valid 0",
    "sign url --valid 86401",
    "sign url --confirm",
    "sign url --status Actve",
    "sign url --anonymous --appid 1",
    "sign explain none.http",
    "sign explain folder",
    "sign explain empty",
    "sign explain text",
    "sign explain text --at noon",
    // A server and its settings.
    "serve",
    "serve --data empty",
    "serve --data running",
    "serve --data damaged --listen 127.0.0.1:0",
    "serve --data server-1 --listen localhost:1",
    "serve --data server-2 --listen PORT",
    "serve --data server-3 --listen 127.0.0.1:0 --metrics-listen PORT",
    "serve --data server-4 --listen 192.0.2.1:0",
    "serve --data server-5 --log a=b=c",
    "serve --data server-6 --log-format xml",
    "serve --data server-7 --credentials none.toml",
    "serve --data server-8 --config none.toml",
    "serve --jobs postgres://127.0.0.1:1/jobs --credentials keys.toml",
    "config",
    "config check --data new --config none.toml",
    "config check --data new --config folder",
    "config check --data new --config latin.toml",
    "config check --data new --config text",
    "config check --data new --config typing-error.toml",
    "config check --data new --config wrong-address.toml",
    "config check --data new --config wrong-store.toml",
    "config check --data new --config no-store.toml",
    "config check --data new --config no-number.toml",
    "config print --data new --config typing-error.toml",
    // Folders.
    "backup --data none --to new",
    "backup --data folder --to new",
    "backup --data empty --to new",
    "backup --data damaged --to new",
    "backup --data running --to folder",
    "backup --data running --to none/new",
    "restore --from none --data restored",
    "restore --from empty --data restored",
    "restore --from damaged --data restored",
    "restore --from running --data running",
    "manual empty",
    "completions",
    "completions bsh",
    "demo --objects 0",
    "demo --objects 1000001",
    "demo --keep full",
    "demo --keep empty",
];

#[test]
fn what_is_wrong_is_named_with_its_rule() {
    let place = Place::new();
    let folder = place.file("work");
    for name in ["folder", "damaged", "full"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for (name, text) in FILES {
        // Keys are refused where others may read them; here something else is wrong.
        write_private(&folder.join(name), text);
    }
    write_private(&folder.join("keys.toml"), KEY);
    write_private(&folder.join("others.toml"), KEY);
    fs::set_permissions(folder.join("others.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(folder.join("latin.toml"), b"# caf\xe9\n").unwrap();
    fs::set_permissions(folder.join("latin.toml"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(folder.join("damaged/jobs.sqlite"), "no database at all").unwrap();
    fs::write(folder.join("full/file"), "").unwrap();
    fs::write(folder.join("profiles.toml"), "[night]\n[local]\n").unwrap();
    fs::write(folder.join("lines"), "no comma\n").unwrap();
    std::os::unix::fs::symlink(place.data(), folder.join("running")).unwrap();
    let running = Server::start(&place);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();

    let command = |line: &&str| {
        let words = line.split(' ').filter(|word| !word.is_empty()).map(|word| match word {
            "JOB" => JOB.to_owned(),
            "PORT" => port.clone(),
            "_" => String::new(),
            _ => word.to_owned(),
        });
        let mut command: Command = program();
        command.current_dir(&folder).args(words).stdin(Stdio::null());
        if line.contains("--stdin") {
            command.stdin(File::open(folder.join("lines")).unwrap());
        }
        // A key where the line names none, and a server that is never reached.
        command.env("COS_BATCH_PROFILES", "profiles.toml").env("COS_CREDENTIALS", "keys.toml");
        command.env("COS_BATCH_ENDPOINT", "http://127.0.0.1:1");
        command
    };
    let mut page = String::new();
    // A few at a time: each is a process.
    for lines in LINES.chunks(8) {
        for (line, said) in lines.iter().zip(run_all(lines.iter().map(command).collect())) {
            assert!([1, 2, 9].contains(&said.code), "{line}: {said:?}");
            assert_eq!(said.out, "", "{line}: results alone go to the standard output");
            assert!(!said.err.contains("panicked"), "{line}: {said:?}");
            // What clap adds: the form of the command, and how to read more.
            let error = said.err.split("\n\nUsage: ").next().unwrap().split("\n\nFor more").next().unwrap();
            writeln!(page, "$ {line}\nexit code {}\n{}\n", said.code, error.trim_end()).unwrap();
        }
    }
    let mut settings = snapshots();
    settings.add_filter(r"process \d+", "process 1");
    settings.bind(|| insta::assert_snapshot!("bad-input", page));
    drop(running);
    for left in ["new", "x.csv", "restored/jobs.sqlite"] {
        assert!(!folder.join(left).exists(), "{left} was made though the command failed");
    }
    assert_eq!(called(LINES.iter().copied()), all_commands(), "every command is in the table");
}
