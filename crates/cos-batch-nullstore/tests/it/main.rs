//! The store as a client sees it, over a socket.
#![expect(clippy::unwrap_used, reason = "helpers of tests: they panic where a test fails")]

use bytes::Bytes;
use cos_batch_nullstore::{Faults, NullStore, Options, SEEN_PATH};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Sends one request on a connection of its own; what came back, empty if it was cut off.
async fn ask(store: &NullStore, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(store.address()).await.unwrap();
    let text = format!("{head}\r\nhost: b\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A connection that is cut off may end in an error.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn what_is_put_is_kept_and_everything_else_is_pretended() {
    let store = NullStore::start(Options::default()).await.unwrap();
    let put = ask(&store, "PUT /b-1/lists/a.csv HTTP/1.1", "b-1,k\n").await;
    assert!(put.starts_with("HTTP/1.1 200") && put.contains("etag: \"b6cc9c28"), "{put}");
    let got = ask(&store, "GET /b-1/lists/a.csv HTTP/1.1\r\nrange: bytes=4-5", "").await;
    assert!(got.contains("206") && got.contains("content-range: bytes 4-5/6") && got.ends_with("k\n"), "{got}");
    let head = ask(&store, "HEAD /b-1/anything HTTP/1.1", "").await;
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-length: 1024"), "{head}");
    let list = ask(&store, "GET /b-1/?prefix=lists%2F HTTP/1.1", "").await;
    assert!(list.contains("<Key>lists/a.csv</Key>") && list.contains("<IsTruncated>false<"), "{list}");
    assert_eq!(store.kept("b-1", "lists/a.csv").unwrap(), "b-1,k\n");
    store.keep("b-1", "other", Bytes::from_static(b"x"));
    assert!(ask(&store, "GET /b-1/other HTTP/1.1", "").await.ends_with("\r\n\r\nx"));
    assert!(ask(&store, "GET /b-1/none HTTP/1.1", "").await.contains("<Code>NoSuchKey</Code>"));
    assert!(ask(&store, "PATCH /b-1/none HTTP/1.1", "").await.contains("501"));
}

#[tokio::test]
async fn operations_are_counted_and_fail_as_told() {
    let options = Options { record: true, ..Options::default() };
    let store = NullStore::start(options).await.unwrap();
    assert!(ask(&store, "PUT /t-1/k HTTP/1.1\r\nx-cos-copy-source: s-1/k", "").await.contains("<CopyObjectResult>"));
    assert!(ask(&store, "PUT /t-1/k?tagging HTTP/1.1", "<Tagging/>").await.starts_with("HTTP/1.1 200"));
    assert!(ask(&store, "POST /t-1/k?restore HTTP/1.1", "<RestoreRequest/>").await.starts_with("HTTP/1.1 202"));
    assert!(ask(&store, "DELETE /t-1/k HTTP/1.1", "").await.starts_with("HTTP/1.1 204"));
    let seen = store.seen();
    assert_eq!((seen.requests, seen.operations, seen.applied, seen.faults), (4, 4, 4, 0));
    assert_eq!((store.applied_to()["t-1/k"], seen.again), (4, 3));

    let all = |faults| Options { faults, ..options };
    let copied = async |faults| {
        let store = NullStore::start(all(faults)).await.unwrap();
        let answer = ask(&store, "PUT /t-1/k HTTP/1.1\r\nx-amz-copy-source: s-1/k", "").await;
        (answer, store.seen().applied)
    };
    let (answer, applied) = copied(Faults { slow_downs: 1000, ..Faults::default() }).await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("<Code>SlowDown<") && applied == 0, "{answer}");
    let (answer, applied) = copied(Faults { errors: 1000, ..Faults::default() }).await;
    assert!(answer.starts_with("HTTP/1.1 50") && applied == 0, "{answer}");
    let (answer, applied) = copied(Faults { errors_in_200: 1000, ..Faults::default() }).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("<Error>") && applied == 0, "{answer}");
    let (answer, applied) = copied(Faults { resets: 1000, ..Faults::default() }).await;
    assert_eq!((answer.as_str(), applied), ("", 0));
    let (answer, applied) = copied(Faults { lost_answers: 1000, ..Faults::default() }).await;
    assert_eq!((answer.as_str(), applied), ("", 1));
    let (answer, applied) = copied(Faults { truncated: 1000, ..Faults::default() }).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200") && applied == 1, "{answer}");
    let promised = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(promised.parse::<usize>().unwrap() / 2, body.len(), "{answer}");
}

#[tokio::test]
async fn an_operation_may_never_be_answered() {
    let faults = Faults { hangs: 1000, ..Faults::default() };
    let store = NullStore::start(Options { faults, ..Options::default() }).await.unwrap();
    // Whoever asks goes away; nothing else ends it.
    let asked = ask(&store, "DELETE /t-1/k HTTP/1.1", "");
    let hung = async {
        while store.seen().hung == 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = asked => panic!("{answer}"),
        () = hung => {}
    }
    assert_eq!(store.seen().applied, 1);
}

#[tokio::test]
async fn reads_break_off_and_the_store_may_be_gone() {
    let faults = Faults { reads_truncated: 1000, ..Faults::default() };
    let store = NullStore::start(Options { faults, ..Options::default() }).await.unwrap();
    store.keep("b-1", "other", Bytes::from_static(b"0123456789"));
    let got = ask(&store, "GET /b-1/other HTTP/1.1", "").await;
    assert!(got.contains("content-length: 10\r\n") && got.ends_with("\r\n\r\n01234"), "{got}");
    store.go_away(std::time::Duration::from_secs(3600));
    assert_eq!(ask(&store, "HEAD /b-1/other HTTP/1.1", "").await, "");
    store.go_away(std::time::Duration::ZERO);
    assert!(ask(&store, "HEAD /b-1/other HTTP/1.1", "").await.starts_with("HTTP/1.1 200"));
    let seen = store.seen();
    assert_eq!((seen.requests, seen.reads_truncated, seen.turned_away), (2, 1, 1));
}

#[tokio::test]
async fn it_tells_what_it_saw_over_the_wire() {
    let store = NullStore::start(Options::default()).await.unwrap();
    ask(&store, "DELETE /t-1/k HTTP/1.1", "").await;
    let told = ask(&store, &format!("GET {SEEN_PATH} HTTP/1.1"), "").await;
    let (_, body) = told.split_once("\r\n\r\n").unwrap();
    let seen: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((seen["requests"].as_u64(), seen["applied"].as_u64()), (Some(1), Some(1)));
}
