//! Lower-case hexadecimal text.

/// Bytes of a `q-sign` signature and of every digest of that scheme: one SHA-1.
pub(crate) const MAC_BYTES: usize = 20;

/// Bytes of the text.
pub(crate) const TEXT_BYTES: usize = 2 * MAC_BYTES;

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// The text of so many bytes, `T` being twice as many.
pub(crate) fn encode<const N: usize, const T: usize>(bytes: &[u8; N]) -> [u8; T] {
    const { assert!(T == 2 * N) };
    let mut text = [0; T];
    for (pair, byte) in text.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = PAIRS[usize::from(*byte)];
    }
    text
}

/// The bytes of exactly 40 lower-case digits. Upper case is refused: no client sends it, and a second spelling of one
/// signature helps nobody.
pub(crate) fn decode(text: &str) -> Option<[u8; MAC_BYTES]> {
    if text.len() != TEXT_BYTES {
        return None;
    }
    let mut bytes = [0; MAC_BYTES];
    let mut all = 0;
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().as_chunks().0) {
        let [high, low]: [u8; 2] = pair.map(|digit| VALUES[usize::from(digit)]);
        all |= high | low;
        *byte = high << 4 | low & 15;
    }
    (all < 16).then_some(bytes)
}

/// The two digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// What each digit stands for; more than 15 for what is none.
const VALUES: [u8; 256] = {
    let mut values = [0xFF; 256];
    let mut value = 0u8;
    while value < 16 {
        values[DIGITS[value as usize] as usize] = value;
        value += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let bytes = std::array::from_fn(|index| u8::try_from(index * 13).unwrap());
        let digits: [u8; TEXT_BYTES] = encode(&bytes);
        let text = String::from_utf8(digits.to_vec()).unwrap();
        assert_eq!(text, "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7");
        assert_eq!(decode(&text), Some(bytes));
        assert_eq!(decode(&text.to_uppercase()), None);
        assert_eq!(decode(&text[1..]), None);
        assert_eq!(decode(&text.replace('0', "g")), None);
    }
}
