//! Clients that take too long, too much or too many, on real sockets. Others are served meanwhile: each test says when.

use std::time::Duration;

use cos_batch_model::*;
use cos_batch_server::{Limits, listen::ListenOptions};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::{
    honest::{Connects, Honest},
    socket::patiently,
    *,
};

/// Short enough to wait for, and long enough for honest requests on a busy machine.
const SHORT: Duration = Duration::from_secs(1);

/// How many misbehave at once.
const MANY: usize = 50;

fn short_heads() -> ListenOptions {
    ListenOptions { head_timeout: SHORT, ..ListenOptions::default() }
}

async fn open(server: &Server, count: usize) -> Vec<Connection> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(Connection::open(server).await);
    }
    connections
}

#[tokio::test]
async fn heads_that_never_end() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let server = Server::start_with(service, short_heads()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let begun = ["", "G", "GET /jobs HTTP/1.1", "GET /jobs HTTP/1.1\r\n", "GET /jobs HTTP/1.1\r\nHost: h\r\nX-A: "];
    let mut slow = open(&server, MANY).await;
    for (connection, begun) in slow.iter_mut().zip(begun.iter().cycle()) {
        connection.write(begun).await;
    }
    honest.is_served().await;
    // The server ends them: there is nothing else that would.
    for connection in slow {
        let rest = connection.rest().await;
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&rest));
    }
    honest.is_served().await;
    drop(honest);
    server.stop().await;
}

#[tokio::test]
async fn a_head_byte_by_byte_has_no_more_time_than_another() {
    let service = anonymous(Recorder::default()).build().unwrap();
    let server = Server::start_with(service, short_heads()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let mut slow = Connection::open(&server).await;
    slow.write("GET /jobs HTTP/1.1\r\nX-Long: ").await;
    // Each byte waits for honest answers, so that the head never ends, but is never silent for long either.
    let began = std::time::Instant::now();
    while slow.try_write("a").await {
        honest.is_served().await;
        assert!(began.elapsed() < Duration::from_secs(20), "the time for a head begins anew with each byte");
    }
    honest.is_served().await;
    drop(honest);
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_never_end() {
    let limits = Limits { body_timeout: SHORT, ..Limits::default() };
    let service = anonymous(Recorder::default()).limits(limits).build().unwrap();
    let server = Server::start(service).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let mut slow = open(&server, MANY).await;
    let begun = [
        "Content-Length: 100\r\n\r\n",
        "Content-Length: 100\r\n\r\n<CreateJobRequest>",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n<Crea\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n<C",
        "Transfer-Encoding: chunked\r\n\r\n5",
    ];
    for (connection, begun) in slow.iter_mut().zip(begun.iter().cycle()) {
        connection.write(format!("POST /jobs HTTP/1.1\r\nHost: h\r\n{begun}")).await;
    }
    honest.is_served().await;
    for mut connection in slow {
        let answer = connection.answer().await;
        assert_eq!(error(&answer).code, ErrorCode::RequestTimeout);
        assert!(connection.rest().await.is_empty(), "the connection ends with the answer");
    }

    // A byte now and then does not help.
    let mut slow = Connection::open(&server).await;
    slow.write("POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").await;
    let answer = slow_answer(&mut slow, &honest).await;
    assert_eq!(error(&answer).code, ErrorCode::RequestTimeout);
    drop(honest);
    server.stop().await;
}

/// Goes on with a body byte by byte until the answer is there.
async fn slow_answer(slow: &mut Connection, honest: &Honest) -> http::Response<bytes::Bytes> {
    while !slow.has_answer() {
        honest.is_served().await;
        if !slow.try_write("a").await {
            break;
        }
    }
    slow.answer().await
}

#[tokio::test]
async fn idle_connections_up_to_the_cap() {
    const CAP: usize = 2000;
    // Two descriptors each, more than the 1,024 that a process is given in many places; most may ask for more.
    let descriptors = 2 * CAP as u64 + 200;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < descriptors) {
        limit.current = Some(descriptors);
        setrlimit(Resource::Nofile, limit).expect("a hard limit of 4,200 descriptors");
    }
    let service = anonymous(Recorder::default()).build().unwrap();
    let options = ListenOptions { connections: CAP, head_timeout: 2 * SHORT, ..ListenOptions::default() };
    let server = Server::start_with(service, options).await;
    let honest = Honest::begin(&server, Connects::Once).await;
    let idle = open(&server, CAP - 1).await;
    honest.is_served().await;
    // There is no room for this one until one of the idle ones is ended.
    let mut late = Connection::open(&server).await;
    let answer = late.ask("GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n");
    let (answer, ()) = tokio::join!(answer, honest.is_served());
    assert_eq!(answer.status(), 200);
    for connection in idle {
        assert!(connection.rest().await.is_empty());
    }
    honest.is_served().await;
    drop((honest, late));
    server.stop().await;
}

/// What somebody does with a connection who means no good, and what comes of it.
#[derive(Clone, Copy, Debug)]
enum Bad {
    /// Opens it, and says nothing.
    Silent,
    /// Says half a head, and nothing more.
    HalfAHead,
    /// Says half a body, and nothing more.
    HalfABody,
    /// Says what is no HTTP.
    Garbage,
    /// Says more than there is room for.
    Flood,
    /// Says a request, and goes away without its answer.
    Leaves,
    /// Says half of one, and goes away.
    LeavesInside,
    /// Says two requests in one, of two lengths.
    TwoLengths,
}

impl Bad {
    const ALL: [Self; 8] = [
        Self::Silent,
        Self::HalfAHead,
        Self::HalfABody,
        Self::Garbage,
        Self::Flood,
        Self::Leaves,
        Self::LeavesInside,
        Self::TwoLengths,
    ];

    fn words(self) -> String {
        match self {
            Self::Silent => String::new(),
            Self::HalfAHead => "GET /jobs HTTP/1.1\r\nHost: h\r\nX-A: ".into(),
            Self::HalfABody => "POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\n<Create".into(),
            Self::Garbage => "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\r\n\r\n".into(),
            Self::Flood => format!("GET /jobs HTTP/1.1\r\nHost: h\r\nX-A: {}", "v".repeat(100_000)),
            Self::Leaves => "GET /jobs HTTP/1.1\r\nHost: h\r\n\r\n".into(),
            Self::LeavesInside => "GET /jobs HT".into(),
            Self::TwoLengths => {
                "POST /jobs HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nGET /x".into()
            }
        }
    }

    /// Does it, until the server ends the connection or there is nothing left to do.
    async fn act(self, address: std::net::SocketAddr) {
        let mut connection = Connection::to(address).await;
        connection.try_write(self.words()).await;
        if matches!(self, Self::Leaves | Self::LeavesInside) {
            return;
        }
        let rest = connection.rest().await;
        // An answer that refuses, or none: but for the beginning it is only read to see the end.
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 4"), "{self:?}: {}", String::from_utf8_lossy(&rest));
    }
}

/// Six thousand bad connections, four hundred at a time, beside somebody honest, who is served all the time: over the connection
/// he has and over new ones. There is room for both; when there is none, new ones wait
/// ([`idle_connections_up_to_the_cap`]).
#[tokio::test]
async fn six_thousand_bad_connections_beside_an_honest_one() {
    const BAD: usize = 6_000;
    const AT_A_TIME: usize = 400;
    let limits = Limits { body_timeout: SHORT, ..Limits::default() };
    let service = anonymous(Recorder::default()).limits(limits).build().unwrap();
    let server = Server::start_with(service, short_heads()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let mut bad = tokio::task::JoinSet::new();
    for (number, kind) in Bad::ALL.into_iter().cycle().take(BAD).enumerate() {
        if bad.len() == AT_A_TIME {
            bad.join_next().await.unwrap().unwrap();
        }
        bad.spawn(kind.act(server.address));
        if number % 50 == 0 {
            honest.is_served().await;
        }
    }
    while let Some(ended) = bad.join_next().await {
        ended.unwrap();
    }
    honest.is_served().await;
    drop(honest);
    server.stop().await;
}

#[tokio::test]
async fn floods_of_headers_and_long_addresses() {
    let recorder = Recorder::default();
    let server = Server::start(anonymous(recorder.clone()).build().unwrap()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let headers = |count: usize| (0..count).map(|n| format!("x-{n}: v\r\n")).collect::<String>();
    let list = |headers: &str| format!("GET /jobs HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    let address = |bytes: usize| format!("GET /jobs?{} HTTP/1.1\r\nHost: h\r\n\r\n", "a".repeat(bytes));

    // What is just too much is refused by name.
    let mut connection = Connection::open(&server).await;
    assert_eq!(connection.ask(list(&headers(63))).await.status(), 200);
    for (request, code) in [
        (list(&headers(64)), ErrorCode::InvalidRequest),
        (list(&headers(90)), ErrorCode::InvalidRequest),
        (list(&format!("x-a: {}\r\n", "v".repeat(33 * 1024))), ErrorCode::InvalidRequest),
        (address(8 * 1024), ErrorCode::InvalidUri),
        (address(30 * 1024), ErrorCode::InvalidUri),
    ] {
        let answer = connection.ask(request).await;
        assert_eq!(error(&answer).code, code);
    }
    honest.is_served().await;

    // What is far too much is not even read to its end: the connection ends.
    for (request, status) in [
        (list(&headers(200)), 431),
        (list(&headers(20_000)), 431),
        (list(&format!("x-a: {}\r\n", "v".repeat(500_000))), 431),
        (list(&format!("{}: v\r\n", "n".repeat(500_000))), 431),
        (address(66_000), 414),
        (address(500_000), 431),
        (format!("{} /jobs HTTP/1.1\r\nHost: h\r\n\r\n", "M".repeat(500_000)), 431),
    ] {
        let mut connection = Connection::open(&server).await;
        connection.try_write(&request).await;
        let rest = connection.rest().await;
        let beginning = String::from_utf8_lossy(&rest[..rest.len().min(12)]).into_owned();
        // What was sent too much makes the system reset the connection, and an answer may be lost by that.
        let expected = [String::new(), format!("HTTP/1.1 {status}")];
        assert!(expected.contains(&beginning), "{beginning}, expected {status}: {}", &request[..40]);
        honest.is_served().await;
    }
    let asked = recorder.take();
    assert!(asked.iter().all(|(_, request)| request.contains("ListJobsRequest")));
    drop((honest, connection));
    server.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(anonymous(Recorder::default()).build().unwrap()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let mut connection = Connection::open(&server).await;
    let requests: String = (0..200).map(|n| format!("GET /jobs/job-{n} HTTP/1.1\r\nHost: h\r\n\r\n")).collect();
    connection.write(requests).await;
    for n in 0..200 {
        let found = error(&connection.answer().await);
        assert_eq!(found.resource, Some(format!("/jobs/job-{n}")));
    }
    honest.is_served().await;
    drop((honest, connection));
    server.stop().await;
}

#[tokio::test]
async fn who_asks_and_never_reads_is_cut_off() {
    let recorder = Recorder::default();
    let options = ListenOptions { write_timeout: SHORT, ..ListenOptions::default() };
    let server = Server::start_with(anonymous(recorder.clone()).build().unwrap(), options).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let mut greedy = Connection::open(&server).await;
    let requests = "GET /jobs/greedy HTTP/1.1\r\nHost: h\r\n\r\n".repeat(1000);
    // The server stops reading when its answers are not taken, so that this ends, by the time limit for answers.
    let mut written = 0;
    while greedy.try_write(&requests).await {
        written += 1;
        assert!(written < 1000, "a million requests were taken from a client that reads no answer");
    }
    honest.is_served().await;
    let greedy = recorder.take().iter().filter(|(_, request)| request.contains("greedy")).count();
    assert!(greedy > 0);
    drop(honest);
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_http_at_all() {
    let recorder = Recorder::default();
    let server = Server::start(anonymous(recorder.clone()).build().unwrap()).await;
    let honest = Honest::begin(&server, Connects::EachTime).await;
    let cases: [&[u8]; 9] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a greeting of TLS",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        b"GET /jobs\r\n\r\n",
        b"GET /jobs HTTP/3.0\r\n\r\n",
        b"GET /jobs HTTP/1.1\r\nHost h\r\n\r\n",
        b"GET /jobs HTTP/1.1\r\nHo st: h\r\n\r\n",
        b"GET /jobs HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n",
        b"GET /jo\x00bs HTTP/1.1\r\nHost: h\r\n\r\n",
    ];
    for case in cases {
        let mut connection = Connection::open(&server).await;
        connection.write(case).await;
        let rest = connection.rest().await;
        let text = String::from_utf8_lossy(case);
        assert!(rest.is_empty() || rest.starts_with(b"HTTP/1.1 400 "), "{text}: {}", String::from_utf8_lossy(&rest));
        patiently(honest.is_served()).await;
    }
    drop(honest);
    server.stop().await;
    assert!(recorder.take().iter().all(|(_, request)| request.contains("ListJobsRequest")));
}
