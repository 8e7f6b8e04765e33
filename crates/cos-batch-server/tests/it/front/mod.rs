//! Behind nginx: requests that say two things about where they end. What the front takes for a part of one request must never
//! be answered as another one behind it, whatever of it the front passes on.
//!
//! Between the two every byte is noted, and the front's own log says which requests it saw and passed on. Where there is no
//! nginx the test says that it was skipped; `cargo xtask torture front` installs it, and prints what became of each case.

mod cases;
mod naive;
mod nginx;
mod tap;

use std::{collections::BTreeMap, env, io::Write as _, path::Path};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    task::JoinSet,
};

use self::{
    cases::{cases, shown},
    nginx::{Bodies, Nginx},
    tap::Tap,
};
use crate::support::{socket::patiently, *};

/// Set by `cargo xtask torture front`: the test fails where there is no nginx, and tells about each case.
const DEMANDED_VARIABLE: &str = "COS_BATCH_FRONT";

/// Honest requests beside each case, over the same connections behind the front.
const HONEST: usize = 2;

/// Sends these bytes, and reads until the front ends the connection.
async fn send(socket: &Path, bytes: &[u8]) -> String {
    let mut stream = patiently(UnixStream::connect(socket)).await.unwrap();
    // The front may end it before it has read all.
    let _ = patiently(stream.write_all(bytes)).await;
    let mut answer = Vec::new();
    let _ = patiently(stream.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Asks for something nobody else asks for, and sees that this is what is answered.
async fn ask_honestly(socket: &Path, number: usize) {
    let request =
        format!("POST /jobs/honest-{number}/priority?priority={number} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n");
    let answer = send(socket, format!("{request}Content-Length: 0\r\n\r\n").as_bytes()).await;
    let mine = answer.starts_with("HTTP/1.1 200 ") && answer.contains(&format!("honest-{number}<"));
    assert!(mine, "somebody else's answer: {answer}");
}

/// Of all answers; one begins where the body before it ends, which may have no line end.
fn statuses(answer: &str) -> Vec<&str> {
    answer.split("HTTP/1.1 ").skip(1).filter_map(|rest| rest.get(..3)).collect()
}

#[tokio::test]
async fn nothing_is_answered_that_the_front_did_not_see() {
    let demanded = env::var_os(DEMANDED_VARIABLE).is_some();
    if !nginx::is_there() {
        assert!(!demanded, "there is no nginx");
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no nginx");
        return;
    }
    for bodies in [Bodies::Whole, Bodies::AsTheyCome] {
        let recorder = Recorder::default();
        let server = Server::start(anonymous(recorder.clone()).build().unwrap()).await;
        let tap = Tap::start(server.address).await;
        let nginx = Nginx::start(tap.address, bodies).await;

        let mut told = BTreeMap::new();
        let all = cases();
        let mut tasks = JoinSet::new();
        for (number, bytes) in all.iter().cloned().enumerate() {
            let socket = nginx.socket();
            tasks.spawn(async move {
                let answer = send(&socket, &bytes).await;
                for honest in 0..HONEST {
                    ask_honestly(&socket, number * HONEST + honest).await;
                }
                (number, answer)
            });
        }
        while let Some(ended) = tasks.join_next().await {
            let (number, answer) = ended.unwrap();
            told.insert(number, answer);
        }

        // Its log is complete when it has ended.
        let passed_on = nginx.stop().await;
        let answered = tap.answers();
        server.stop().await;
        let asked: Vec<String> = recorder.take().into_iter().map(|(_, request)| request).collect();
        assert_eq!(answered, passed_on.len(), "what was answered, and what the front passed on: {passed_on:#?}");
        let mut carried_out = 0;
        for (number, bytes) in all.iter().enumerate() {
            let victim = format!("victim-{number}\"");
            let deleted = asked.iter().filter(|request| request.contains(&victim)).count();
            let line = format!("DELETE /jobs/victim-{number}");
            let seen = passed_on.iter().filter(|request| **request == line).count();
            let first = passed_on.iter().any(|request| request.contains(&format!("case={number}&")));
            if demanded {
                let met = statuses(&told[&number]).join(" ");
                let first = if first { "passed on" } else { "not passed on" };
                eprintln!("{bodies:?}, {}: {met}; the first request is {first}, the second {seen} times", shown(bytes));
            }
            assert_eq!(deleted, seen, "{}: a request that the front did not see: {}", shown(bytes), told[&number]);
            carried_out += seen;
        }
        let honest = all.len() * HONEST;
        let cases = passed_on.iter().filter(|request| request.contains("case=")).count();
        assert!(cases > 10, "the front passed on {cases} only: {passed_on:#?}");
        assert!(passed_on.iter().filter(|request| request.contains("honest-")).count() == honest);
        eprintln!(
            "{} cases, bodies {bodies:?}: the front passed on {cases} of the first requests and saw {carried_out} of the \
             second ones as requests; {answered} requests were passed on, and as many answered",
            all.len()
        );
    }
}

/// Of a server that takes a body for requests it would be noticed.
#[tokio::test]
async fn what_takes_bodies_for_requests_is_noticed() {
    if !nginx::is_there() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no nginx");
        return;
    }
    for bodies in [Bodies::Whole, Bodies::AsTheyCome] {
        let tap = Tap::start(naive::start().await).await;
        let nginx = Nginx::start(tap.address, bodies).await;
        let mut tasks = JoinSet::new();
        for bytes in cases() {
            let socket = nginx.socket();
            tasks.spawn(async move { send(&socket, &bytes).await });
        }
        tasks.join_all().await;
        let passed_on = nginx.stop().await;
        assert!(tap.answers() > passed_on.len(), "{} answers to {} requests", tap.answers(), passed_on.len());
    }
}
