//! Stands between the front and the server, passes everything on, and counts the answers.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

/// What the server sent on each connection.
type Sent = Arc<Mutex<Vec<Vec<u8>>>>;

pub(super) struct Tap {
    pub(super) address: SocketAddr,
    sent: Sent,
}

impl Tap {
    pub(super) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let sent = Sent::default();
        let all = Arc::clone(&sent);
        tokio::spawn(async move {
            while let Ok((front, _)) = listener.accept().await {
                let behind = TcpStream::connect(server).await.unwrap();
                let number = {
                    let mut all = all.lock().unwrap();
                    all.push(Vec::new());
                    all.len() - 1
                };
                let ((from_front, to_front), (from_server, to_server)) = (front.into_split(), behind.into_split());
                tokio::spawn(pass_on(from_front, to_server, None));
                tokio::spawn(pass_on(from_server, to_front, Some((Arc::clone(&all), number))));
            }
        });
        Self { address, sent }
    }

    /// How many requests the server answered, refusals included; what it says while a body is on its way is no answer.
    pub(super) fn answers(&self) -> usize {
        let sent = self.sent.lock().unwrap();
        let count = |bytes: &Vec<u8>| {
            let text = String::from_utf8_lossy(bytes);
            let begin = |line: &&str| {
                let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.get(1..3));
                status.is_some_and(|begin| begin.starts_with(' ') && begin != " 1")
            };
            // An answer begins where the one before it ends, and its body may have no line end.
            text.replace("HTTP/1.", "\nHTTP/1.").lines().filter(|line| begin(line)).count()
        };
        sent.iter().map(count).sum()
    }
}

async fn pass_on(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, noted: Option<(Sent, usize)>) {
    let mut bytes = vec![0; 16 << 10];
    // Either end may go away.
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if let Some((sent, number)) = &noted {
            sent.lock().unwrap()[*number].extend_from_slice(&bytes[..read]);
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}
