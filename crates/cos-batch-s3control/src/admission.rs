//! Who asks, for what, and with which body: what is held against a request before anything is done for it.

use cos_signature::SecretKey;
use http::{StatusCode, request::Parts};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::{
    Callers, Owner,
    action::{self, ActionName, NoRoute},
    error::Failure,
    shape::{Form, check_text},
    sigv4::{Payload, Presented, SignatureError, verify},
};

/// The header that names the account.
const ACCOUNT: &str = "x-amz-account-id";

/// A request whose head is in order.
pub(crate) struct Admitted<'a> {
    pub(crate) action: ActionName,
    /// Id of the job that the path names.
    pub(crate) id: Option<&'a str>,
    pub(crate) owner: Owner,
    /// What the signature says of the body; none where nobody has to sign.
    pub(crate) payload: Option<Payload>,
}

/// What is asked for, and on whose behalf.
pub(crate) fn admit<'a>(head: &'a Parts, callers: &Callers, now: i64) -> Result<Admitted<'a>, Failure> {
    let (owner, payload) = owner_of(head, callers, now)?;
    let (action, id) = action::route(&head.method, head.uri.path()).map_err(|reason| match reason {
        NoRoute::UnknownPath => Failure::new("NotImplemented", StatusCode::NOT_IMPLEMENTED, reason.to_string()),
        NoRoute::OtherMethods => Failure::new("MethodNotAllowed", StatusCode::METHOD_NOT_ALLOWED, reason.to_string()),
    })?;
    if let Some(id) = id {
        action::check_job_id(id).map_err(|error| Failure::bad_request(Some(action), error))?;
    }
    Ok(Admitted { action, id, owner, payload })
}

fn owner_of(head: &Parts, callers: &Callers, now: i64) -> Result<(Owner, Option<Payload>), Failure> {
    let refused = |message: &str| Failure::bad_request(None, message);
    let mut named = head.headers.get_all(ACCOUNT).iter();
    let account = named.next().ok_or_else(|| refused("the header x-amz-account-id is missing"))?;
    if named.next().is_some() {
        return Err(refused("the header x-amz-account-id is given more than once"));
    }
    let account = account.to_str().map_err(|_| refused("the header x-amz-account-id must be twelve digits"))?;
    check_text(ACCOUNT, 0, 64, Form::Account, account).map_err(|error| Failure::bad_request(None, error))?;
    let keys = match callers {
        Callers::Everybody(appid) => return Ok((Owner::anonymous(account, appid), None)),
        Callers::Keys(keys) => keys,
    };
    let not_accepted = |error: &SignatureError| {
        let status = match error.code() {
            "AuthorizationHeaderMalformed" => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        };
        Failure::new(error.code(), status, error.to_string())
    };
    let presented = Presented::from_parts(head).map_err(|error| not_accepted(&error))?;
    let key = keys.key(&presented.secret_id);
    verify(head, &presented, key.as_ref().map(|key| &key.secret), now).map_err(|error| not_accepted(&error))?;
    let Some(key) = key else { return Err(Failure::denied("there is no such key")) };
    token_is_the_keys_own(key.security_token.as_ref(), presented.security_token.as_deref())?;
    if key.account != account {
        return Err(Failure::denied("x-amz-account-id names an account that the key does not belong to"));
    }
    let owner = Owner { account: account.to_owned(), appid: key.appid.clone(), region: presented.region };
    Ok((owner, Some(presented.payload)))
}

fn token_is_the_keys_own(own: Option<&SecretKey>, given: Option<&str>) -> Result<(), Failure> {
    match (own, given) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Failure::denied("the key is permanent, but x-amz-security-token is given")),
        (Some(_), None) => Err(Failure::denied("the key is temporary: x-amz-security-token is needed")),
        (Some(own), Some(given)) if own.expose().as_bytes().ct_eq(given.as_bytes()).into() => Ok(()),
        (Some(_), Some(_)) => Err(Failure::denied("x-amz-security-token is not the key's own")),
    }
}

/// The body must be the one that was signed.
pub(crate) fn check_body(payload: Option<&Payload>, body: &[u8]) -> Result<(), Failure> {
    match payload {
        // Nobody has to sign.
        None => Ok(()),
        Some(Payload::Unsigned) if body.is_empty() => Ok(()),
        Some(Payload::Unsigned) => Err(Failure::denied("the body must be signed: its SHA-256 in x-amz-content-sha256")),
        Some(Payload::Hash(hash)) if *hash == hex::encode(Sha256::digest(body)) => Ok(()),
        Some(Payload::Hash(_)) => {
            let message = "the body does not have the SHA-256 that x-amz-content-sha256 says";
            Err(Failure::new("XAmzContentSHA256Mismatch", StatusCode::BAD_REQUEST, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_the_one_that_was_signed() {
        let code = |payload: Option<&Payload>, body: &[u8]| check_body(payload, body).err().map(|failure| failure.code);
        let hash = |body: &[u8]| Payload::Hash(hex::encode(Sha256::digest(body)));
        assert_eq!(code(Some(&hash(b"text")), b"text"), None);
        assert_eq!(code(Some(&hash(b"")), b""), None);
        assert_eq!(code(Some(&hash(b"text")), b"test"), Some("XAmzContentSHA256Mismatch"));
        assert_eq!(code(Some(&hash(b"text")), b""), Some("XAmzContentSHA256Mismatch"));
        assert_eq!(code(Some(&Payload::Unsigned), b""), None);
        assert_eq!(code(Some(&Payload::Unsigned), b"text"), Some("AccessDenied"));
        // Where nobody has to sign.
        assert_eq!(code(None, b"text"), None);
    }

    #[test]
    fn a_token_goes_with_the_key_it_was_given_out_with() {
        let own = SecretKey::new("token");
        let refused = |own, given| token_is_the_keys_own(own, given).err().map(|failure| failure.message);
        assert_eq!(refused(None, None), None);
        assert_eq!(refused(Some(&own), Some("token")), None);
        for (own, given, message) in [
            (Some(&own), None, "the key is temporary"),
            (Some(&own), Some("tokem"), "is not the key's own"),
            (Some(&own), Some("token1"), "is not the key's own"),
            (Some(&own), Some(""), "is not the key's own"),
            (None, Some("token"), "the key is permanent"),
            (None, Some(""), "the key is permanent"),
        ] {
            let refused = refused(own, given).unwrap_or_default();
            assert!(refused.contains(message), "{given:?}: {refused}");
        }
    }
}
