//! Where a request ends: heads that say two things about it, or nothing clear. A proxy in front may read them otherwise,
//! so that what it takes for a body must never become a request here.

use crate::support::{
    honest::{Connects, Honest},
    *,
};

/// What must never be carried out.
const VICTIM: &str = "DELETE /jobs/victim HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n";

/// How a request must be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It is not understood, or the length is beyond all measure (431): the service is not asked, the connection ends.
    Refused,
    /// Its body is what Transfer-Encoding says; the service answers, and the connection ends.
    Chunked,
}

const CASES: [(&str, Met); 25] = [
    ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Met::Chunked),
    ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", Met::Chunked),
    ("Content-Length: 5\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Met::Chunked),
    ("transfer-encoding: CHUNKED\r\ncontent-length: 5\r\n\r\n0\r\n\r\n", Met::Chunked),
    ("Content-Length: 5\r\nContent-Length: 6\r\n\r\n", Met::Refused),
    ("Content-Length: 0\r\nContent-Length: 69\r\n\r\n", Met::Refused),
    ("Content-Length: 5, 6\r\n\r\n", Met::Refused),
    ("Content-Length: +5\r\n\r\n", Met::Refused),
    ("Content-Length: -5\r\n\r\n", Met::Refused),
    ("Content-Length: 0x5\r\n\r\n", Met::Refused),
    ("Content-Length: 5 5\r\n\r\n", Met::Refused),
    ("Content-Length: five\r\n\r\n", Met::Refused),
    ("Content-Length: \r\n\r\n", Met::Refused),
    ("Content-Length: 18446744073709551616\r\n\r\n", Met::Refused),
    ("Content-Length: 18446744073709551615\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: gzip\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: identity\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: chunked, gzip\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: xchunked\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: \r\n\r\n", Met::Refused),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n", Met::Refused),
    ("Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", Met::Refused),
    ("Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", Met::Refused),
    ("Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", Met::Refused),
];

#[tokio::test]
async fn a_head_that_says_two_things_ends_the_connection() {
    let recorder = Recorder::default();
    let server = Server::start(anonymous(recorder.clone()).build().unwrap()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    for (head, met) in CASES {
        for method in ["GET", "POST"] {
            let mut connection = Connection::open(&server).await;
            connection.write(format!("{method} /jobs HTTP/1.1\r\nHost: h\r\n{head}{VICTIM}")).await;
            let text = String::from_utf8(connection.rest().await).unwrap();
            let answers = text.matches("HTTP/1.1 ").count();
            assert_eq!(answers, 1, "{method} {head:?}: {text}");
            let by_service = text.contains("server: cos-batch");
            assert_eq!(by_service, met == Met::Chunked, "{method} {head:?}: {text}");
            let refused = ["HTTP/1.1 400 ", "HTTP/1.1 431 "].iter().any(|line| text.starts_with(line));
            assert!(by_service || refused, "{method} {head:?}: {text}");
        }
    }
    honest.is_served().await;
    drop(honest);
    server.stop().await;
    let deleted = recorder.take().into_iter().any(|(_, request)| request.contains("victim"));
    assert!(!deleted, "what came in a body was carried out");
}

#[tokio::test]
async fn http_1_0_has_no_chunks() {
    let recorder = Recorder::default();
    let server = Server::start(anonymous(recorder.clone()).build().unwrap()).await;
    let mut connection = Connection::open(&server).await;
    connection
        .write(format!(
            "POST /jobs HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{VICTIM}"
        ))
        .await;
    let text = String::from_utf8(connection.rest().await).unwrap();
    assert!(text.starts_with("HTTP/1.1 400 ") || text.starts_with("HTTP/1.0 400 "), "{text}");
    assert_eq!(text.matches("HTTP/1.").count(), 1, "{text}");
    server.stop().await;
    assert!(recorder.take().is_empty());
}

#[tokio::test]
async fn chunks_that_are_none() {
    let recorder = Recorder::default();
    let server = Server::start(anonymous(recorder.clone()).build().unwrap()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    for chunks in [
        "zz\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        "\r\n",
        "10000000000000000\r\n",
        "ffffffffffffffff\r\n<",
        "1\r\n<<",
        "1\r\n<\r1",
        &format!("1;{}", "e".repeat(100_000)),
        &format!("{}1\r\n<\r\n0\r\n\r\n", "0".repeat(100_000)),
        &format!("1\r\n<\r\n0\r\n{}", "trailer: t\r\n".repeat(20_000)),
        &format!("1\r\n<\r\n0\r\ntrailer: {}", "t".repeat(500_000)),
    ] {
        let shown = &chunks[..chunks.len().min(40)];
        let mut connection = Connection::open(&server).await;
        connection.write("POST /jobs HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        connection.try_write(chunks).await;
        connection.finish().await;
        let text = String::from_utf8(connection.rest().await).unwrap();
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{shown:?}: {text}");
        assert!(text.matches("HTTP/1.1 ").count() <= 1, "{shown:?}: {text}");
        honest.is_served().await;
    }
    drop(honest);
    server.stop().await;
    assert!(recorder.take().iter().all(|(_, request)| request.contains("ListJobsRequest")));
}

#[tokio::test]
async fn in_strict_mode_a_signed_length_cannot_become_chunks() {
    let recorder = Recorder::default();
    let server = Server::start(strict(recorder.clone())).await;
    let mut request = create();
    request.headers_mut().insert("content-length", CREATE.len().into());
    let bytes = String::from_utf8(on_the_wire(signed(request)).await).unwrap();
    let (head, body) = bytes.split_once("\r\n\r\n").unwrap();
    let mut connection = Connection::open(&server).await;
    let answer = connection.ask(&bytes).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(recorder.take().len(), 1);

    let chunked =
        format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n{VICTIM}", body.len());
    let answer = connection.ask(chunked).await;
    let found = error(&answer);
    assert!(found.code.as_str() == "AccessDenied" && found.message.contains("content-length"), "{found}");
    assert!(connection.rest().await.is_empty(), "the connection ends");
    server.stop().await;
    assert!(recorder.take().is_empty());
}
