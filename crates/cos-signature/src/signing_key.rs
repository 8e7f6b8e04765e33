//! The key that signs for one window of time.

use std::fmt;

use crate::{
    KeyTime, SecretKey,
    canonical::{self, KeyTimeText},
    hex::MAC_BYTES,
    mac::{self, Mac},
};

/// The SignKey of one secret and one window of time, with its HMAC state prepared.
///
/// Deriving costs as much as signing, so whoever signs many requests in one window keeps this. Its memory is wiped
/// when it is dropped.
///
/// See [`sign_with`](crate::sign_with()) for an example. Source: COS documentation, request signature.
#[derive(Clone)]
pub struct SigningKey {
    key_time: KeyTime,
    text: KeyTimeText,
    mac: Mac,
}

impl SigningKey {
    /// Derives the key for this window.
    pub fn derive(secret: &SecretKey, key_time: KeyTime) -> Self {
        let text = KeyTimeText::new(key_time);
        // The hex text, not the bytes, is the key of the second HMAC.
        let mac = secret.mac().derived(text.as_bytes());
        Self { key_time, text, mac }
    }

    /// What a key derived for this window makes the signature of an HttpString, for whoever needs the key for nothing else.
    pub(crate) fn signature_once(secret: &SecretKey, key_time: KeyTime, http_string: &[u8]) -> [u8; MAC_BYTES] {
        let mut text = KeyTimeText::default();
        text.set(key_time);
        let (mac, digest) = secret.mac().derived_beside(text.as_bytes(), http_string);
        canonical::write_string_to_sign(&text, &digest, |text| mac.of(text))
    }

    /// The window for which this key signs.
    pub fn key_time(&self) -> KeyTime {
        self.key_time
    }

    /// The text of that window.
    pub(crate) fn key_time_text(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// The signature of an HttpString (see [`canonical::http_string`]), as bytes; the wire carries it as lower-case
    /// hex.
    pub fn signature(&self, http_string: &[u8]) -> [u8; MAC_BYTES] {
        canonical::write_string_to_sign(&self.text, &mac::digest(http_string), |text| self.mac.of(text))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("key_time", &self.key_time).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_only_the_window() {
        let key = SigningKey::derive(&SecretKey::new("hush"), KeyTime::new(1, 2).unwrap());
        assert_eq!(format!("{key:?}"), "SigningKey { key_time: KeyTime { start: 1, end: 2 }, .. }");
    }
}
