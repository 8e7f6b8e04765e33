//! Who asks, and whether he may.

use cos_batch_model::{ActionName, ApiError, AppId, ErrorCode, Uin};
use cos_signature::{Presented, Strictness, VerifyError, verify};
use http::{header::HeaderMap, request::Parts};
use subtle::ConstantTimeEq;

use crate::{Asked, Authenticate, Authorize, Caller, Key, router::Route};

/// The header that names the account.
const APPID_HEADER: &str = "x-cos-appid";

/// Who is let in.
pub(crate) enum Access {
    /// Whoever signs with a known key.
    Keys { keys: Box<dyn Authenticate>, strictness: Strictness },
    /// Everybody, by default as this account.
    Anonymous(AppId),
}

/// The account on whose behalf a request is carried out.
pub(crate) struct Admitted {
    /// The key that signed; none where everybody is let in.
    secret_id: Option<String>,
    pub(crate) appid: AppId,
    pub(crate) uin: Option<Uin>,
    /// The signature covers the body's MD5, or need not.
    pub(crate) body_is_bound: bool,
}

impl Admitted {
    /// Whether the caller may have done what is asked.
    pub(crate) fn may(&self, head: &Parts, route: Route, authorize: Option<&dyn Authorize>) -> Result<(), ApiError> {
        let Some(authorize) = authorize else { return Ok(()) };
        let asked = match route {
            Route::Action(action) => Asked::Action(action),
            Route::Extension => Asked::Extension { method: &head.method, path: head.uri.path() },
        };
        let caller = Caller { secret_id: self.secret_id.as_deref(), appid: &self.appid, uin: self.uin.as_ref() };
        authorize.authorize(caller, asked)
    }
}

impl Access {
    /// Says on whose behalf a request is carried out, before its body is read.
    pub(crate) fn admit(&self, head: &Parts, route: Route, now: i64) -> Result<Admitted, ApiError> {
        let named = named_appid(&head.headers)?;
        let (keys, strictness) = match self {
            Self::Anonymous(default) => {
                let appid = named.unwrap_or_else(|| default.clone());
                return Ok(Admitted { secret_id: None, appid, uin: None, body_is_bound: true });
            }
            Self::Keys { keys, strictness } => (keys, *strictness),
        };
        let Some(named) = named else {
            return Err(ApiError::new(ErrorCode::InvalidArgument, "the header x-cos-appid is missing"));
        };
        let presented = Presented::from_parts(head).map_err(|error| refusal(&error))?;
        let key = keys.key(&presented.secret_id);
        let verified = verify(head, &presented, key.as_ref().map(|key| &key.secret), now, strictness);
        verified.map_err(|error| refusal(&error))?;
        let Some(key) = key else { return Err(refusal(&VerifyError::UnknownKey)) };
        token_is_the_keys_own(&presented, &key)?;
        if named != key.appid {
            return Err(denied("x-cos-appid names an account that the key does not belong to"));
        }
        // What the signature lists is there: strict verifying has seen to that.
        let body_is_bound = strictness == Strictness::CosCompatible || presented.signs_header("content-md5");
        if route == Route::Action(ActionName::CreateJob) && !body_is_bound {
            return Err(denied("a CreateJob must have a Content-MD5 header, and the signature must cover it"));
        }
        Ok(Admitted {
            secret_id: Some(presented.secret_id.into_owned()),
            appid: key.appid,
            uin: key.uin,
            body_is_bound,
        })
    }
}

/// The account that the request names, if it names one.
fn named_appid(headers: &HeaderMap) -> Result<Option<AppId>, ApiError> {
    let invalid = |message: &str| ApiError::new(ErrorCode::InvalidArgument, message);
    let mut values = headers.get_all(APPID_HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(invalid("the header x-cos-appid is given more than once"));
    }
    let text = value.to_str().map_err(|_| invalid("the header x-cos-appid has characters other than ASCII"))?.trim();
    if text.is_empty() {
        return Err(invalid("the header x-cos-appid is empty"));
    }
    Ok(Some(AppId::new(text)?))
}

fn token_is_the_keys_own(presented: &Presented<'_>, key: &Key) -> Result<(), ApiError> {
    match (&key.security_token, &presented.security_token) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(denied("the key is permanent, but x-cos-security-token is given")),
        (Some(_), None) => Err(denied("the key is temporary: x-cos-security-token is needed")),
        (Some(own), Some(given)) if own.as_bytes().ct_eq(given.as_bytes()).into() => Ok(()),
        (Some(_), Some(_)) => Err(denied("x-cos-security-token is not the key's own")),
    }
}

fn denied(message: &str) -> ApiError {
    ApiError::new(ErrorCode::AccessDenied, message)
}

/// The answer to a request whose signature is not accepted.
fn refusal(error: &VerifyError) -> ApiError {
    let code = match error {
        VerifyError::UnknownKey => ErrorCode::InvalidAccessKeyId,
        VerifyError::Mismatch => ErrorCode::SignatureDoesNotMatch,
        VerifyError::Expired { .. } => ErrorCode::RequestHasExpired,
        VerifyError::NotYetValid { .. } => ErrorCode::RequestTimeTooSkewed,
        _ => ErrorCode::AccessDenied,
    };
    ApiError::new(code, error.to_string())
}
