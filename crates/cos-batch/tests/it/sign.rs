//! Explaining signatures, and making addresses that have one.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::support::{Place, Server, program, run};

const CAPTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/captures/cos-go-sdk");
const SECRET: &str = "exampleSecretKeyNotReal0001";

fn explain(file: &str, secret: &str, at: &str) -> crate::support::Said {
    run(program().args(["sign", "explain", "--at", at, file]).env("COS_SECRET_KEY", secret))
}

#[test]
fn a_signature_is_explained_step_by_step() {
    let said = explain(&format!("{CAPTURES}/09-status-confirm.http"), SECRET, "1795477600");
    assert_eq!(said.code, 0, "{said:?}");
    insta::assert_snapshot!(said.out);
}

#[test]
fn a_wrong_signature_is_named_as_such() {
    let file = format!("{CAPTURES}/05-describe.http");
    for (secret, at, verdict) in [
        ("another", "1795477600", "does not match"),
        (SECRET, "1795481146", "was valid until"),
        (SECRET, "1795476644", "is valid from"),
    ] {
        let said = explain(&file, secret, at);
        assert_eq!(said.code, 6, "{said:?}");
        let last = said.out.lines().find(|line| line.starts_with("verdict")).unwrap();
        assert!(last.contains("refused"), "{last}");
        assert!(last.contains(verdict), "{last}");
        assert!(!said.out.contains(secret), "secrets are not shown");
    }
}

#[test]
fn a_request_without_a_signature_gets_one_that_holds() {
    let place = Place::new();
    let file = place.file("request.http");
    let head = "GET /jobs?maxResults=2 HTTP/1.1\r\nHost: 127.0.0.1:9450\r\nx-cos-appid: 1250000000\r\n";
    fs::write(&file, format!("{head}\r\n")).unwrap();
    let file = file.to_str().unwrap();
    let no_id = explain(file, SECRET, "1700000000");
    assert_eq!(no_id.code, 2, "{no_id:?}");
    let mut command = program();
    command.args(["sign", "explain", "--at", "1700000000", "--secret-id", "AKID1", "--secret-key", SECRET, file]);
    let said = run(&mut command);
    assert_eq!(said.code, 0, "{said:?}");
    let header = said.out.lines().find_map(|line| line.strip_prefix("header to add   ")).unwrap();
    fs::write(file, format!("{head}{header}\r\n\r\n")).unwrap();
    let said = explain(file, SECRET, "1700000001");
    assert!(said.out.contains("verdict         right"), "{said:?}");

    fs::write(file, "GET /jobs").unwrap();
    let said = explain(file, SECRET, "1700000001");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("not an HTTP request"), "{said:?}");
}

/// A GET or POST without a body, as whoever got an address from somebody sends it: with a client that knows nothing of
/// keys. Gives the answer's status and body.
fn ask(command: &str) -> (u16, String) {
    let words = command.trim().strip_prefix("curl ").unwrap();
    let method = if words.contains("-X POST") { "POST" } else { "GET" };
    let mut quoted: Vec<&str> = words.split('\'').skip(1).step_by(2).collect();
    let address = quoted.pop().unwrap().strip_prefix("http://").unwrap();
    let (host, target) = address.split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let headers: String = quoted.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!("{method} /{target} HTTP/1.1\r\nhost: {host}\r\n{headers}connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[test]
fn an_address_lets_somebody_without_a_key_do_the_one_thing_it_says() {
    let place = Place::new();
    let rows = place.fill(1);
    let server = Server::start(&place);
    let job = server.create_copy(&place.write_manifest(&rows.text), &["--confirm-required"]);
    let url = |words: &[&str]| {
        let said = run(server.command(&["sign", "url"]).args(words));
        assert_eq!(said.code, 0, "{said:?}");
        let command = said.err.lines().last().unwrap().to_owned();
        assert!(command.ends_with(&format!("'{}'", said.out.trim())), "{said:?}");
        command
    };
    let (status, body) = ask(&url(&[&job]));
    assert_eq!((status, body.contains("<DescribeJobResult>")), (200, true), "{body}");
    let (status, body) = ask(&url(&["--status", "Suspended,New,Preparing"]));
    assert_eq!((status, body.contains(&job)), (200, true), "{body}");
    let (status, body) = ask(&url(&["--cancel", &job]).replace("Cancelled", "Ready"));
    assert_eq!((status, body.contains("<Code>SignatureDoesNotMatch</Code>")), (403, true), "{body}");
    let (status, body) = ask(&url(&["--cancel", &job]));
    assert_eq!((status, body.contains("<UpdateJobStatusResult>")), (200, true), "{body}");

    for wrong in [&["--confirm"][..], &["--confirm", "--cancel", &job], &["--valid", "86401"], &["--anonymous"]] {
        let said = run(server.command(&["sign", "url"]).args(wrong));
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{said:?}");
    }
}
