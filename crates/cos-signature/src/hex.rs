//! Lower-case hexadecimal text.

/// Bytes of a `q-sign` signature and of every digest of that scheme: one SHA-1.
pub(crate) const MAC_BYTES: usize = 20;

/// Bytes of the text.
pub(crate) const TEXT_BYTES: usize = 2 * MAC_BYTES;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

pub(crate) fn encode(bytes: &[u8; MAC_BYTES]) -> [u8; TEXT_BYTES] {
    let mut text = [0; TEXT_BYTES];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

/// The text of any bytes, two digits at a time.
pub(crate) fn write(bytes: &[u8], mut sink: impl FnMut(&[u8; 2])) {
    for byte in bytes {
        sink(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// The bytes of exactly 40 lower-case digits. Upper case is refused: no client sends it, and a second spelling of one
/// signature helps nobody.
pub(crate) fn decode(text: &str) -> Option<[u8; MAC_BYTES]> {
    if text.len() != TEXT_BYTES {
        return None;
    }
    let mut bytes = [0; MAC_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let bytes = std::array::from_fn(|index| u8::try_from(index * 13).unwrap());
        let text = String::from_utf8(encode(&bytes).to_vec()).unwrap();
        assert_eq!(text, "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7");
        assert_eq!(decode(&text), Some(bytes));
        assert_eq!(decode(&text.to_uppercase()), None);
        assert_eq!(decode(&text[1..]), None);
        assert_eq!(decode(&text.replace('0', "g")), None);
    }
}
