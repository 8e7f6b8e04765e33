//! Signing and verifying a request, and the hashing in it alone.

use cos_signature::{Credentials, KeyTime, Presented, SigningKey, Strictness, VerifyError, canonical, sign, verify};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{Request, request::Parts};
use sha1::{Digest as _, Sha1, block_api::compress};

use crate::{Work, work};

/// What a client asks for most: one job.
pub const ADDRESS: &str = "/jobs/0b9a6f0e-58f4-4d53-8f7b-0a2f6f1f9c01";
/// Whom it asks.
pub const HOST: &str = "100000000001.cos-control.ap-guangzhou.myqcloud.com";
/// With a key of the usual length.
pub const SECRET_ID: &str = "AKIDEXAMPLEEXAMPLEEXAMPLEEXAMPLE0000";
/// And its secret.
pub const SECRET: &str = "exampleSecretexampleSecretexampl";
/// When, in Unix seconds.
pub const NOW: i64 = 1_700_000_000;

/// The key.
pub fn credentials() -> Credentials {
    Credentials::new(SECRET_ID, SECRET)
}

/// The window of time of the signature.
///
/// # Panics
///
/// Never: it ends after it begins.
pub fn hour() -> KeyTime {
    KeyTime::new(NOW, NOW + 3600).expect("an hour ends after it begins")
}

/// The request. Its host and its APPID are signed.
///
/// # Panics
///
/// Never: its parts are constants.
pub fn request() -> Request<()> {
    let request = Request::get(ADDRESS).header("host", HOST).header("x-cos-appid", "1250000000");
    request.header("user-agent", "bench").header("accept", "*/*").body(()).expect("the constants make a request")
}

/// The parts of the request, signed.
///
/// # Panics
///
/// Never: the request can be signed.
pub fn signed() -> Parts {
    let mut request = request();
    sign(&mut request, &credentials(), hour()).expect("the request has a host");
    request.into_parts().0
}

/// Reads the signature and verifies it strictly.
///
/// # Errors
///
/// If it does not hold.
pub fn verified(parts: &Parts, credentials: &Credentials) -> Result<(), VerifyError> {
    let presented = Presented::from_parts(parts)?;
    verify(parts, &presented, Some(&credentials.secret_key), NOW + 60, Strictness::Strict)
}

/// The hashing of the request's signature, over texts that are there already.
#[derive(Clone)]
pub struct Bare {
    key_time: String,
    text: Vec<u8>,
    kept: Hmac<Sha1>,
}

impl Default for Bare {
    fn default() -> Self {
        let parts = signed();
        let presented = Presented::from_parts(&parts).expect("it is signed");
        let text = canonical::http_string(&parts, &presented.header_list, &presented.url_param_list);
        let key_time = hour().to_string();
        let kept = derive(&key_time);
        Self { key_time, text, kept }
    }
}

impl Bare {
    /// With the key derived anew: two HMACs and the hash.
    pub fn derived(&self) -> [u8; 20] {
        self.signature(derive(&self.key_time))
    }

    /// With a key that is there: one HMAC and the hash.
    pub fn kept(&self) -> [u8; 20] {
        self.signature(self.kept.clone())
    }

    fn signature(&self, mut mac: Hmac<Sha1>) -> [u8; 20] {
        let digest: [u8; 20] = Sha1::digest(&self.text).into();
        mac.update(b"sha1\n");
        mac.update(self.key_time.as_bytes());
        mac.update(b"\n");
        mac.update(&hex(digest));
        mac.update(b"\n");
        mac.finalize().into_bytes().into()
    }
}

/// What a signature hashes where the secret was hashed before: two blocks to derive the key and two to begin with it, three
/// of canonical text, two of the text to sign, and one to end.
const BLOCKS: [usize; 7] = [1, 1, 1, 1, 3, 2, 1];

/// The hashing of a signature's blocks and nothing else: not even putting them together.
fn blocks() -> [u32; 5] {
    let (mut state, text) = ([0; 5], [[0; 64]; 3]);
    for count in BLOCKS {
        compress(&mut state, &text[..count]);
    }
    state
}

fn keyed(key: &[u8]) -> Hmac<Sha1> {
    Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")
}

fn derive(key_time: &str) -> Hmac<Sha1> {
    let mut mac = keyed(SECRET.as_bytes());
    mac.update(key_time.as_bytes());
    keyed(&hex(mac.finalize().into_bytes().into()))
}

fn hex(bytes: [u8; 20]) -> [u8; 40] {
    let mut text = [0; 40];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    text
}

pub(crate) fn workloads() -> Vec<(&'static str, Work)> {
    let (parts, credentials) = (signed(), credentials());
    let (mut to_sign, for_signing) = (request(), credentials.clone());
    vec![
        ("hashing", work(blocks)),
        ("sign", work(move || sign(&mut to_sign, &for_signing, hour()))),
        ("verify", work(move || verified(&parts, &credentials))),
    ]
}

/// The signing key of [`hour`].
pub fn key() -> SigningKey {
    SigningKey::derive(&credentials().secret_key, hour())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_hashing_makes_the_signature() {
        let bare = Bare::default();
        assert_eq!(bare.derived(), key().signature(&bare.text));
        assert_eq!(bare.kept(), bare.derived());
        assert_eq!(verified(&signed(), &credentials()), Ok(()));
    }
}
