//! What the bytes of a manifest's file are, told by the first of them.

use std::fmt;

/// How many bytes from the start of a file tell its coding.
pub const SNIFF_BYTES: usize = 4;

/// How a file is coded. Names do not matter: a `.gz` that was unpacked on its way is read as what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Text.
    Plain,
    /// gzip, in one member or several (RFC 1952).
    Gzip,
}

/// A file that cannot be a manifest, whatever follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct WrongCoding {
    found: &'static str,
}

impl fmt::Display for WrongCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte 0: it is {}; a manifest is CSV in UTF-8, plain or compressed with gzip", self.found)
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];

/// What people take for CSV or gzip by mistake.
const OTHERS: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a zip archive or a spreadsheet"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zX", "compressed with xz"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
    (b"PAR1", "a Parquet file"),
    (b"ORC", "an ORC file"),
    (b"%PDF", "a PDF document"),
];

/// The coding of a file that begins with `start` ([`SNIFF_BYTES`] of it, or all if it is shorter).
///
/// # Errors
/// Other compressions, text in UTF-16 and formats that are no text.
pub fn detect(start: &[u8]) -> Result<Coding, WrongCoding> {
    if start.starts_with(GZIP) {
        return Ok(Coding::Gzip);
    }
    match OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        Some((_, found)) => Err(WrongCoding { found }),
        None => Ok(Coding::Plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        assert_eq!(detect(b""), Ok(Coding::Plain));
        assert_eq!(detect(b"\xef\xbb\xbfb"), Ok(Coding::Plain));
        assert_eq!(detect(b"b-1,"), Ok(Coding::Plain));
        assert_eq!(detect(b"\x1f\x8b\x08\x00"), Ok(Coding::Gzip));
        assert_eq!(
            detect(b"\xff\xfeb\0").unwrap_err().to_string(),
            "byte 0: it is text in UTF-16; a manifest is CSV in UTF-8, plain or compressed with gzip"
        );
        assert!(OTHERS.iter().all(|(magic, _)| magic.len() <= SNIFF_BYTES && detect(magic).is_err()));
    }
}
