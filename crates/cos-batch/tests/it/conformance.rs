//! `cos-batch conformance` against `cos-batch serve`, and against a server that is not what it is said to be.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::support::{Place, SOURCE, Server, TARGET};

fn check(server: &Server, etag: &str, flags: &[&str]) -> crate::support::Said {
    let manifest = format!("{SOURCE}/lists/all.csv");
    let job = ["--operation", "copy", "--manifest", &manifest, "--etag", etag, "--target", TARGET];
    server.run(&[&["conformance"], &job[..], flags].concat())
}

#[test]
fn the_server_keeps_the_rules_and_is_empty_afterwards() {
    let place = Place::new();
    let rows = place.fill(5);
    let etag = place.write_manifest(&rows.text);
    let key =
        |id: &str| format!("[[key]]\nsecret_id = \"{id}\"\nsecret_key = \"secret of {id}\"\nappid = \"1250000000\"\n");
    let keys = format!("{}{}security_token = \"tok/en+1=OfAGuest\"\n", key("AKIDPERMANENT"), key("AKIDTEMPORARY"));
    fs::write(place.key_file(), keys).unwrap();
    fs::set_permissions(place.key_file(), fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start(&place);
    let temporary = ["--temporary-secret-id", "AKIDTEMPORARY", "--temporary-secret-key", "secret of AKIDTEMPORARY"];
    let flags = [&temporary[..], &["--temporary-session-token", "tok/en+1=OfAGuest", "--output", "json"]].concat();
    let report: Value = serde_json::from_str(&check(&server, &etag, &flags).with_code(0)).unwrap();
    assert_eq!(report["conformant"], true);
    assert_eq!(report["left_behind"].as_array().unwrap().len(), 0);
    let skipped = report["checks"].as_array().unwrap().iter().filter(|check| check["result"] == "skipped");
    let skipped: Vec<_> = skipped.map(|check| check["id"].as_str().unwrap()).collect();
    let second_account =
        ["errors/tokens-are-each-accounts-own", "errors/foreign-job-is-unknown", "errors/foreign-jobs-are-not-listed"];
    assert_eq!(skipped, second_account);
    let half = check(&server, &etag, &temporary);
    assert!(half.code == 2 && half.err.contains("a temporary key has three parts"), "{half:?}");
    let list: Value = serde_json::from_str(&server.run(&["list", "--output", "json"]).with_code(0)).unwrap();
    assert_eq!(list["Jobs"].as_array().unwrap().len(), 0);
}

#[test]
fn a_check_that_fails_is_in_the_report_and_in_the_exit_code() {
    let place = Place::new();
    let rows = place.fill(1);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start_with(&place, &["--anonymous"]);
    let manifest = format!("{SOURCE}/lists/all.csv");
    let appid = SOURCE.rsplit('-').next().unwrap();
    let key = ["--appid", appid, "--secret-id", "AKIDNOBODY", "--secret-key", "anything"];
    let job = ["--operation", "delete", "--manifest", &manifest, "--etag", &etag];
    let words = [&["conformance", "--group", "auth"], &key[..], &job].concat();
    let said = server.run(&words);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("\n  FAIL  auth/unsigned\n"), "{said:?}");
    assert!(!said.out.contains("basic/"), "{said:?}");
}
