//! Where the console is, and where it is not. What it does is tested in a browser (`tests/console`).

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use crate::support::{Place, Server};

/// The status line and the headers that a browser gets.
fn get(server: &Server, path: &str) -> String {
    let host = server.endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/html\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split("\r\n\r\n").next().unwrap().to_owned()
}

#[test]
fn it_is_with_the_api_unless_told_otherwise() {
    let place = Place::new();
    let server = Server::start(&place);
    assert!(server.usage.contains(&format!("console on {}/console\n", server.endpoint)), "{}", server.usage);
    assert!(get(&server, "/console/sign-in").starts_with("HTTP/1.1 200 "));
    assert!(get(&server, "/").contains("\r\nlocation: /console"));
    let head = get(&server, "/jobs");
    assert!(
        head.starts_with("HTTP/1.1 4") && head.contains("content-type: application/xml"),
        "the API is as it was: {head}"
    );
    server.terminate();

    let server = Server::start_with(&place, &["--no-console"]);
    assert!(!server.usage.contains("console"), "{}", server.usage);
    for path in ["/console", "/console/sign-in", "/"] {
        let head = get(&server, path);
        assert!(head.contains("content-type: application/xml") && !head.contains("location"), "{path}: {head}");
    }
    server.terminate();

    // Keys would go over the wire as they are.
    let server = Server::start_with(&place, &["--listen", "0.0.0.0:0"]);
    assert!(!server.usage.contains("console on"), "{}", server.usage);
    let head = get(&server, "/console/sign-in");
    assert!(head.contains("content-type: application/xml"), "{head}");
}

#[test]
fn without_keys_it_asks_for_an_appid_and_answers_names_of_this_machine_alone() {
    let place = Place::new();
    let server = Server::start_with(&place, &["--anonymous"]);
    assert!(get(&server, "/console/sign-in").starts_with("HTTP/1.1 200 "));
    let mut stream = TcpStream::connect(server.endpoint.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /console/sign-in HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 ") && !answer.contains("APPID"), "{answer}");
}
