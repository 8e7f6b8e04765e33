//! What is wrong is refused with the documented code and status, and with words that help; the server stays up.

use std::fmt::Write as _;

use http::HeaderValue;

use crate::{
    raw::Caller,
    support::{FOREIGN, Place, SOURCE, Server, program, run, snapshots},
};

const NO_JOB: &str = "/jobs/00000000-0000-7000-8000-000000000000";

#[test]
fn wrong_requests_over_the_wire() {
    let place = Place::new();
    let server = Server::start(&place);
    let caller = Caller::new(&server, &place);
    let mut text = String::new();
    let mut case = |name: &str, request| {
        let error = caller.send(request).error();
        writeln!(text, "{name}\n  {error}").unwrap();
    };

    let get = || caller.request("GET", NO_JOB, "");
    let signed = |mut request| {
        caller.sign(&mut request);
        request
    };
    case("no signature", get());
    for (name, later) in [("expired signature", -7200), ("signature for later", 7200)] {
        let mut request = get();
        caller.sign_at(&mut request, later);
        case(name, request);
    }
    let mut request = signed(get());
    request.headers_mut().insert("x-cos-appid", HeaderValue::from_static("1251111111"));
    case("x-cos-appid altered after signing", request);
    let mut request = get();
    request.headers_mut().insert("x-cos-appid", HeaderValue::from_static("1251111111"));
    case("x-cos-appid of another account, signed", signed(request));
    let mut request = get();
    request.headers_mut().remove("x-cos-appid");
    case("no x-cos-appid", signed(request));
    case("unknown job", signed(get()));
    case("unknown path", signed(caller.request("GET", "/nothing", "")));
    case("wrong method", signed(caller.request("PUT", "/jobs", "")));
    case("malformed XML", signed(caller.request("POST", "/jobs", "<CreateJobRequest><Priority>1</CreateJobRequest>")));
    case("no XML", signed(caller.request("POST", "/jobs", "{\"Priority\": 1}")));
    case(
        "unknown element",
        signed(caller.request("POST", "/jobs", "<CreateJobRequest><Color>1</Color></CreateJobRequest>")),
    );
    let doctype = "<!DOCTYPE a [<!ENTITY b \"c\">]><CreateJobRequest>&b;</CreateJobRequest>";
    case("DOCTYPE", signed(caller.request("POST", "/jobs", doctype)));
    case(
        "bad value",
        signed(caller.request("POST", "/jobs", "<CreateJobRequest><Priority>high</Priority></CreateJobRequest>")),
    );
    let mut request = signed(caller.request("POST", "/jobs", "<CreateJobRequest></CreateJobRequest>"));
    *request.body_mut() = "<CreateJobRequest>!</CreateJobRequest>".into();
    case("body altered after signing", request);
    let mut request = caller.request("POST", "/jobs", "<CreateJobRequest></CreateJobRequest>");
    request.headers_mut().remove("content-md5");
    case("body that is not bound by the signature", signed(request));

    snapshots().bind(|| insta::assert_snapshot!(text));
    assert_eq!(server.run(&["list"]).with_code(0), "no jobs\n");
}

#[test]
fn wrong_keys_and_places_on_the_command_line() {
    let place = Place::new();
    let server = Server::start(&place);
    let mut text = String::new();
    let mut case = |name: &str, command: &mut std::process::Command| {
        let said = run(command);
        assert_eq!(said.out, "", "{name}");
        writeln!(text, "{name}: exit code {}\n{}", said.code, said.err).unwrap();
    };
    let key = |id: &str, secret: &str, appid: &str| {
        let mut command = program();
        command.env("COS_BATCH_ENDPOINT", &server.endpoint).env("COS_SECRET_ID", id).env("COS_SECRET_KEY", secret);
        command.env("COS_APPID", appid).arg("list");
        command
    };
    let file: toml::Table = std::fs::read_to_string(place.key_file()).unwrap().parse().unwrap();
    let id = file["key"][0]["secret_id"].as_str().unwrap();
    let secret = file["key"][0]["secret_key"].as_str().unwrap();
    case("wrong secret", &mut key(id, "wrong", "1250000000"));
    case("unknown key", &mut key("AKIDunknown", secret, "1250000000"));
    case("another account", &mut key(id, secret, "1251111111"));
    case("no key", program().arg("list"));
    case("unknown job", &mut server.command(&["describe", "00000000-0000-7000-8000-000000000000"]));
    case("nobody listens", server.command(&["list"]).env("COS_BATCH_ENDPOINT", "http://127.0.0.1:1"));
    case("bad endpoint", server.command(&["list"]).env("COS_BATCH_ENDPOINT", "127.0.0.1:1"));
    case("bad id", &mut server.command(&["describe", "a/b"]));
    snapshots().bind(|| insta::assert_snapshot!(text));
    assert_eq!(server.run(&["list"]).with_code(0), "no jobs\n");
}

#[test]
fn wrong_jobs() {
    let place = Place::new();
    let rows = place.fill(3);
    let server = Server::start(&place);
    let mut text = String::new();
    let mut ended = |name: &str, manifest: &str, etag: Option<&str>| {
        let right = place.write_manifest(manifest);
        let job = server.create_copy(etag.unwrap_or(&right), &[]);
        let said = server.run(&["wait", &job]);
        writeln!(text, "{name}: exit code {}\n{}", said.code, said.out).unwrap();
        job
    };
    ended("wrong ETag", &rows.text, Some("00000000000000000000000000000000"));
    ended("row without a key", &format!("{}{SOURCE}\n", rows.text), None);
    ended("row with a broken escape", &format!("{}{SOURCE},in/%zz\n", rows.text), None);
    ended("row with an open quote", &format!("{}{SOURCE},\"in/a\n", rows.text), None);
    ended("empty manifest", "", None);
    let job = ended("row in another account's bucket", &format!("{}{FOREIGN},in/a\n", rows.text), None);
    let report = place.report(&job);
    writeln!(text, "its row in the report: {:?}\n", report[&(FOREIGN.to_owned(), "in/a".to_owned())]).unwrap();

    let etag = place.write_manifest(&rows.text);
    for flags in [&["--target", FOREIGN][..], &["--report-bucket", FOREIGN]] {
        let said = if flags[0] == "--target" {
            server.try_create_copy(&etag, flags)
        } else {
            let manifest = format!("{SOURCE}/lists/all.csv");
            let words = ["create", "--operation", "delete", "--manifest", &manifest, "--etag", &etag];
            server.run(&[&words[..], flags].concat())
        };
        writeln!(text, "{}: exit code {}\n{}", flags.join(" "), said.code, said.err).unwrap();
    }
    let manifest = format!("{FOREIGN}/lists/all.csv");
    let said = server.run(&["create", "--operation", "delete", "--manifest", &manifest, "--etag", &etag]);
    writeln!(text, "--manifest {manifest}: exit code {}\n{}", said.code, said.err).unwrap();

    let token = ["--token", "the-same"];
    let job = server.create_copy(&etag, &token);
    let said = server.try_create_copy(&etag, &token);
    assert!(said.err.contains(&job), "{said:?}");
    writeln!(text, "token used twice: exit code {}\n{}", said.code, said.err).unwrap();
    snapshots().bind(|| insta::assert_snapshot!(text));
}
