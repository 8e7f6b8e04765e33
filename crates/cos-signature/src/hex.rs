//! Lower-case hexadecimal text.

/// Bytes of a `q-sign` signature and of every digest of that scheme: one SHA-1.
pub(crate) const MAC_BYTES: usize = 20;

/// Bytes of the text.
pub(crate) const TEXT_BYTES: usize = 2 * MAC_BYTES;

/// The text of so many bytes, `T` being twice as many.
pub(crate) fn encode<const N: usize, const T: usize>(bytes: &[u8; N]) -> [u8; T] {
    const { assert!(T == 2 * N) };
    // Without a table, so that many digits are made, and written, at once; in loops, which are left in line.
    let digit = |number: u8| number + b'0' + if number < 10 { 0 } else { b'a' - b'9' - 1 };
    let (mut high, mut low) = ([0; N], [0; N]);
    for ((high, low), byte) in high.iter_mut().zip(&mut low).zip(bytes) {
        (*high, *low) = (digit(byte >> 4), digit(byte & 15));
    }
    let mut text = [0; T];
    for (pair, digits) in text.as_chunks_mut().0.iter_mut().zip(high.into_iter().zip(low)) {
        *pair = [digits.0, digits.1];
    }
    text
}

/// The bytes of exactly 40 lower-case digits. Upper case is refused: no client sends it, and a second spelling of one
/// signature helps nobody.
pub(crate) fn decode(text: &[u8]) -> Option<[u8; MAC_BYTES]> {
    let digits: [u8; TEXT_BYTES] = text.try_into().ok()?;
    // Without a table, so that many digits are looked at at once.
    let value = |digit: u8| {
        let (number, letter) = (digit.wrapping_sub(b'0'), digit.wrapping_sub(b'a'));
        if number < 10 {
            number
        } else if letter < 6 {
            letter + 10
        } else {
            NO_DIGIT
        }
    };
    let values = digits.map(value);
    let mut bytes = [0; MAC_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(values.as_chunks().0) {
        let [high, low]: [u8; 2] = *pair;
        *byte = high << 4 | low & 15;
    }
    let all = values.iter().fold(0, |all, value| all | value);
    (all < NO_DIGIT).then_some(bytes)
}

/// In place of a digit's value, more than any of them.
const NO_DIGIT: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let bytes = std::array::from_fn(|index| u8::try_from(index * 13).unwrap());
        let digits: [u8; TEXT_BYTES] = encode(&bytes);
        let text = String::from_utf8(digits.to_vec()).unwrap();
        assert_eq!(text, "000d1a2734414e5b6875828f9ca9b6c3d0ddeaf7");
        assert_eq!(decode(text.as_bytes()), Some(bytes));
        assert_eq!(decode(text.to_uppercase().as_bytes()), None);
        assert_eq!(decode(&text.as_bytes()[1..]), None);
        assert_eq!(decode(text.replace('0', "g").as_bytes()), None);
    }
}
