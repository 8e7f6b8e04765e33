//! What a server on a folder says of itself to whoever looks after it.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use crate::support::{Place, Server};

/// Long beside what a busy machine takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Status and text of the answer to a probe.
pub(crate) fn probe(endpoint: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(endpoint.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Asks until this is the answer of `/readyz`: for a second it may be that of before.
#[track_caller]
pub(crate) fn until_ready_says(endpoint: &str, status: u16, text: &str) {
    let began = Instant::now();
    loop {
        let said = probe(endpoint, "/readyz");
        if said.0 == status && said.1 == text {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "waited in vain for {status} {text:?}: {said:?}");
        std::thread::yield_now();
    }
}

#[test]
fn what_is_not_ready_is_named_until_it_is_again() {
    let place = Place::new();
    let disk = place.file("disk");
    fs::create_dir(&disk).unwrap();
    let config = place.file("config.toml");
    fs::write(&config, format!("[[store]]\nname = \"disk\"\nkind = \"folder\"\nfolder = {disk:?}\n")).unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let says = |status, text: &str| until_ready_says(&server.endpoint, status, text);
    says(200, "ok\n");

    let (aside, data) = (place.file("aside"), place.data());
    for (path, text) in [
        (data.join("buckets"), "the folder of buckets is gone\n"),
        (data.join("spool"), "the spool is gone\n"),
        (data.join("jobs.sqlite"), "the job store failed: its file is gone\n"),
        (disk.clone(), "the store \"disk\" is gone\n"),
    ] {
        fs::rename(&path, &aside).unwrap();
        says(503, text);
        assert_eq!(probe(&server.endpoint, "/livez"), (200, "ok\n".to_owned()), "it is not to be restarted for that");
        fs::rename(&aside, &path).unwrap();
        says(200, "ok\n");
    }

    // A file system that is no longer mounted leaves a folder, and it is not the one of before.
    fs::rename(&disk, &aside).unwrap();
    fs::create_dir(&disk).unwrap();
    fs::rename(data.join("spool"), place.file("spool")).unwrap();
    says(503, "the spool is gone\nthe store \"disk\" is another one than at the start\n");
    assert_eq!(server.terminate().code(), Some(0));
    let log = fs::read_to_string(place.file("serve.log")).unwrap();
    assert!(log.contains("not ready") && log.contains("ready again"), "{log}");
}
