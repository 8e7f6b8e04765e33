//! Looking at many bytes at once.

/// Bytes that are looked at together: as many as every processor of the kind has room for in one register.
pub(crate) const BLOCK: usize = 16;

/// Whether this holds for each of these bytes. It must have no branches, so that a block takes about as long as one byte.
#[inline]
pub(crate) fn all(bytes: &[u8], holds: impl Fn(u8) -> bool) -> bool {
    let each = |block: &[u8; BLOCK]| block.iter().fold(true, |so_far, byte| so_far & holds(*byte));
    match bytes.last_chunk() {
        // What is left after the last whole block is looked at with some of it.
        Some(last) => bytes.as_chunks().0.iter().all(each) && each(last),
        None => bytes.iter().all(|byte| holds(*byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_byte_is_left_out() {
        for length in 0..3 * BLOCK {
            let mut bytes = vec![b'a'; length];
            assert!(all(&bytes, |byte| byte == b'a'), "{length}");
            for at in 0..length {
                bytes[at] = b'b';
                assert!(!all(&bytes, |byte| byte == b'a'), "{at} of {length}");
                bytes[at] = b'a';
            }
        }
    }
}
