//! A server that does as it is told, and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// It waits for the next request.
    Keep,
    /// It is closed.
    Close,
    /// It is cut off.
    Reset,
    /// Nothing more is written, but it stays open.
    HalfClose,
    /// Nothing happens until the other side closes it.
    Hang,
}

/// How long a server pauses that answers slowly.
pub(super) const PAUSE: std::time::Duration = std::time::Duration::from_millis(100);

#[derive(Debug, Default)]
struct State {
    answers: VecDeque<(Vec<u8>, Then)>,
    requests: Vec<String>,
    connections: usize,
    closed: usize,
}

/// The server. It answers requests in the order of its script, whatever connection they come on.
#[derive(Debug)]
pub(super) struct Script {
    pub(super) address: String,
    state: Arc<Mutex<State>>,
    task: tokio::task::JoinHandle<()>,
}

impl Script {
    pub(super) async fn start(answers: impl IntoIterator<Item = (String, Then)>) -> Self {
        Self::start_bytes(answers.into_iter().map(|(answer, then)| (answer.into_bytes(), then))).await
    }

    /// With answers that need not be text.
    pub(super) async fn start_bytes(answers: impl IntoIterator<Item = (Vec<u8>, Then)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answers = answers.into_iter().collect();
        let state = Arc::new(Mutex::new(State { answers, ..State::default() }));
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                shared.lock().unwrap().connections += 1;
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, task }
    }

    /// What was asked, each with its head and body.
    pub(super) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.state.lock().unwrap().connections
    }

    /// Waits until the other side has let go of every connection.
    pub(super) async fn all_closed(&self) {
        self.open_at_most(0).await;
    }

    /// Waits until the other side has let go of all connections but so many.
    pub(super) async fn open_at_most(&self, most: usize) {
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        let mut pause = tokio::time::interval(std::time::Duration::from_millis(10));
        while {
            let state = self.state.lock().unwrap();
            state.closed + most < state.connections
        } {
            assert!(tokio::time::Instant::now() < deadline, "a connection is left open");
            pause.tick().await;
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut buffer = Vec::new();
    while let Some(request) = request(&mut stream, &mut buffer).await {
        let next = {
            let mut state = state.lock().unwrap();
            state.requests.push(request);
            state.answers.pop_front()
        };
        let Some((answer, then)) = next else { break };
        // A null is a pause: that is how a store answers that is not done yet.
        let mut pieces = answer.split(|byte| *byte == 0);
        let mut pause = tokio::time::interval(PAUSE);
        let mut gone = false;
        for piece in &mut pieces {
            pause.tick().await;
            gone = gone || stream.write_all(piece).await.is_err();
        }
        if gone {
            break;
        }
        match then {
            Then::Keep => {}
            Then::Close => break,
            Then::Reset => {
                stream.set_zero_linger().unwrap();
                break;
            }
            Then::HalfClose => {
                stream.shutdown().await.unwrap();
                let _ = stream.read_to_end(&mut buffer).await;
                break;
            }
            Then::Hang => {
                let _ = stream.read_to_end(&mut buffer).await;
                break;
            }
        }
    }
    drop(stream);
    state.lock().unwrap().closed += 1;
}

/// Reads a request with its body; none at the end.
async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let whole = end + 4 + length.map_or(0, |length| length.parse::<usize>().unwrap());
            if buffer.len() >= whole {
                let rest = buffer.split_off(whole);
                let request = std::mem::replace(buffer, rest);
                return Some(String::from_utf8_lossy(&request).into_owned());
            }
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

/// An answer with a body and these headers.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

/// An error as stores tell it.
pub(super) fn error(status: &str, code: &str) -> String {
    error_with(status, code, "told so")
}

/// The same in these words.
pub(super) fn error_with(status: &str, code: &str, message: &str) -> String {
    let body = format!(
        "<?xml version='1.0' encoding='utf-8' ?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <Resource>r</Resource><RequestId>id</RequestId></Error>"
    );
    answer(status, "", &body)
}
