//! What an answer says, held against another reader: whatever comes over a connection, we never take it for another answer than
//! `hyper` does, and refuse what it takes only where that could be read in two ways.

use std::env;

use bytes::Bytes;
use cos_batch_objectstore::{GetRequest, HttpDialect, HttpStore, ObjectStore as _};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{RngAlgorithm, TestRng, TestRunner},
};
use tokio::{net::TcpStream, runtime::Builder};

use super::{
    doing::LATEST,
    script::{Script, Then},
};

/// Each is answered on two connections, so that this is some seconds' work. Always the same ones: what a new one finds is found by
/// whoever looks for it.
const CASES: u32 = 400;

/// So many others in their place, each time new ones; 30,000 take some three minutes.
const CASES_VARIABLE: &str = "COS_BATCH_ANSWERS_CASES";

/// What is put in, or in the place of something: what heads and chunks are made of. No null, at which a script pauses.
const BYTES: &[u8] = b"\r\n :;,019afAFxGk-+\t\"\x01\x80\xff";

/// Answers as servers write them, and as they should not.
fn answers() -> impl Strategy<Value = Vec<u8>> {
    let first = select(vec![
        "HTTP/1.1 200 OK",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 200",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 404 Not Found",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK",
    ]);
    let lines = select(vec![
        "content-length: 12\r\n",
        "Content-Length:12\r\n",
        "content-length: 7\r\n",
        "Transfer-Encoding: chunked\r\n",
        "transfer-encoding: Chunked\r\n",
        "connection: close\r\n",
        "connection: keep-alive\r\n",
        "etag: \"x\"\r\n",
        "x-folded: a\r\n b\r\n",
    ]);
    let body = select(vec![
        "hello, world",
        "5\r\nhello\r\n0\r\n\r\n",
        "C;x=\"y\"\r\nhello, world\r\n000\r\nx-after: 1\r\n\r\n",
        "1 \r\nh\r\n2\r\nel\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        "",
    ]);
    let changes = vec((any::<prop::sample::Index>(), 0..3u8, select(BYTES)), 0..3);
    (first, vec(lines, 0..4), body, changes).prop_map(|(first, lines, body, changes)| {
        let mut text = format!("{first}\r\n{}\r\n{body}", lines.concat()).into_bytes();
        for (at, change, byte) in changes {
            let at = at.index(text.len());
            match change {
                0 => drop(text.remove(at)),
                1 => text.insert(at, byte),
                _ => text[at] = byte,
            }
        }
        text
    })
}

/// Status and body, as `hyper` reads them.
async fn as_others_read_it(address: &str) -> Option<(u16, Bytes)> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(connection);
    let request = http::Request::get("/b-1/k").header("host", address).body(Empty::<Bytes>::new()).unwrap();
    let read = async {
        let answer = sender.send_request(request).await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.into_body().collect().await.ok()?.to_bytes()))
    };
    let read = read.await;
    driver.abort();
    read
}

#[test]
fn no_answer_is_read_as_another_than_others_read() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let wanted = env::var(CASES_VARIABLE).ok().map(|text| text.parse::<u32>().unwrap());
    let cases = wanted.unwrap_or(CASES);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = match wanted {
        Some(_) => TestRunner::new(config),
        None => TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha)),
    };
    let told = runner.run(&answers(), |text| {
        runtime.block_on(async {
            let script = Script::start_bytes([(text.clone(), Then::Close), (text.clone(), Then::Close)]).await;
            let theirs = as_others_read_it(&script.address).await;
            let store = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address)).build().unwrap();
            let request = GetRequest { bucket: "b-1", key: "k", version: LATEST, range: 0..1000, pin: None };
            let ours = store.get_range(request).await;
            let shown = String::from_utf8_lossy(&text).into_owned();
            match (theirs, ours) {
                (Some((200..300, theirs)), Ok(ours)) => prop_assert_eq!(theirs, ours, "{}", shown),
                (Some((200..300, _)), Err(error)) => {
                    let two_ways = [
                        "Transfer-Encoding that is not",
                        "two lengths",
                        "Content-Length is no number",
                        "does not end with its only carriage return",
                        "is of HTTP/1.0 and has",
                    ];
                    prop_assert!(two_ways.iter().any(|why| error.message().contains(why)), "{shown:?}: {error}");
                }
                (theirs, Ok(ours)) => prop_assert!(false, "{shown:?}: {theirs:?}, {ours:?}"),
                (_, Err(_)) => {}
            }
            Ok(())
        })
    });
    told.unwrap();
}
