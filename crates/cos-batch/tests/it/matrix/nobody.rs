//! Commands whose server is not there, or not what they expect, or does not know them.

use std::{collections::BTreeSet, fs, path::Path};

use super::{
    called, grouped, run_all,
    stranger::{self, Stranger},
    words,
};
use crate::support::{Place, Said, Server, program, snapshots, write_private};

const KEYS: &str = "[[key]]\nsecret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\nappid = \"1250000000\"\n";

/// Every command that asks a server, as it may be typed.
const ASKING: [&str; 22] = [
    "list",
    "list --output json",
    "describe JOB",
    "describe JOB --output xml",
    "wait JOB",
    "watch",
    "priority JOB 7",
    "confirm JOB",
    "confirm --dry-run JOB",
    "cancel JOB",
    "delete JOB",
    "report JOB",
    "report --rows JOB --output csv",
    "retry --token t JOB",
    "retry --dry-run JOB",
    "manifest --bucket photos-1250000000 --out all.csv",
    "manifest --inventory photos-1250000000/i/manifest.json --to photos-1250000000/x.csv",
    "create REQUEST",
    "create --check REQUEST",
    "create --sample 5 REQUEST",
    "validate REQUEST",
    "conformance REQUEST",
];

/// Commands that ask nobody, or start what is asked; [`super::bad_input`] has what they refuse.
const ALONE: [&str; 10] = [
    "backup",
    "completions",
    "config check",
    "config print",
    "demo",
    "manual",
    "restore",
    "serve",
    "sign explain",
    "sign url",
];

const REQUEST: &str = "--operation delete --manifest photos-1250000000/all.csv --etag e --token t";
const NO_JOB: &str = "01a20ba1-cc2e-7f77-b6a4-0fb0ea754905";

/// What each command says to a server at this address.
fn said(folder: &Path, endpoint: &str, more: &str, steer: impl Fn(&mut std::process::Command)) -> Vec<(String, Said)> {
    let command = |line: &&str| {
        let line = line.replace("JOB", NO_JOB).replace("REQUEST", REQUEST);
        let mut command = program();
        command.current_dir(folder).env("COS_BATCH_ENDPOINT", endpoint).args(words(&line));
        command.args(more.split_whitespace());
        steer(&mut command);
        command
    };
    let said = run_all(ASKING.iter().map(command).collect());
    ASKING.iter().map(|line| (*line).to_owned()).zip(said).collect()
}

/// The same with a key file, where no command can succeed: nothing is on the standard output, and no file is left.
fn refused(name: &str, place: &Place, endpoint: &str, more: &str) {
    let keys = place.file("keys.toml");
    if !keys.exists() {
        write_private(&keys, KEYS);
    }
    let folder = place.file("work");
    fs::create_dir_all(&folder).unwrap();
    let said = said(&folder, endpoint, more, |command| {
        command.env("COS_CREDENTIALS", &keys);
    });
    for (line, said) in &said {
        assert_ne!(said.code, 0, "{line}: {said:?}");
        assert_eq!(said.out, "", "{line}: results alone go to the standard output");
        assert!(said.err.starts_with("error: ") && said.err.contains("\ntry: "), "{line}: {said:?}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing was made, so nothing is left");
    snapshots().bind(|| insta::assert_snapshot!(name, grouped(&said)));
}

#[test]
fn every_command_is_here() {
    let alone: BTreeSet<String> = called(ALONE.into_iter());
    let asking = called(ASKING.into_iter());
    assert_eq!(&alone | &asking, super::all_commands(), "a command that is in none of the tables, or is no more");
    assert!(alone.is_disjoint(&asking));
}

#[test]
fn no_server() {
    // A port on which nobody listens, and which no test is given.
    refused("nobody-no-server", &Place::new(), "http://127.0.0.1:1", "");
}

#[test]
fn a_server_that_hangs_up() {
    refused("nobody-hangs-up", &Place::new(), &stranger::start(Stranger::HangsUp), "");
}

/// What the system says of such a connection depends on the moment.
#[test]
fn a_server_that_closes_at_once() {
    let place = Place::new();
    write_private(&place.file("keys.toml"), KEYS);
    let endpoint = stranger::start(Stranger::Closes);
    let said = said(&place.file(""), &endpoint, "", |command| {
        command.env("COS_CREDENTIALS", place.file("keys.toml"));
    });
    for (line, said) in said {
        assert_eq!((said.code, said.out.as_str()), (7, ""), "{line}: {said:?}");
        let begins = ["error: the connection ended", "error: no connection to the server", "error: it is not known"];
        assert!(begins.iter().any(|begin| said.err.starts_with(begin)), "{line}: {said:?}");
        assert!(said.err.contains(&format!("\nserver: {endpoint}\ntry: ")), "{line}: {said:?}");
    }
}

#[test]
fn a_silent_server() {
    refused("nobody-silent", &Place::new(), &stranger::start(Stranger::Silent), "--timeout 1");
}

#[test]
fn a_server_of_something_else() {
    let place = Place::new();
    refused("nobody-not-http", &place, &stranger::start(Stranger::Says("SSH-2.0-OpenSSH_9.6\r\n")), "");
    let gateway = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n";
    let gateway = stranger::start(Stranger::Answers("502 Bad Gateway", gateway));
    refused("nobody-gateway", &place, &gateway, "");
    let page = "<!DOCTYPE html><html><body>It works!</body></html>\n";
    refused("nobody-web-page", &place, &stranger::start(Stranger::Answers("200 OK", page)), "");
    let page = "<html><body>Nothing here.</body></html>\n";
    refused("nobody-web-404", &place, &stranger::start(Stranger::Answers("404 Not Found", page)), "");
}

#[test]
fn wrong_keys() {
    let place = Place::new();
    write_private(&place.key_file(), KEYS);
    let server = Server::start(&place);
    let key = "--secret-id AKIDEXAMPLE --secret-key wrong --appid 1250000000";
    refused("nobody-wrong-secret", &place, &server.endpoint, key);
    let key = "--secret-id AKIDNOBODY --secret-key exampleSecret --appid 1250000000";
    refused("nobody-unknown-key", &place, &server.endpoint, key);
    refused("nobody-other-account", &place, &server.endpoint, "--appid 1251111111");
}

#[test]
fn a_server_without_tls() {
    let place = Place::new();
    let server = Server::start(&place);
    let secure = server.endpoint.replace("http://", "https://");
    let said = server.run(&["list", "--endpoint", &secure]);
    assert_eq!(said.code, 7, "{said:?}");
    let expected =
        "error: no secure connection to the server: received corrupt message of type InvalidContentType\nserver: ";
    let next = "try: http:// where the server has no TLS; with TLS its certificate must be good for this name\n";
    assert_eq!(said.err, format!("{expected}{secure}\n{next}"));
}

/// The server is right and the job is not there.
#[test]
fn nothing_there() {
    let place = Place::new();
    write_private(&place.key_file(), KEYS);
    let server = Server::start(&place);
    let folder = place.file("work");
    fs::create_dir(&folder).unwrap();
    let mut commands = ASKING.to_vec();
    // It takes seconds, and has a test of its own; the others make what would be told.
    commands
        .retain(|line| !line.starts_with("conformance") && !line.starts_with("create") && !line.starts_with("watch"));
    let said = commands.iter().map(|line| {
        let mut command = server.command(&[]);
        command.current_dir(&folder).args(words(&line.replace("JOB", NO_JOB).replace("REQUEST", REQUEST)));
        ((*line).to_owned(), crate::support::run(&mut command))
    });
    let said: Vec<_> = said.collect();
    snapshots().bind(|| insta::assert_snapshot!("nobody-no-job", grouped(&said)));
}
