//! Who asks, and what he may do.

use std::{collections::BTreeMap, fmt, sync::Arc};

use cos_signature::{Place, Presented, SecretKey, Strictness, VerifyError, verify};
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use subtle::ConstantTimeEq;

use crate::{
    error::{Code, Failure},
    limits::WINDOW_SECONDS_MAX,
};

/// How names of parameters are written in a signature's list.
const LISTED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The fields of a signature, where it stands in the query, and the token that goes with it.
const OWN_PARAMETERS: [&str; 8] = [
    "q-sign-algorithm",
    "q-ak",
    "q-sign-time",
    "q-key-time",
    "q-header-list",
    "q-url-param-list",
    "q-signature",
    cos_signature::SECURITY_TOKEN,
];

/// Parameters of GET Service that the official Python SDK does not sign. They choose a page and nothing else.
const UNSIGNED_OF_THE_SERVICE: [&str; 2] = ["marker", "max-keys"];

/// A key and the account it belongs to.
#[derive(Clone)]
pub struct Key {
    /// The secret that requests are signed with.
    pub secret: SecretKey,
    /// The account: buckets whose name ends with it are its own.
    pub appid: String,
    /// The account's UIN, shown as the owner of objects; the APPID stands for it where there is none.
    pub uin: Option<String>,
    /// The token without which a temporary key is refused. With a permanent key no token is accepted.
    pub security_token: Option<String>,
}

impl Key {
    /// A permanent key.
    pub fn new(secret: SecretKey, appid: impl Into<String>) -> Self {
        Self { secret, appid: appid.into(), uin: None, security_token: None }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("appid", &self.appid).field("uin", &self.uin).finish_non_exhaustive()
    }
}

/// Knows keys.
pub trait Authenticate: Send + Sync {
    /// The key with this id, unless there is none or it may not be used now. Called in the middle of a request: it must
    /// not block.
    fn key(&self, secret_id: &str) -> Option<Key>;
}

/// A fixed set of keys, by id.
impl Authenticate for BTreeMap<String, Key> {
    fn key(&self, secret_id: &str) -> Option<Key> {
        self.get(secret_id).cloned()
    }
}

impl<T: Authenticate + ?Sized> Authenticate for Arc<T> {
    fn key(&self, secret_id: &str) -> Option<Key> {
        (**self).key(secret_id)
    }
}

/// What is to be done in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Read objects, and see what there is.
    Read,
    /// Write objects, their tags, access lists and restore state.
    Write,
    /// Delete objects.
    Delete,
    /// Make, change and delete the bucket itself: for its owner.
    Own,
}

impl Right {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete objects of",
            Self::Own => "change",
        }
    }
}

/// Knows who may use which bucket.
pub trait Authorize: Send + Sync {
    /// May this account do that in this bucket? Whether the bucket exists does not count.
    fn allows(&self, appid: &str, bucket: &str, right: Right) -> bool;
}

/// A bucket belongs to the APPID that ends its name, and nobody else may use it.
#[derive(Clone, Copy, Debug, Default)]
pub struct OwnBuckets;

impl Authorize for OwnBuckets {
    fn allows(&self, appid: &str, bucket: &str, _right: Right) -> bool {
        !appid.is_empty() && bucket.rsplit_once('-').is_some_and(|(name, owner)| !name.is_empty() && owner == appid)
    }
}

/// Who is let in.
pub(crate) enum Access {
    /// Whoever signs with a known key, to what he may use.
    Keys { keys: Box<dyn Authenticate>, rights: Box<dyn Authorize> },
    /// Everybody, to everything.
    Everybody,
}

/// On whose behalf a request is carried out.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// None is whoever comes, where everybody is let in.
    pub(crate) appid: Option<String>,
    /// How the owner of objects is shown.
    pub(crate) owner: String,
}

impl Access {
    /// Says on whose behalf a request is carried out, before its body is read.
    pub(crate) fn admit(&self, head: &Parts, is_service: bool, now: i64) -> Result<Caller, Failure> {
        let Self::Keys { keys, .. } = self else { return Ok(Caller { appid: None, owner: "anonymous".into() }) };
        let presented = Presented::from_parts(head).map_err(|error| refusal(&error))?;
        let key = keys.key(&presented.secret_id);
        everything_signed(head, &presented, is_service)?;
        let secret = key.as_ref().map(|key| &key.secret);
        verify(head, &presented, secret, now, Strictness::CosCompatible).map_err(|error| refusal(&error))?;
        let Some(key) = key else { return Err(refusal(&VerifyError::UnknownKey)) };
        token_is_the_keys_own(&presented, &key)?;
        let owner = key.uin.unwrap_or_else(|| key.appid.clone());
        Ok(Caller { appid: Some(key.appid), owner })
    }

    /// Refuses what the caller may not do.
    pub(crate) fn check(&self, caller: &Caller, bucket: &str, right: Right) -> Result<(), Failure> {
        if self.allows(caller, bucket, right) {
            return Ok(());
        }
        let appid = caller.appid.as_deref().unwrap_or_default();
        Err(denied(&format!("APPID {appid} may not {} bucket {bucket}", right.name())))
    }

    pub(crate) fn allows(&self, caller: &Caller, bucket: &str, right: Right) -> bool {
        match (self, &caller.appid) {
            (Self::Keys { rights, .. }, Some(appid)) => rights.allows(appid, bucket, right),
            (Self::Keys { .. }, None) => false,
            (Self::Everybody, _) => true,
        }
    }
}

/// The host, every `x-cos-` header and every parameter must be signed: whoever sees a request cannot alter or add any.
/// The window may be longer than what the batch API takes, since presigned URLs live long.
fn everything_signed(head: &Parts, presented: &Presented<'_>, is_service: bool) -> Result<(), Failure> {
    if !presented.signs_header("host") {
        return Err(denied("the header host must be signed: name it in q-header-list"));
    }
    let seconds = presented.key_time.seconds().max(presented.sign_time.seconds());
    if seconds > WINDOW_SECONDS_MAX {
        let message =
            format!("the signature is valid for {seconds} seconds, at most {WINDOW_SECONDS_MAX} are accepted");
        return Err(denied(&message));
    }
    for name in head.headers.keys().filter(|name| name.as_str().starts_with("x-cos-")) {
        if !presented.signs_header(name.as_str()) {
            return Err(denied(&format!("the header {name} must be signed: name it in q-header-list")));
        }
        if head.headers.get_all(name).iter().count() > 1 {
            return Err(denied(&format!("the header {name} stands there more than once")));
        }
    }
    for pair in head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let own = presented.place == Place::Query && OWN_PARAMETERS.contains(&name);
        let free = is_service && UNSIGNED_OF_THE_SERVICE.contains(&name);
        let spaced = name.replace('+', " ");
        let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
        let listed = percent_encode(&decoded, LISTED).to_string().to_ascii_lowercase();
        if !own && !free && !presented.url_param_list.contains(&listed) {
            return Err(denied(&format!("the parameter {listed} must be signed: name it in q-url-param-list")));
        }
    }
    Ok(())
}

fn token_is_the_keys_own(presented: &Presented<'_>, key: &Key) -> Result<(), Failure> {
    match (&key.security_token, &presented.security_token) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(denied("the key is permanent, but x-cos-security-token is given")),
        (Some(_), None) => Err(denied("the key is temporary: x-cos-security-token is needed")),
        (Some(own), Some(given)) if own.as_bytes().ct_eq(given.as_bytes()).into() => Ok(()),
        (Some(_), Some(_)) => Err(denied("x-cos-security-token is not the key's own")),
    }
}

fn denied(message: &str) -> Failure {
    Failure::new(Code::AccessDenied, message)
}

fn refusal(error: &VerifyError) -> Failure {
    let code = match error {
        VerifyError::UnknownKey => Code::InvalidAccessKeyId,
        VerifyError::Mismatch => Code::SignatureDoesNotMatch,
        VerifyError::Expired { .. } => Code::RequestExpired,
        VerifyError::NotYetValid { .. } => Code::RequestTimeTooSkewed,
        _ => Code::AccessDenied,
    };
    Failure::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_of_the_appid_that_ends_its_name() {
        assert!(OwnBuckets.allows("125", "b-125", Right::Own));
        for (appid, bucket) in [("125", "b-1250"), ("25", "b-125"), ("125", "-125"), ("125", "125"), ("", "b-")] {
            assert!(!OwnBuckets.allows(appid, bucket, Right::Read), "{appid} {bucket}");
        }
    }

    #[test]
    fn debug_forms_hide_what_is_secret() {
        let key = Key { security_token: Some("tok-tok".into()), ..Key::new(SecretKey::new("hush"), "125") };
        let shown = format!("{key:?}");
        assert!(shown.contains("125") && !shown.contains("hush") && !shown.contains("tok"), "{shown}");
    }
}
