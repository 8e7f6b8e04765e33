//! What may listen where a server of the API is expected.

use std::{
    io::{Read, Write as _},
    net::TcpListener,
    thread,
};

/// How it behaves.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stranger {
    /// Ends each connection at once.
    Closes,
    /// Takes a whole request, and ends the connection.
    HangsUp,
    /// Takes everything, and says nothing.
    Silent,
    /// Answers each request with this text, which is no HTTP.
    Says(&'static str),
    /// Answers each request with this status and this page.
    Answers(&'static str, &'static str),
}

/// Starts it, for as long as this process lives; gives its address.
pub(super) fn start(stranger: Stranger) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // A caller that has seen enough is gone before all is written.
            thread::spawn(move || match stranger {
                Stranger::Closes => {}
                Stranger::HangsUp => take(&mut stream),
                Stranger::Silent => {
                    let _ = std::io::copy(&mut stream, &mut std::io::sink());
                }
                Stranger::Says(text) => {
                    take(&mut stream);
                    let _ = stream.write_all(text.as_bytes());
                }
                Stranger::Answers(status, page) => {
                    take(&mut stream);
                    let length = page.len();
                    let head = format!("HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {length}");
                    let _ = write!(stream, "{head}\r\nconnection: close\r\n\r\n{page}");
                }
            });
        }
    });
    format!("http://{address}")
}

/// Reads one request to its end: a connection that is ended with something unread in it is reset, at any moment.
fn take(stream: &mut impl Read) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return;
            }
        }
        match stream.read(&mut buffer) {
            Ok(read @ 1..) => bytes.extend_from_slice(&buffer[..read]),
            _ => return,
        }
    }
}
