//! Ids of requests.

use std::sync::atomic::{AtomicU32, Ordering};

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Makes ids like those of COS: Base64 of hexadecimal numbers with underscores between, the first of which is the
/// time in Unix seconds. Here the others are a number drawn once at the start, and a count.
pub(crate) struct RequestIds {
    start: u64,
    count: AtomicU32,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        // Without a source of randomness ids are still different within this process, which is what they are for.
        Self { start: getrandom::u64().unwrap_or_default(), count: AtomicU32::new(0) }
    }

    pub(crate) fn next(&self, now: i64) -> String {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        // By hand: with `format!` the id is a good part of what answering a request costs.
        let mut text = Text { bytes: [0; TEXT_BYTES_MAX], length: 0 };
        #[expect(clippy::cast_sign_loss, reason = "bits, to be written in hexadecimal")]
        text.hex(now as u64, 8);
        text.push(b'_');
        text.hex(self.start >> 32, 8);
        text.push(b'_');
        text.hex(self.start & 0xffff_ffff, 8);
        text.push(b'_');
        text.hex(u64::from(count), 1);
        STANDARD.encode(&text.bytes[..text.length])
    }
}

/// Longest text of an id: a time of 16 digits, three numbers of 8, and what stands between.
const TEXT_BYTES_MAX: usize = 16 + 3 * 8 + 3;

struct Text {
    bytes: [u8; TEXT_BYTES_MAX],
    length: usize,
}

impl Text {
    /// A number in hexadecimal, with so many digits at least.
    fn hex(&mut self, number: u64, least: u32) {
        let digits = (u64::BITS - number.leading_zeros()).div_ceil(4).max(least);
        for digit in (0..digits).rev() {
            self.push(b"0123456789abcdef"[(number >> (4 * digit) & 0xf) as usize]);
        }
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_tell_the_time_and_differ() {
        let ids = RequestIds { start: 0x0000_0011_0000_0022, count: AtomicU32::new(0x33) };
        let decode = |id: String| String::from_utf8(STANDARD.decode(id).unwrap()).unwrap();
        assert_eq!(decode(ids.next(0x6923_aabb)), "6923aabb_00000011_00000022_33");
        assert_eq!(decode(ids.next(0x6923_aabb)), "6923aabb_00000011_00000022_34");
        assert_eq!(decode(ids.next(-1)), "ffffffffffffffff_00000011_00000022_35");
        let ids = RequestIds { start: u64::MAX, count: AtomicU32::new(u32::MAX) };
        assert_eq!(decode(ids.next(i64::MIN)), "8000000000000000_ffffffff_ffffffff_ffffffff");
        assert_eq!(decode(ids.next(0)), "00000000_ffffffff_ffffffff_0");
    }

    #[test]
    fn two_services_do_not_share_ids() {
        assert_ne!(RequestIds::new().next(1), RequestIds::new().next(1));
    }
}
