//! The head of an answer: what it says of itself and of the body that follows (RFC 9112, section 6).

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Response, Status};

use crate::http::head::Fields;

/// Headers of an answer at most. One with an object's metadata may have some hundred of its own within its 2 KB; others have some
/// ten.
const HEADERS_MAX: usize = 512;

/// Where the body of an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes.
    Length(u64),
    /// With its last chunk.
    Chunks,
    /// With the connection.
    Close,
}

/// The head of an answer.
#[derive(Debug)]
pub(super) struct AnswerHead {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) framing: Framing,
    /// The connection takes another request afterwards.
    pub(super) keeps: bool,
}

/// Reads the head at the beginning of these bytes; none: it does not end in them. Beside it how many bytes it has.
///
/// # Errors
///
/// What comes is not HTTP, or says two things of its body.
pub(super) fn head(bytes: &[u8], to_head: bool) -> Result<Option<(AnswerHead, usize)>, String> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; HEADERS_MAX];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(&mut response, bytes, &mut headers);
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(error) => return Err(format!("what came is no answer: {error}")),
    };
    let status = response.code.unwrap_or_default();
    let mut keeps = response.version == Some(1);
    let (mut announced, mut coded) = (None, None);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let length = number(header.value).ok_or("what came is no answer: its Content-Length is no number")?;
            if announced.replace(length).is_some_and(|other| other != length) {
                return Err("what came is no answer: it has two lengths".to_owned());
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if coded.is_some() || !header.value.eq_ignore_ascii_case(b"chunked") {
                return Err("the answer has a Transfer-Encoding that is not `chunked`".to_owned());
            }
            coded = Some(());
        } else if header.name.eq_ignore_ascii_case("connection") {
            for word in header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                if word.eq_ignore_ascii_case(b"close") {
                    keeps = false;
                }
            }
        }
    }
    if coded.is_some() && response.version != Some(1) {
        return Err("the answer is of HTTP/1.0 and has a Transfer-Encoding, which came later".to_owned());
    }
    let framing = if to_head || matches!(status, 100..=199 | 204 | 304) {
        Framing::Length(0)
    } else if coded.is_some() {
        // One with a length besides may be read in two ways by those on the way.
        keeps &= announced.is_none();
        Framing::Chunks
    } else {
        announced.map_or(Framing::Close, Framing::Length)
    };
    keeps &= framing != Framing::Close;
    // The first line may come after empty ones.
    let first_line = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or_default();
    let lines = memchr::memchr(b'\n', &bytes[first_line..length]).map_or(length, |end| first_line + end + 1);
    Ok(Some((AnswerHead { status, fields: Fields::new(&bytes[lines..length]), framing, keeps }, length)))
}

/// A number of digits alone.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    if digits { std::str::from_utf8(text).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, to_head: bool) -> Result<Option<(u16, Framing, bool, usize)>, String> {
        let read = head(text.as_bytes(), to_head)?;
        Ok(read.map(|(head, length)| (head.status, head.framing, head.keeps, length)))
    }

    #[test]
    fn a_head_says_where_the_body_ends() {
        for (text, status, framing, keeps) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, Framing::Length(5), true),
            ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\n", 200, Framing::Length(5), true),
            ("\r\nHTTP/1.1 200\nContent-Length: 5\n\n", 200, Framing::Length(5), true),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x, Close\r\n\r\n", 200, Framing::Length(5), false),
            ("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n", 200, Framing::Length(5), false),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n", 200, Framing::Chunks, true),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", 200, Framing::Chunks, false),
            ("HTTP/1.1 500 No\r\n\r\n", 500, Framing::Close, false),
            ("HTTP/1.1 204 None\r\n\r\n", 204, Framing::Length(0), true),
            ("HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", 304, Framing::Length(0), true),
            ("HTTP/1.1 100 Continue\r\n\r\n", 100, Framing::Length(0), true),
        ] {
            assert_eq!(of(text, false), Ok(Some((status, framing, keeps, text.len()))), "{text}");
            let all_but_one = &text[..text.len() - 1];
            assert_eq!(of(all_but_one, false), Ok(None), "{all_but_one}");
        }
        let told = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(of(told, true), Ok(Some((200, Framing::Length(0), true, told.len()))));
        let (head, _) = head(b"\r\n\r\nHTTP/1.1 200 OK\r\nA: b\r\nC:d\r\n\r\nrest", false).unwrap().unwrap();
        let fields: Vec<_> = head.fields.iter().collect();
        assert_eq!(fields, [("A", &b"b"[..]), ("C", b"d")]);
    }

    #[test]
    fn what_is_no_answer_or_says_two_things_is_refused() {
        for text in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/2.0 200 OK\r\n\r\n",
            "HTTP/1.1 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            &format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX + 1)),
        ] {
            assert!(of(text, false).is_err(), "{text}");
        }
        let most = format!("HTTP/1.1 204 OK\r\n{}\r\n", "a: b\r\n".repeat(HEADERS_MAX));
        assert!(of(&most, false).unwrap().is_some());
    }
}
