//! Reading fixtures.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use cos_batch_model::ActionName;
use http::{HeaderMap, Request, Response};

/// The repository's fixtures.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// The files of a folder in order; an empty folder fails the test that asked.
pub(crate) fn files(folder: &str) -> Vec<PathBuf> {
    let folder = fixtures().join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

pub(crate) fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The messages of every action's folder, which all six must have: action, file name, bytes.
pub(crate) fn messages(folder: &str) -> Vec<(ActionName, String, Vec<u8>)> {
    let mut messages = Vec::new();
    for action in ActionName::ALL {
        for path in files(&format!("{folder}/{action}")) {
            messages.push((*action, name(&path).to_owned(), fs::read(&path).unwrap()));
        }
    }
    messages
}

/// What a message's own head must say of its body, if it says anything.
pub(crate) fn check_length(at: &str, headers: &HeaderMap, body: &[u8]) {
    if let Some(length) = headers.get("content-length") {
        assert_eq!(length.to_str().unwrap(), body.len().to_string(), "{at}: content-length");
    }
}

/// A message's body.
pub(crate) fn body(path: &str) -> Vec<u8> {
    split(&read(path)).1.to_vec()
}

/// A message's body, as text.
pub(crate) fn body_text(path: &str) -> String {
    String::from_utf8(body(path)).unwrap()
}

pub(crate) fn read(path: &str) -> Vec<u8> {
    let path = fixtures().join(path);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The head of a message as lines, and its body.
fn split(message: &[u8]) -> (Vec<&str>, Bytes) {
    let end = message.windows(4).position(|w| w == b"\r\n\r\n").expect("a message has an empty line");
    let head = std::str::from_utf8(&message[..end]).unwrap();
    (head.split("\r\n").collect(), Bytes::copy_from_slice(&message[end + 4..]))
}

pub(crate) fn request(message: &[u8]) -> Request<Bytes> {
    let (lines, body) = split(message);
    let mut start = lines[0].split(' ');
    let mut request = Request::builder().method(start.next().unwrap()).uri(start.next().unwrap());
    for (name, value) in lines[1..].iter().map(|line| line.split_once(": ").unwrap()) {
        request = request.header(name, value);
    }
    request.body(body).unwrap()
}

pub(crate) fn response(message: &[u8]) -> Response<Bytes> {
    let (lines, body) = split(message);
    let mut response = Response::builder().status(lines[0].split(' ').nth(1).unwrap());
    for (name, value) in lines[1..].iter().map(|line| line.split_once(": ").unwrap()) {
        response = response.header(name, value);
    }
    response.body(body).unwrap()
}
