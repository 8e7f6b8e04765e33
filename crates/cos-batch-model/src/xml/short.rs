//! Copying of texts that are mostly short.

/// Longest text that is called short.
pub(super) const MAX_BYTES: usize = 64;

/// As [`<[u8]>::copy_from_slice`](slice::copy_from_slice). Most names and values have 4 to 64 bytes: two moves, which
/// may overlap, take less time than the call of a function that first finds out how long they are.
#[inline(always)]
pub(super) fn copy(place: &mut [u8], text: &[u8]) {
    let length = text.len();
    let copied = if length >= 16 {
        match length {
            16..32 => ends::<16>(place, text),
            32..=MAX_BYTES => ends::<32>(place, text),
            _ => None,
        }
    } else if length >= 8 {
        ends::<8>(place, text)
    } else if length >= 4 {
        ends::<4>(place, text)
    } else {
        None
    };
    if copied.is_none() {
        place.copy_from_slice(text);
    }
}

/// Copies the first and the last bytes, if there are that many.
#[inline(always)]
fn ends<const BYTES: usize>(place: &mut [u8], text: &[u8]) -> Option<()> {
    *place.first_chunk_mut::<BYTES>()? = *text.first_chunk()?;
    *place.last_chunk_mut::<BYTES>()? = *text.last_chunk()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_copied_whole() {
        let text: Vec<u8> = (1..=200).collect();
        for length in 0..=text.len() {
            let mut place = vec![0; length];
            copy(&mut place, &text[..length]);
            assert_eq!(place, text[..length], "{length} bytes");
        }
    }
}
