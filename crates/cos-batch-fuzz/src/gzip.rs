//! Compressed manifests: decompressing.

use bytes::Bytes;
use cos_batch_engine::manifest::inflate::{RATIO_FREE_BYTES, RATIO_MAX};
use cos_batch_engine::manifest::{Inflated, Inflater};

pub(crate) const PROPERTY: &str = "into which pieces compressed bytes are cut does not matter; no more text comes than was asked for, \
                                   nor than the ratio allows";

/// Bytes of text asked for at once.
const TEXT_BYTES: usize = 4096;

/// The first byte of the input chooses the length of the pieces; the rest is compressed.
pub(crate) fn target(input: &[u8]) {
    let [piece, compressed @ ..] = input else { return };
    let whole = inflate(compressed, compressed.len().max(1));
    let cut = inflate(compressed, usize::from(*piece) + 1);
    match (whole, cut) {
        (Ok(whole), Ok(cut)) => assert!(whole == cut, "cut into pieces of {} bytes", usize::from(*piece) + 1),
        (Err(_), Err(_)) => {}
        (whole, cut) => {
            panic!("{:?} as a whole, {:?} in pieces", whole.map(|text| text.len()), cut.map(|text| text.len()))
        }
    }
}

fn inflate(compressed: &[u8], piece: usize) -> Result<Vec<u8>, String> {
    let mut inflater = Inflater::default();
    let mut pieces = compressed.chunks(piece);
    let (mut text, mut out) = (Vec::new(), [0; TEXT_BYTES]);
    loop {
        match inflater.read(&mut out).map_err(|error| error.to_string())? {
            Inflated::Bytes(count) => {
                assert!((1..=TEXT_BYTES).contains(&count), "{count} bytes came");
                text.extend_from_slice(&out[..count]);
                let allowed = (compressed.len() as u64 + 1) * RATIO_MAX;
                assert!(text.len() as u64 <= allowed.max(RATIO_FREE_BYTES), "{} bytes in all", text.len());
            }
            Inflated::More => match pieces.next() {
                Some(piece) => inflater.feed(Bytes::copy_from_slice(piece)),
                None => inflater.finish(),
            },
            Inflated::End => return Ok(text),
        }
    }
}
