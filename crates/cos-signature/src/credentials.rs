//! Who signs: key id, secret key and, for temporary keys, a token.

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{blocks, mac::Mac};

/// Longest key id, in bytes. Real ones have 36, those of temporary keys some 60.
///
/// Source: ours.
pub const SECRET_ID_BYTES_MAX: usize = 128;

/// A secret key. Its memory, which clones share, is wiped when the last of them is dropped, and its debug form shows nothing of it.
///
/// ```
/// use cos_signature::SecretKey;
///
/// let key = SecretKey::new("exampleSecret");
/// assert_eq!(format!("{key:?}"), "SecretKey(hidden)");
/// assert_eq!(key.expose(), "exampleSecret");
/// ```
#[derive(Clone)]
pub struct SecretKey(Arc<Secret>);

struct Secret {
    text: Zeroizing<String>,
    /// Begun with the key, which each signature would hash anew.
    mac: Mac,
}

impl SecretKey {
    /// Takes over a secret key.
    pub fn new(secret: impl Into<String>) -> Self {
        let text = Zeroizing::new(secret.into());
        let mac = Mac::new(text.as_bytes());
        Self(Arc::new(Secret { text, mac }))
    }

    /// The HMAC with this key.
    pub(crate) fn mac(&self) -> &Mac {
        &self.0.mac
    }

    /// The secret itself; do not store or log what this returns.
    pub fn expose(&self) -> &str {
        &self.0.text
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(hidden)")
    }
}

/// What a client signs with.
///
/// ```
/// use cos_signature::Credentials;
///
/// let permanent = Credentials::new("AKIDEXAMPLE", "exampleSecret");
/// let temporary = permanent.clone().with_security_token("token");
/// assert_eq!((permanent.security_token, temporary.security_token.as_deref()), (None, Some("token")));
/// ```
#[derive(Clone)]
pub struct Credentials {
    /// The public id of the key (`q-ak`).
    pub secret_id: String,
    /// The secret key.
    pub secret_key: SecretKey,
    /// The token that comes with a temporary key; it is sent and signed as `x-cos-security-token`.
    pub security_token: Option<String>,
}

impl Credentials {
    /// Credentials of a permanent key.
    pub fn new(secret_id: impl Into<String>, secret_key: impl Into<String>) -> Self {
        Self { secret_id: secret_id.into(), secret_key: SecretKey::new(secret_key), security_token: None }
    }

    /// The same credentials with the token of a temporary key.
    #[must_use]
    pub fn with_security_token(mut self, token: impl Into<String>) -> Self {
        self.security_token = Some(token.into());
        self
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("secret_id", &self.secret_id)
            .field("secret_key", &self.secret_key)
            .field("security_token", &self.security_token.as_ref().map(|_| "hidden"))
            .finish()
    }
}

/// Whether a text can be a key id.
pub(crate) fn is_secret_id(text: &str) -> bool {
    let fits = (1..=SECRET_ID_BYTES_MAX).contains(&text.len());
    fits && blocks::all(text.as_bytes(), |byte| byte.is_ascii_graphic() & (byte != b'&') & (byte != b';'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_forms_hide_what_is_secret() {
        let credentials = Credentials::new("AKIDvisible", "hush-hush").with_security_token("tok-tok");
        let shown = format!("{credentials:?} {:?}", credentials.secret_key);
        assert!(shown.contains("AKIDvisible"), "{shown}");
        assert!(!shown.contains("hush") && !shown.contains("tok-"), "{shown}");
    }
}
