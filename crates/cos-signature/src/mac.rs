//! SHA-1 (FIPS 180-4) and its HMAC (RFC 2104) over texts that lie there in one piece.
//!
//! A signature is five hashes of one to three blocks each. A hasher that is given its text piece by piece keeps a buffer and a count
//! for that, which takes up to a third as long again as the hashing of so little; here the last blocks are put together once.
//! What is done with a block is the library's work, with the processor's own instructions where it has them.

use std::slice;

use sha1::block_api::compress;
use zeroize::optimization_barrier;

use crate::hex::{self, MAC_BYTES};

/// Bytes that SHA-1 takes at once.
const BLOCK: usize = 64;

/// Bytes at the end of the last block that say how many bits there were.
const LENGTH_BYTES: usize = 8;

/// What stands after the last byte.
const END: u8 = 0x80;

/// The state before the first block.
const START: State = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

/// How many bits the outer hash of a code takes: a block and the inner hash.
const OUTER_BITS: u32 = 8 * (64 + 20);
const _: () = assert!(OUTER_BITS as usize == 8 * (BLOCK + MAC_BYTES));

type State = [u32; MAC_BYTES / size_of::<u32>()];

/// The SHA-1 of a text.
pub(crate) fn digest(text: &[u8]) -> [u8; MAC_BYTES] {
    bytes(finish(START, 0, text))
}

/// An HMAC of SHA-1 whose key is hashed already. Its memory is wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Mac {
    inner: State,
    outer: State,
}

impl Mac {
    /// With a key of any length.
    pub(crate) fn new(key: &[u8]) -> Self {
        let mut block = [0; BLOCK];
        if key.len() <= BLOCK {
            block[..key.len()].copy_from_slice(key);
        } else {
            let mut hashed = digest(key);
            block[..MAC_BYTES].copy_from_slice(&hashed);
            wipe(&mut hashed);
        }
        Self::begun(block, || ())
    }

    /// With the text of the code of this text for a key.
    pub(crate) fn derived(&self, text: &[u8]) -> Self {
        let mut code = self.state_of(text);
        let mac = Self::keyed(code, || ());
        wipe(&mut code);
        mac
    }

    /// The same, and the SHA-1 of another text. A block is hashed step by step, each of which waits for the one before; with
    /// the blocks of both in turn, a processor that looks ahead does two steps at once.
    #[inline(always)]
    pub(crate) fn derived_beside(&self, text: &[u8], other: &[u8]) -> (Self, [u8; MAC_BYTES]) {
        let mut last = [[0; BLOCK]; 2];
        let (whole, last) = blocks(0, other, &mut last);
        let (mut digest, mut left) = (START, whole.iter().chain(last));
        let mut beside = || {
            if let Some(block) = left.next() {
                compress(&mut digest, slice::from_ref(block));
            }
        };
        let inner = finish(self.inner, BLOCK, text);
        beside();
        let mut state = self.outer;
        compress(&mut state, &[last_of_outer(inner)]);
        beside();
        let mac = Self::keyed(state, beside);
        left.for_each(|block| compress(&mut digest, slice::from_ref(block)));
        wipe(&mut state);
        (mac, bytes(digest))
    }

    /// With the text of a code for a key. What is to be done beside it needs nothing of it.
    fn keyed(code: State, beside: impl FnOnce()) -> Self {
        /// Where the text stands in its block.
        const TEXT: [u8; BLOCK] = {
            let (mut text, mut at) = ([0; BLOCK], 0);
            while at < hex::TEXT_BYTES {
                text[at] = u8::MAX;
                at += 1;
            }
            text
        };
        // Of whole registers, for the reason that `last_of_outer` has: digits of zeros as well, which then make room.
        let [a, b, c, d, e] = code;
        let mut bytes = [0; BLOCK / 2];
        for (four, word) in bytes.as_chunks_mut().0.iter_mut().zip([a, b, c, d, e, 0, 0, 0]) {
            *four = word.to_be_bytes();
        }
        let mut block: [u8; BLOCK] = hex::encode(&bytes);
        block.iter_mut().zip(TEXT).for_each(|(byte, is_text)| *byte &= is_text);
        wipe(&mut bytes);
        Self::begun(block, beside)
    }

    /// With a key of at most a block, and zeros behind it.
    fn begun(mut block: [u8; BLOCK], beside: impl FnOnce()) -> Self {
        const INNER: u8 = 0x36;
        const OUTER: u8 = 0x5C;
        let padded = |block: &mut [u8; BLOCK], with: u8| {
            block.iter_mut().for_each(|byte| *byte ^= with);
            let mut state = START;
            compress(&mut state, slice::from_ref(block));
            state
        };
        let inner = padded(&mut block, INNER);
        beside();
        let outer = padded(&mut block, INNER ^ OUTER);
        wipe(&mut block);
        Self { inner, outer }
    }

    /// The code of a text.
    pub(crate) fn of(&self, text: &[u8]) -> [u8; MAC_BYTES] {
        bytes(self.state_of(text))
    }

    fn state_of(&self, text: &[u8]) -> State {
        let mut state = self.outer;
        compress(&mut state, &[last_of_outer(finish(self.inner, BLOCK, text))]);
        state
    }
}

impl Drop for Mac {
    fn drop(&mut self) {
        wipe(&mut self.inner);
        wipe(&mut self.outer);
    }
}

/// Wipes what a key was made of, a register at a time; the compiler may not leave it out.
fn wipe<T: Copy + Default, const N: usize>(secret: &mut [T; N]) {
    *secret = [T::default(); N];
    optimization_barrier(secret);
}

/// The block that the code of a text ends with: the inner hash, and how long it is with the block before it. Put together as
/// words, which takes whole registers; a byte that was just written holds up whoever reads it with others around it.
fn last_of_outer(inner: State) -> [u8; BLOCK] {
    let [a, b, c, d, e] = inner;
    let words = [a, b, c, d, e, u32::from_be_bytes([END, 0, 0, 0]), 0, 0, 0, 0, 0, 0, 0, 0, 0, OUTER_BITS];
    let mut block = [0; BLOCK];
    for (four, word) in block.as_chunks_mut().0.iter_mut().zip(words) {
        *four = word.to_be_bytes();
    }
    block
}

/// Takes the text that ends what is hashed, of which `before` bytes, whole blocks, were taken already.
fn finish(mut state: State, before: usize, text: &[u8]) -> State {
    let mut last = [[0; BLOCK]; 2];
    let (whole, last) = blocks(before, text, &mut last);
    if !whole.is_empty() {
        compress(&mut state, whole);
    }
    compress(&mut state, last);
    state
}

/// The blocks of a text that ends what is hashed, of which `before` bytes, whole blocks, were taken already: those that are
/// in the text, and those with its end, which are put together in `last`, where zeros are, and stay there: to move what was just
/// written, byte by byte, would hold up whoever reads it.
#[inline(always)]
fn blocks<'t>(before: usize, text: &'t [u8], last: &'t mut [[u8; BLOCK]; 2]) -> (&'t [[u8; BLOCK]], &'t [[u8; BLOCK]]) {
    let (whole, rest) = text.as_chunks::<BLOCK>();
    let flat = last.as_flattened_mut();
    flat[..rest.len()].copy_from_slice(rest);
    flat[rest.len()] = END;
    let count = if rest.len() < BLOCK - LENGTH_BYTES { 1 } else { 2 };
    let bits = 8 * (before + text.len()) as u64;
    last[count - 1][BLOCK - LENGTH_BYTES..].copy_from_slice(&bits.to_be_bytes());
    (whole, &last[..count])
}

fn bytes(state: State) -> [u8; MAC_BYTES] {
    let mut bytes = [0; MAC_BYTES];
    for (four, word) in bytes.as_chunks_mut().0.iter_mut().zip(state) {
        *four = word.to_be_bytes();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha1::{Digest as _, Sha1};

    use super::*;

    #[test]
    fn each_length_is_hashed_as_the_library_hashes_it() {
        let text: Vec<u8> = (0..=u8::MAX).cycle().take(4 * BLOCK + 1).collect();
        for length in 0..text.len() {
            assert_eq!(digest(&text[..length]), <[u8; MAC_BYTES]>::from(Sha1::digest(&text[..length])), "{length}");
        }
    }

    #[test]
    fn each_length_of_key_and_text_has_the_code_that_the_library_gives_it() {
        let bytes: Vec<u8> = (0..=u8::MAX).rev().cycle().take(3 * BLOCK + 1).collect();
        for key in [0, 1, 20, 40, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let ours = Mac::new(&bytes[..key]);
            let library = Hmac::<Sha1>::new_from_slice(&bytes[..key]).unwrap();
            for length in 0..bytes.len() {
                let code = library.clone().chain_update(&bytes[..length]).finalize().into_bytes();
                assert_eq!(ours.of(&bytes[..length]), <[u8; MAC_BYTES]>::from(code), "{key}, {length}");
            }
        }
    }

    #[test]
    fn side_by_side_comes_to_the_same_as_one_after_the_other() {
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(5 * BLOCK + 1).collect();
        let secret = Mac::new(b"secret");
        for length in 0..bytes.len() {
            let (text, other) = (&bytes[..length % (2 * BLOCK)], &bytes[..length]);
            let (derived, hashed) = secret.derived_beside(text, other);
            assert_eq!(
                (derived.of(b"to sign"), hashed),
                (secret.derived(text).of(b"to sign"), digest(other)),
                "{length}"
            );
        }
    }
}
