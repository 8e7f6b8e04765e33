//! What a caller may do.

use std::sync::Arc;

use cos_batch_model::{ActionName, ApiError, AppId, Uin};
use http::Method;

/// Who asks: the key that signed, and the account it belongs to.
///
/// See [`Authorize`] for an example. Source: ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller<'a> {
    /// Id of the key that the request is signed with; none where everybody is let in.
    pub secret_id: Option<&'a str>,
    /// The account.
    pub appid: &'a AppId,
    /// The account's UIN, if the key has one.
    pub uin: Option<&'a Uin>,
}

/// What is asked for.
///
/// See [`Authorize`] for an example. Source: ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Asked<'a> {
    /// An action of the API.
    Action(ActionName),
    /// Something that the [extension](crate::Extension) offers.
    Extension {
        /// The request's method.
        method: &'a Method,
        /// The request's path, as it was sent.
        path: &'a str,
    },
}

/// Says what a caller may do, once it is known who it is. Without one every key may do everything with its own account's
/// jobs; no other account's jobs are ever reached, whatever is said here.
///
/// A key that may look and not touch:
///
/// ```
/// use std::sync::Arc;
///
/// use cos_batch_model::{ActionName, ApiError, AppId, BatchApi, ErrorCode};
/// use cos_batch_server::{Asked, Authorize, BatchService, Caller, Key, StaticKeys};
/// use cos_signature::SecretKey;
///
/// struct ReadOnly(&'static str);
///
/// impl Authorize for ReadOnly {
///     fn authorize(&self, caller: Caller<'_>, asked: Asked<'_>) -> Result<(), ApiError> {
///         let looks = match asked {
///             Asked::Action(action) => matches!(action, ActionName::DescribeJob | ActionName::ListJobs),
///             Asked::Extension { method, .. } => method == "GET",
///             _ => false,
///         };
///         if looks || caller.secret_id != Some(self.0) {
///             return Ok(());
///         }
///         Err(ApiError::new(ErrorCode::AccessDenied, "this key may look at jobs and no more"))
///     }
/// }
///
/// # struct Backend;
/// # impl BatchApi for Backend {}
/// let appid = AppId::new("1250000000")?;
/// let keys = StaticKeys::new()
///     .with("AKIDADMIN", Key::new(SecretKey::new("secret of the first"), appid.clone()))
///     .with("AKIDWATCH", Key::new(SecretKey::new("secret of the second"), appid));
/// let service = BatchService::builder(Arc::new(Backend))
///     .authenticate(keys)
///     .authorize(ReadOnly("AKIDWATCH"))
///     .build()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Authorize: Send + Sync {
    /// Whether the caller may have this done. Asked after the signature was verified and before the body is read, so
    /// what the request says in its body is for the backend to judge.
    ///
    /// Called in the middle of a request: it must not block.
    ///
    /// # Errors
    ///
    /// What the caller is answered: as a rule `AccessDenied`, whose message says what the key may not.
    fn authorize(&self, caller: Caller<'_>, asked: Asked<'_>) -> Result<(), ApiError>;
}

impl<T: Authorize + ?Sized> Authorize for Arc<T> {
    fn authorize(&self, caller: Caller<'_>, asked: Asked<'_>) -> Result<(), ApiError> {
        (**self).authorize(caller, asked)
    }
}
