//! A body in chunks (RFC 9112, section 7.1).

use http::{HeaderName, HeaderValue};

/// Bytes of the line before a chunk at most, extensions included: real ones have some ten, those of signed chunks a hundred.
const LINE_BYTES_MAX: usize = 4096;

/// Bytes of all lines after the last chunk at most.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// How far a body has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Chunks {
    /// The line with a chunk's size is next.
    #[default]
    Size,
    /// So many bytes of a chunk are left.
    Data { left: u64 },
    /// The line end after a chunk is next.
    DataEnd,
    /// Lines after the last chunk, of which so many bytes were seen.
    Trailer { seen: usize },
    /// It has ended.
    End,
}

impl Chunks {
    /// Takes in what it can of these bytes and tells how many they were; `out` gets the content among them. What is left over is
    /// less than a line, or after the end.
    ///
    /// # Errors
    ///
    /// These are no chunks.
    pub(super) fn take(&mut self, bytes: &[u8], mut out: impl FnMut(&[u8])) -> Result<usize, String> {
        let mut taken = 0;
        loop {
            let rest = &bytes[taken..];
            match *self {
                Self::Size => {
                    let Some(line) = line(rest, LINE_BYTES_MAX)? else { return Ok(taken) };
                    taken += line.len();
                    *self = match size(line)? {
                        0 => Self::Trailer { seen: 0 },
                        left => Self::Data { left },
                    };
                }
                Self::Data { left } => {
                    let here = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    if here == 0 {
                        return Ok(taken);
                    }
                    out(&rest[..here]);
                    taken += here;
                    let left = left - here as u64;
                    *self = if left == 0 { Self::DataEnd } else { Self::Data { left } };
                }
                Self::DataEnd => match rest {
                    [b'\r', b'\n', ..] => {
                        taken += 2;
                        *self = Self::Size;
                    }
                    [] | [b'\r'] => return Ok(taken),
                    _ => return Err("a chunk is longer than it says".to_owned()),
                },
                Self::Trailer { seen } => {
                    let Some(line) = line(rest, TRAILER_BYTES_MAX - seen)? else { return Ok(taken) };
                    taken += line.len();
                    *self = match line {
                        b"\r\n" => Self::End,
                        line if is_header(line) => Self::Trailer { seen: seen + line.len() },
                        _ => return Err("what stands after the last chunk is no header".to_owned()),
                    };
                }
                Self::End => return Ok(taken),
            }
        }
    }

    pub(super) fn ended(self) -> bool {
        self == Self::End
    }
}

/// The first line with its end; none: it does not end here.
fn line(bytes: &[u8], bytes_max: usize) -> Result<Option<&[u8]>, String> {
    let end = memchr::memchr(b'\n', bytes);
    if end.map_or(bytes.len(), |end| end + 1) > bytes_max {
        return Err("a line between its chunks is too long".to_owned());
    }
    match end {
        None => Ok(None),
        // One within the line is the end of it to some.
        Some(end) if memchr::memchr(b'\r', &bytes[..end]) == end.checked_sub(1) && end > 0 => Ok(Some(&bytes[..=end])),
        Some(_) => Err("a line between its chunks does not end with its only carriage return".to_owned()),
    }
}

/// Whether a line with its end is a header.
fn is_header(line: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', line) else { return false };
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    HeaderName::from_bytes(name).is_ok() && HeaderValue::from_bytes(value).is_ok()
}

/// The number at the beginning of a line, in hexadecimal digits; what extensions say after it does not matter.
fn size(line: &[u8]) -> Result<u64, String> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let after = line[digits..].trim_ascii_start();
    let number = std::str::from_utf8(&line[..digits]).ok().and_then(|text| u64::from_str_radix(text, 16).ok());
    match number {
        Some(number) if after.is_empty() || after[0] == b';' => Ok(number),
        _ => Err("a chunk's size is no number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes in bytes that come in pieces of this length; the content, what is left over, and whether it ended.
    fn read(text: &str, piece: usize) -> Result<(String, String, bool), String> {
        let (mut chunks, mut content, mut waiting) = (Chunks::default(), Vec::new(), Vec::new());
        for bytes in text.as_bytes().chunks(piece) {
            waiting.extend_from_slice(bytes);
            let taken = chunks.take(&waiting, |data| content.extend_from_slice(data))?;
            waiting.drain(..taken);
        }
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ok((text(content), text(waiting), chunks.ended()))
    }

    #[test]
    fn chunks_come_in_pieces_of_any_length() {
        for (text, content, rest) in [
            ("0\r\n\r\n", "", ""),
            ("5\r\nhello\r\n0\r\n\r\n", "hello", ""),
            (
                "a;x=\"y\"\r\n0123456789\r\n00B \r\n01234567890\r\n0\r\nx: y\r\nz:\r\n\r\nHTTP",
                "012345678901234567890",
                "HTTP",
            ),
        ] {
            for piece in 1..=text.len() {
                assert_eq!(read(text, piece), Ok((content.to_owned(), rest.to_owned(), true)), "{piece} of {text}");
            }
            for cut in 0..text.len() - rest.len() {
                assert!(!read(&text[..cut], 3).unwrap().2, "{cut} of {text}");
            }
        }
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for text in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\na",
            "0x1\r\na",
            "1 1\r\na",
            "10000000000000000\r\n",
            "1\na\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "0\r\n\n",
            "0\r\t\r\n\r\n",
            "1\r;x\r\na\r\n",
            "0\r\nx\ry: z\r\n\r\n",
            "0\r\n\rx: y\r\n\r\n",
            "0\r\n\tx: y\r\n\r\n",
            "0\r\nx : y\r\n\r\n",
            "0\r\n: y\r\n\r\n",
            "0\r\nx\r\n\r\n",
            "0\r\nx: \x01\r\n\r\n",
            &format!("1;{}\r\n", "x".repeat(LINE_BYTES_MAX)),
            &format!("0\r\n{}\r\n", "x: y\r\n".repeat(TRAILER_BYTES_MAX / 6 + 1)),
        ] {
            for piece in [1, 7, text.len()] {
                assert!(read(text, piece).is_err(), "{piece} of {text}");
            }
        }
    }
}
