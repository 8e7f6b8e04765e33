//! Decompressing gzip as its bytes come in.

use std::io::{self, BufRead, ErrorKind, Read};

use bytes::{Buf as _, Bytes};
use flate2::bufread::MultiGzDecoder;

/// How many times as long as its compressed form a text may be. Inventories come to about 10 to 30; the format allows
/// 1,032, which is how a few kilobytes become a disk full.
pub const RATIO_MAX: u64 = 200;

/// Bytes that a text may have whatever the ratio: short lists of alike rows compress better than any real one.
pub const RATIO_FREE_BYTES: u64 = 16 * 1024 * 1024;

/// Decompresses gzip of any number of members, piece by piece. Never gives more than it is asked for.
#[derive(Debug)]
pub struct Inflater {
    decoder: MultiGzDecoder<Fed>,
    produced: u64,
}

/// Compressed bytes that are there.
#[derive(Debug, Default)]
struct Fed {
    bytes: Bytes,
    taken: u64,
    end: bool,
}

impl Read for Fed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Fed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        // The decoder keeps its state when it would have to wait, and goes on from there.
        if self.bytes.is_empty() && !self.end { Err(ErrorKind::WouldBlock.into()) } else { Ok(&self.bytes) }
    }

    fn consume(&mut self, count: usize) {
        self.bytes.advance(count);
        self.taken += count as u64;
    }
}

/// What came of asking for text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inflated {
    /// So many bytes were written.
    Bytes(usize),
    /// What was fed is used up.
    More,
    /// The text has ended.
    End,
}

/// What is wrong with the compressed bytes, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("byte {at} of the compressed file: {rule}")]
pub struct InflateError {
    /// Compressed bytes before the place, about.
    pub at: u64,
    /// The rule that is broken.
    pub rule: String,
}

impl Default for Inflater {
    fn default() -> Self {
        Self { decoder: MultiGzDecoder::new(Fed::default()), produced: 0 }
    }
}

impl Inflater {
    /// Adds the next compressed bytes. What was fed before must be used up.
    pub fn feed(&mut self, compressed: Bytes) {
        let fed = self.decoder.get_mut();
        debug_assert!(fed.bytes.is_empty(), "fed before the last piece was used up");
        fed.bytes = compressed;
    }

    /// No compressed byte follows.
    pub fn finish(&mut self) {
        self.decoder.get_mut().end = true;
    }

    /// Writes the next bytes of the text to `out`, which must not be empty.
    ///
    /// # Errors
    /// Bytes that are no gzip, that end too early, or that become more than [`RATIO_MAX`] times as many; and a checksum
    /// that does not fit.
    pub fn read(&mut self, out: &mut [u8]) -> Result<Inflated, InflateError> {
        let count = match self.decoder.read(out) {
            Ok(0) => return Ok(Inflated::End),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Inflated::More),
            Err(error) => {
                let rule = if error.kind() == ErrorKind::UnexpectedEof {
                    "it ends in the middle of a gzip member".to_owned()
                } else {
                    format!("it is no valid gzip here ({error})")
                };
                return Err(self.error(rule));
            }
        };
        self.produced += count as u64;
        let taken = self.decoder.get_ref().taken;
        if self.produced > RATIO_FREE_BYTES && self.produced / RATIO_MAX > taken {
            return Err(self.error(format!("it becomes more than {RATIO_MAX} times as long when decompressed")));
        }
        Ok(Inflated::Bytes(count))
    }

    fn error(&self, rule: String) -> InflateError {
        InflateError { at: self.decoder.get_ref().taken, rule }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn inflate(compressed: &[u8], piece: usize, buffer: usize) -> Result<Vec<u8>, String> {
        let mut inflater = Inflater::default();
        let mut text = Vec::new();
        let mut out = vec![0; buffer];
        let mut pieces = compressed.chunks(piece);
        loop {
            match inflater.read(&mut out).map_err(|error| error.to_string())? {
                Inflated::Bytes(count) => text.extend_from_slice(&out[..count]),
                Inflated::More => match pieces.next() {
                    Some(piece) => inflater.feed(Bytes::copy_from_slice(piece)),
                    None => inflater.finish(),
                },
                Inflated::End => return Ok(text),
            }
        }
    }

    #[test]
    fn members_follow_one_another() {
        let both = [gzip(b"one,"), gzip(b""), gzip(b"two")].concat();
        for piece in [1, 7, 4096] {
            assert_eq!(inflate(&both, piece, 3).unwrap(), b"one,two");
        }
    }

    #[test]
    fn what_is_no_gzip_is_named_by_place() {
        let whole = gzip(b"some text that is long enough");
        for cut in 1..whole.len() {
            let error = inflate(&whole[..cut], 5, 64).unwrap_err();
            assert!(error.ends_with("it ends in the middle of a gzip member"), "{cut}: {error}");
        }
        let garbage = [whole.clone(), b"garbage!!!".to_vec()].concat();
        let error = inflate(&garbage, 4096, 64).unwrap_err();
        assert!(error.contains("it is no valid gzip here"), "{error}");
        let mut flipped = whole.clone();
        let last = flipped.len() - 6;
        flipped[last] ^= 1;
        let error = inflate(&flipped, 4096, 64).unwrap_err();
        assert!(error.contains("it is no valid gzip here"), "{error}");
        // Nothing at all is no gzip either.
        assert!(inflate(b"", 1, 8).is_err());
    }

    #[test]
    fn a_bomb_is_stopped() {
        let free = usize::try_from(RATIO_FREE_BYTES).unwrap();
        assert_eq!(inflate(&gzip(&vec![b'x'; free]), 4096, 65536).unwrap().len(), free);
        let error = inflate(&gzip(&vec![b'x'; free + 1]), 4096, 65536).unwrap_err();
        assert!(error.ends_with("it becomes more than 200 times as long when decompressed"), "{error}");
    }

    proptest! {
        #[test]
        fn pieces_change_nothing(
            text in prop::collection::vec(any::<u8>(), 0..300), piece in 1usize..40, buffer in 1usize..40,
        ) {
            prop_assert_eq!(inflate(&gzip(&text), piece, buffer).unwrap(), text);
        }
    }
}
