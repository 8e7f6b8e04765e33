//! Keys, and to whom they belong.

use std::{collections::BTreeMap, fmt, sync::Arc};

use cos_batch_model::{AppId, Uin};
use cos_signature::SecretKey;

/// A key and the account it belongs to.
///
/// ```
/// use cos_batch_server::Key;
/// use cos_signature::SecretKey;
///
/// let permanent = Key::new(SecretKey::new("exampleSecret"), "1250000000".parse()?);
/// let temporary = Key { security_token: Some("token".to_owned()), ..permanent.clone() };
/// assert!(permanent.security_token.is_none() && temporary.security_token.is_some());
/// # Ok::<(), cos_batch_model::ValidationError>(())
/// ```
#[derive(Clone)]
pub struct Key {
    /// The secret that requests are signed with.
    pub secret: SecretKey,
    /// The account: requests with this key must name it in `x-cos-appid`, and reach only its jobs.
    pub appid: AppId,
    /// The account's UIN, handed on to the backend.
    pub uin: Option<Uin>,
    /// The token without which a temporary key is refused. With a permanent key no token is accepted.
    pub security_token: Option<String>,
}

impl Key {
    /// A permanent key.
    pub fn new(secret: SecretKey, appid: AppId) -> Self {
        Self { secret, appid, uin: None, security_token: None }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("secret", &self.secret)
            .field("appid", &self.appid)
            .field("uin", &self.uin)
            .field("security_token", &self.security_token.as_ref().map(|_| "hidden"))
            .finish()
    }
}

/// Knows keys.
///
/// ```
/// use std::sync::Mutex;
///
/// use cos_batch_server::{Authenticate, Key, StaticKeys};
///
/// /// Keys that can be exchanged while the server runs.
/// struct Reloaded(Mutex<StaticKeys>);
///
/// impl Authenticate for Reloaded {
///     fn key(&self, secret_id: &str) -> Option<Key> {
///         self.0.lock().ok()?.key(secret_id)
///     }
/// }
///
/// assert!(Reloaded(Mutex::new(StaticKeys::new())).key("AKIDEXAMPLE").is_none());
/// ```
pub trait Authenticate: Send + Sync {
    /// The key with this id, unless there is none or it may not be used now.
    ///
    /// Called in the middle of a request: it must not block. What it costs should not depend on whether there is a
    /// key.
    fn key(&self, secret_id: &str) -> Option<Key>;
}

impl<T: Authenticate + ?Sized> Authenticate for Arc<T> {
    fn key(&self, secret_id: &str) -> Option<Key> {
        (**self).key(secret_id)
    }
}

/// A fixed set of keys.
///
/// See the [front page](crate) for an example. Source: ours.
#[derive(Debug, Clone, Default)]
pub struct StaticKeys(BTreeMap<String, Key>);

impl StaticKeys {
    /// No keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// These and one more key; an older one with the same id is replaced.
    #[must_use]
    pub fn with(mut self, secret_id: impl Into<String>, key: Key) -> Self {
        self.0.insert(secret_id.into(), key);
        self
    }
}

impl FromIterator<(String, Key)> for StaticKeys {
    fn from_iter<I: IntoIterator<Item = (String, Key)>>(keys: I) -> Self {
        Self(keys.into_iter().collect())
    }
}

impl Authenticate for StaticKeys {
    fn key(&self, secret_id: &str) -> Option<Key> {
        self.0.get(secret_id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_forms_hide_what_is_secret() {
        let appid = AppId::new("1250000000").unwrap();
        let key = Key { security_token: Some("tok-tok".into()), ..Key::new(SecretKey::new("hush-hush"), appid) };
        let shown = format!("{:?}", StaticKeys::new().with("AKIDvisible", key));
        assert!(shown.contains("AKIDvisible") && shown.contains("1250000000"), "{shown}");
        assert!(!shown.contains("hush-") && !shown.contains("tok-"), "{shown}");
    }

    #[test]
    fn a_key_is_found_by_its_whole_id() {
        let key = |appid: &str| Key::new(SecretKey::new("s"), AppId::new(appid).unwrap());
        let keys: StaticKeys = [("a".to_owned(), key("1")), ("b".to_owned(), key("2"))].into_iter().collect();
        let keys: Arc<dyn Authenticate> = Arc::new(keys.with("b", key("3")));
        assert_eq!(keys.key("a").unwrap().appid.as_str(), "1");
        assert_eq!(keys.key("b").unwrap().appid.as_str(), "3");
        assert!(keys.key("c").is_none() && keys.key("").is_none());
    }
}
