//! The object endpoint of the server: a team with the SDK that it has.

use std::{fs, io::Write as _};

use bytes::Bytes;
use cos_batch_engine::{Clock as _, SystemClock};
use cos_signature::{Credentials, KeyTime, sign};
use http::Request;
use serde_json::json;

use crate::{
    left::SECRET,
    python::script,
    support::{Place, SOURCE, Server, TARGET, figures, write_private},
};

/// Runs one half of the round trip; gives what it printed.
fn sdk(half: &str, plan: &serde_json::Value) -> String {
    script("round_trip.py", half, plan)
}

#[test]
fn objects_go_in_and_copies_come_out_through_the_sdk() {
    let place = Place::new();
    for bucket in [SOURCE, TARGET] {
        fs::remove_dir(place.bucket(bucket)).unwrap();
    }
    let server = Server::start_with(&place, &["--objects-listen", "127.0.0.1:0"]);
    let (id, secret) = server.key();
    let plan = |job: &str| {
        json!({
            "address": server.objects().unwrap(), "id": id, "secret": secret,
            "source": SOURCE, "target": TARGET, "job": job,
        })
    };
    let etag = sdk("upload", &plan(""));
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(4);
    assert_eq!(figures(&server.describe(&job)), [42, 1, 43]);
    assert_eq!(sdk("download", &plan(&job)), "the same");
    // What came through the endpoint are ordinary files, where a key can be a path.
    assert!(place.bucket(TARGET).join("in/large.bin").is_file());
    assert!(server.terminate().success());
}

#[test]
fn there_is_no_object_endpoint_unless_it_is_asked_for() {
    let place = Place::new();
    let server = Server::start(&place);
    assert!(server.objects().is_none(), "{}", server.usage);
}

/// Status of the answer to a request without a body.
fn status(address: &str, request: &Request<Bytes>) -> u16 {
    use std::io::Read as _;
    let mut text = format!("{} {} HTTP/1.1\r\nconnection: close\r\n", request.method(), request.uri());
    for (name, value) in request.headers() {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(format!("{text}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer[9..12].parse().unwrap()
}

#[test]
fn a_temporary_key_goes_with_its_token() {
    let place = Place::new();
    let file = place.file("keys.toml");
    let key = format!("[[key]]\nsecret_id = \"AKIDtemporary\"\nsecret_key = \"{SECRET}\"\nappid = \"1250000000\"\n");
    write_private(&file, &format!("{key}security_token = \"theTokenOfThisKey\"\n"));
    let server =
        Server::start_with(&place, &["--objects-listen", "127.0.0.1:0", "--credentials", file.to_str().unwrap()]);
    let address = server.objects().unwrap();
    let ask = |token: Option<&str>| {
        let credentials = Credentials::new("AKIDtemporary", SECRET);
        let credentials = match token {
            Some(token) => credentials.with_security_token(token),
            None => credentials,
        };
        let mut request = Request::head(format!("/{SOURCE}")).header("host", address).body(Bytes::new()).unwrap();
        let now = SystemClock.now() / 1000;
        sign(&mut request, &credentials, KeyTime::new(now - 60, now + 600).unwrap()).unwrap();
        status(address, &request)
    };
    assert_eq!(ask(Some("theTokenOfThisKey")), 200);
    assert_eq!(ask(Some("another")), 403);
    assert_eq!(ask(None), 403);
}

#[test]
fn without_keys_no_web_page_is_answered_on_either_endpoint() {
    let place = Place::new();
    let flags = ["--anonymous", "--allow-host", "cos-batch", "--allow-host", "dev", "--objects-listen", "127.0.0.1:0"];
    let server = Server::start_with(&place, &flags);
    let jobs = server.endpoint.trim_start_matches("http://");
    for (address, path) in [(jobs, "/jobs"), (server.objects().unwrap(), "/")] {
        let ask = |host: &str, headers: &[(&str, &str)]| {
            let request = Request::get(path).header("host", host);
            let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
            status(address, &request.body(Bytes::new()).unwrap())
        };
        assert_eq!(ask(address, &[]), 200);
        assert_eq!(ask(address, &[("origin", "https://evil.example")]), 403);
        assert_eq!(ask(address, &[("sec-fetch-site", "cross-site")]), 403);
        assert_eq!(ask("evil.example", &[]), 403);
        assert_eq!((ask("cos-batch:9450", &[]), ask("DEV", &[])), (200, 200));
    }
}
