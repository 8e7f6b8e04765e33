//! Requests of the official Go SDK, byte for byte, through the whole service; `fixtures/README.md` tells where they come
//! from.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use cos_batch_server::{BatchService, Key, StaticKeys};

use crate::support::*;

fn captured() -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(captured_path("")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .into_iter()
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(path).unwrap()))
        .collect()
}

/// The start of the window for which a captured request was signed.
fn signed_at(request: &[u8]) -> i64 {
    let text = String::from_utf8_lossy(request);
    text.split("q-sign-time=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_is_accepted_and_means_what_its_name_says() {
    let captured = captured();
    assert_eq!(captured.len(), 12);
    for (name, bytes) in captured {
        let now = Arc::new(AtomicI64::new(signed_at(&bytes)));
        let clock = Arc::clone(&now);
        let security_token = name.ends_with("temporary-key").then(|| "tok/en+1=".to_owned());
        let keys = StaticKeys::new().with(SECRET_ID, Key { security_token, ..key() });
        let recorder = Recorder::default();
        let service = BatchService::builder(Arc::new(recorder.clone()))
            .authenticate(keys)
            .clock(move || clock.load(Ordering::Relaxed))
            .build()
            .unwrap();
        let server = Server::start(service).await;
        let mut connection = Connection::open(&server).await;

        let answer = connection.ask(&bytes).await;
        let expected = match name.split_once('-').unwrap().1 {
            name if name.starts_with("describe") => 404,
            "delete" => 204,
            _ => 200,
        };
        assert_eq!(answer.status(), expected, "{name}: {answer:?}");
        let calls = recorder.take();
        assert_eq!(calls.len(), 1, "{name}");
        assert_eq!(calls[0].0.appid, appid());
        insta::assert_snapshot!(name.as_str(), calls[0].1);

        now.fetch_add(3601, Ordering::Relaxed);
        let late = connection.ask(&bytes).await;
        assert_eq!(error(&late).code.as_str(), "Request has expired", "{name}");
        assert!(recorder.take().is_empty());
        server.stop().await;
    }
}
