//! Percent-encoding as it is signed, and undone as it stands in addresses.

use memchr::memchr;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, percent_encode_byte};

use crate::blocks;

/// What is percent-encoded: everything but letters, digits and these four.
pub(crate) const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The decoded bytes of a name or value of a query, in which a `+` is a space.
pub(crate) fn decode_form(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    for (index, part) in text.split('+').enumerate() {
        if index > 0 {
            decoded.push(b' ');
        }
        decoded.extend(percent_decode_str(part));
    }
    decoded
}

/// Whether nothing in this is percent-encoded.
pub(crate) fn stands_bare(bytes: &[u8]) -> bool {
    // A name is shorter than what can be looked at at once.
    if bytes.len() < blocks::BLOCK {
        bytes.iter().fold(true, |so_far, byte| so_far & BARE[usize::from(*byte)])
    } else {
        blocks::all(bytes, is_bare)
    }
}

/// [`is_bare`] of each byte, for looking at one after the other.
const BARE: [bool; 256] = {
    let mut bare = [false; 256];
    let mut byte = 0u8;
    loop {
        bare[byte as usize] = is_bare(byte);
        match byte.checked_add(1) {
            Some(next) => byte = next,
            None => break bare,
        }
    }
};

/// Whether a byte is not percent-encoded.
#[inline]
pub(crate) const fn is_bare(byte: u8) -> bool {
    let (letter, digit) = ((byte | 0x20).wrapping_sub(b'a') < 26, byte.wrapping_sub(b'0') < 10);
    letter | digit | (byte == b'-') | (byte == b'_') | (byte == b'.') | (byte == b'~')
}

pub(crate) fn encode(text: &mut Vec<u8>, bytes: &[u8]) {
    if stands_bare(bytes) {
        text.extend_from_slice(bytes);
        return;
    }
    for run in percent_encode(bytes, ENCODED) {
        text.extend_from_slice(run.as_bytes());
    }
}

/// Undoes the encoding of a query and encodes for the signature, without a buffer between.
pub(crate) fn encode_form(text: &mut Vec<u8>, form: &str) {
    for (index, part) in form.split('+').enumerate() {
        if index > 0 {
            text.extend_from_slice(b"%20");
        }
        for run in decode_runs(part) {
            match run {
                Run::Plain(plain) => encode(text, plain),
                Run::Byte(byte) => encode_byte(text, byte),
            }
        }
    }
}

fn encode_byte(text: &mut Vec<u8>, byte: u8) {
    if is_bare(byte) {
        text.push(byte);
    } else {
        text.extend_from_slice(percent_encode_byte(byte).as_bytes());
    }
}

/// A piece of percent-decoded text.
pub(crate) enum Run<'a> {
    /// Bytes that stand there as they are.
    Plain(&'a [u8]),
    /// A byte that was written as `%` and two digits.
    Byte(u8),
}

/// The decoded pieces of a text; a `%` without two digits after it stays.
pub(crate) fn decode_runs(text: &str) -> impl Iterator<Item = Run<'_>> {
    let mut rest = text.as_bytes();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if let Some(byte) = escaped(rest) {
            rest = &rest[3..];
            return Some(Run::Byte(byte));
        }
        // The first byte is plain even if it is a `%`.
        let end = memchr(b'%', &rest[1..]).map_or(rest.len(), |at| at + 1);
        let (plain, after) = rest.split_at(end);
        rest = after;
        Some(Run::Plain(plain))
    })
}

fn escaped(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_bare_is_what_the_library_leaves() {
        for byte in 0..=u8::MAX {
            let left = percent_encode(&[byte], ENCODED).to_string().len() == 1;
            assert_eq!(stands_bare(&[byte]), left, "{byte}");
        }
    }
}
