//! The key of one day, region and service.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use zeroize::Zeroize;

use super::{ALGORITHM, time};
use crate::{SecretKey, hex};

/// Bytes of a signature and of every digest of the scheme: one SHA-256.
pub(super) const DIGEST_BYTES: usize = 32;

/// Room for the StringToSign of an ordinary region, so that it is not allocated, bytes.
const ORDINARY_TO_SIGN_BYTES: usize = 192;

/// The derived key of one secret, day, region and service, with its HMAC state prepared.
///
/// Deriving takes four times what signing does, so whoever signs many requests keeps this for as long as it
/// [`covers`](Self::covers) the time. Its memory is wiped when it is dropped.
///
/// See [`canonical::request`](super::canonical::request) for an example. Source: Amazon S3 API Reference, *Authenticating Requests*.
#[derive(Clone)]
pub struct SigningKey {
    day: i64,
    /// `20231114/us-east-1/s3/aws4_request`
    scope: String,
    mac: Hmac<Sha256>,
}

impl SigningKey {
    /// Derives the key for the day of this Unix second.
    #[must_use]
    pub fn derive(secret: &SecretKey, unix_seconds: i64, region: &str, service: &str) -> Self {
        let written = time::write(unix_seconds);
        let day_text = &written[..time::DAY_BYTES];
        let mut first = Vec::with_capacity(4 + secret.expose().len());
        first.extend_from_slice(b"AWS4");
        first.extend_from_slice(secret.expose().as_bytes());
        let mut key = step(&first, day_text);
        first.zeroize();
        for part in [region, service, "aws4_request"] {
            let mut next = step(&key, part.as_bytes());
            key.zeroize();
            key.copy_from_slice(&next);
            next.zeroize();
        }
        let mac = keyed(&key);
        key.zeroize();
        let day_text: String = day_text.iter().map(|byte| char::from(*byte)).collect();
        let scope = format!("{day_text}/{region}/{service}/aws4_request");
        Self { day: time::day(unix_seconds), scope, mac }
    }

    /// Whether this is the key of the day that has this Unix second.
    #[must_use]
    pub fn covers(&self, unix_seconds: i64) -> bool {
        time::day(unix_seconds) == self.day
    }

    /// The credential scope, `20231114/us-east-1/s3/aws4_request`.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The signature of a canonical request (see [`canonical::request`](super::canonical::request)) at this Unix second, as
    /// bytes; the wire carries it as lower-case hex.
    #[must_use]
    pub fn signature(&self, unix_seconds: i64, canonical_request: &[u8]) -> [u8; 32] {
        let mut mac = self.mac.clone();
        mac.update(&self.string_to_sign(unix_seconds, canonical_request));
        mac.finalize().into_bytes().into()
    }

    /// The StringToSign in one piece: hashes take one long piece quicker than several short ones.
    pub(super) fn string_to_sign(
        &self,
        unix_seconds: i64,
        canonical_request: &[u8],
    ) -> SmallVec<[u8; ORDINARY_TO_SIGN_BYTES]> {
        let digest: [u8; DIGEST_BYTES] = Sha256::digest(canonical_request).into();
        let digest: [u8; 2 * DIGEST_BYTES] = hex::encode(&digest);
        let mut text = SmallVec::new();
        for piece in
            [ALGORITHM.as_bytes(), b"\n", &time::write(unix_seconds), b"\n", self.scope.as_bytes(), b"\n", &digest]
        {
            text.extend_from_slice(piece);
        }
        text
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("scope", &self.scope).finish_non_exhaustive()
    }
}

fn step(key: &[u8], data: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut mac = keyed(key);
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("an HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_for_its_day_and_shows_only_its_scope() {
        let key = SigningKey::derive(&SecretKey::new("hush"), 1_700_000_000, "r", "s3");
        assert_eq!(format!("{key:?}"), r#"SigningKey { scope: "20231114/r/s3/aws4_request", .. }"#);
        let midnight = 1_700_006_400;
        assert!(key.covers(midnight - 1) && key.covers(midnight - 86_400));
        assert!(!key.covers(midnight) && !key.covers(midnight - 86_401));
    }
}
