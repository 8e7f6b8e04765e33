//! Requests as the official Go SDK puts them on the wire; `fixtures/README.md` tells where they come from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use cos_signature::canonical;

use super::*;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The head of a request in a file.
fn parts(path: &Path) -> Parts {
    let bytes = fs::read(path).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, uri) = (first.next().unwrap(), first.next().unwrap());
    let headers: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    request(method, uri, &headers).into_parts().0
}

/// Name and parts of each captured request.
fn captured() -> Vec<(String, Parts)> {
    let folder = fixtures().join("captures/cos-go-sdk");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), parts(&path))).collect()
}

#[test]
fn each_verifies_strictly_within_its_hour() {
    let captured = captured();
    assert_eq!(captured.len(), 12);
    for (name, parts) in captured {
        let presented = Presented::from_parts(&parts).unwrap();
        assert_eq!(presented.secret_id, SECRET_ID, "{name}");
        let window = presented.key_time;
        for now in [window.start(), window.start() + 1800, window.end()] {
            assert_eq!(check(&parts, now, Strictness::Strict), Ok(()), "{name} at {now}");
        }
        assert_eq!(presented.security_token.as_deref(), name.starts_with("12-").then_some("tok/en+1="), "{name}");
        assert_eq!(presented.signs_header("content-md5"), parts.headers.contains_key("content-md5"), "{name}");
    }
}

#[test]
fn signing_the_same_request_gives_the_same_header() {
    for (name, parts) in captured() {
        let presented = Presented::from_parts(&parts).unwrap();
        let mut again = Request::from_parts(parts.clone(), ());
        again.headers_mut().remove("authorization");
        sign(&mut again, &credentials(), presented.key_time).unwrap();
        assert_eq!(again.headers()["authorization"], parts.headers["authorization"], "{name}");
    }
}

#[test]
fn a_space_that_comes_as_a_plus_is_signed_as_percent_20() {
    let file = "traps/UpdateJobStatus/query-space-as-plus-signed-as-percent-20.request.http";
    let parts = parts(&fixtures().join(file));
    assert!(parts.uri.query().unwrap().ends_with("statusUpdateReason=to+do+%2B+done"));
    assert_eq!(strict(&parts), Ok(()));
    let presented = Presented::from_parts(&parts).unwrap();
    let string = canonical::http_string(&parts, &presented.header_list, &presented.url_param_list);
    let string = String::from_utf8(string).unwrap();
    assert!(string.contains("&statusupdatereason=to%20do%20%2B%20done\n"), "{string}");
}
