//! Signing requests, with keys that are derived once for many of them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use cos_signature::{Credentials, KeyTime, SignError, SigningKey, sigv4};
use http::Request;
use http_body_util::Full;
use tokio::sync;

use super::credentials::CredentialsSource;
use crate::{ErrorKind, StoreError, clock::Clock};

/// How long a `q-sign` key is used before the next is derived, seconds.
const COS_KEY_SECONDS: i64 = 600;

/// How long such a key is valid: long enough for its last request on a slow way.
const COS_KEY_LIFETIME: Duration = Duration::from_secs(COS_KEY_SECONDS as u64 + 900);

/// How far a key's validity begins in the past, seconds: clocks differ. The official Python SDK does the same.
const COS_KEY_SKEW: i64 = 60;

/// How long before they expire credentials are fetched anew, seconds. Services hand out new ones at least five minutes before
/// the old ones end.
const REFRESH_BEFORE_SECONDS: i64 = 240;

/// How long after a failed attempt to fetch credentials the old ones are used without another one, seconds.
const REFRESH_PAUSE_SECONDS: i64 = 15;

/// Which signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// COS's `q-sign`.
    Cos,
    /// Signature Version 4 for the service `s3` in this region.
    SigV4 { region: String },
}

/// How the body of a request is bound to its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyBinding {
    /// By a hash over it.
    Hash,
    /// By TLS and, where there is one, by `Content-MD5`.
    Transport,
}

#[derive(Debug)]
enum Key {
    Cos(SigningKey),
    SigV4(sigv4::SigningKey),
}

/// Credentials with their key, ready to sign.
#[derive(Debug)]
struct Ready {
    credentials: Credentials,
    key: Key,
    /// Unix second from which on a new key is derived.
    key_until: i64,
    /// Unix second from which on credentials are fetched anew.
    refresh_at: Option<i64>,
    /// Unix second at which the credentials expire.
    expires: Option<i64>,
}

/// Signs requests.
#[derive(Debug)]
pub(crate) struct Signer {
    scheme: Scheme,
    /// None: requests are not signed.
    source: Option<Arc<dyn CredentialsSource>>,
    clock: Clock,
    ready: Mutex<Option<Arc<Ready>>>,
    /// Held by the one request that fetches credentials; the others wait for it.
    fetching: sync::Mutex<()>,
}

impl Signer {
    pub(crate) fn new(scheme: Scheme, source: Option<Arc<dyn CredentialsSource>>, clock: Clock) -> Self {
        Self { scheme, source, clock, ready: Mutex::default(), fetching: sync::Mutex::default() }
    }

    /// Signs a request that is complete.
    pub(crate) async fn sign(
        &self,
        request: &mut Request<Full<Bytes>>,
        body: &[u8],
        binding: BodyBinding,
    ) -> Result<(), StoreError> {
        let Some(source) = &self.source else { return Ok(()) };
        let now = (self.clock)();
        let ready = match self.current(now) {
            Some(ready) => ready,
            None => self.renew(source.as_ref(), now).await?,
        };
        let signed = match &ready.key {
            Key::Cos(key) => cos_signature::sign_with(request, &ready.credentials, key),
            Key::SigV4(key) => {
                let payload = match binding {
                    _ if body.is_empty() => sigv4::Payload::Empty,
                    BodyBinding::Hash => sigv4::Payload::Signed(body),
                    BodyBinding::Transport => sigv4::Payload::Unsigned,
                };
                sigv4::sign_with(request, &ready.credentials, key, now, &payload)
            }
        };
        signed.map_err(|error| unsignable(&error))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Ready>>> {
        // One assignment is all that happens under it.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What signs now without anything having to be fetched or derived.
    fn current(&self, now: i64) -> Option<Arc<Ready>> {
        let ready = self.lock().clone()?;
        let fresh = now < ready.key_until && ready.refresh_at.is_none_or(|at| now < at);
        // A clock that was set back must not sign into the future.
        let not_ahead = now >= ready.key_until - 2 * COS_KEY_SECONDS || matches!(self.scheme, Scheme::SigV4 { .. });
        (fresh && not_ahead).then_some(ready)
    }

    async fn renew(&self, source: &dyn CredentialsSource, now: i64) -> Result<Arc<Ready>, StoreError> {
        let _one = self.fetching.lock().await;
        if let Some(ready) = self.current(now) {
            return Ok(ready);
        }
        let old = self.lock().clone();
        let needs_fetching = old.as_ref().is_none_or(|old| old.refresh_at.is_some_and(|at| now >= at));
        let (credentials, expires, refresh_at) = match &old {
            Some(old) if !needs_fetching => (old.credentials.clone(), old.expires, old.refresh_at),
            _ => match (source.fetch().await, &old) {
                (Ok(fetched), _) => {
                    let refresh_at = fetched.expires.map(|at| at.saturating_sub(REFRESH_BEFORE_SECONDS).max(now + 1));
                    (fetched.credentials, fetched.expires, refresh_at)
                }
                (Err(reason), Some(old)) if old.expires.is_none_or(|at| now < at) => {
                    tracing::warn!(
                        reason,
                        "credentials cannot be fetched anew; the old ones are used until they expire"
                    );
                    (old.credentials.clone(), old.expires, Some(now + REFRESH_PAUSE_SECONDS))
                }
                (Err(reason), _) => {
                    // Whoever has them may be back soon.
                    let message = format!("there are no credentials to sign with: {reason}");
                    return Err(StoreError::new(ErrorKind::ServiceUnavailable, message));
                }
            },
        };
        let (key, key_until) = match &self.scheme {
            Scheme::Cos => {
                let window = KeyTime::starting_at(now - COS_KEY_SKEW, COS_KEY_LIFETIME);
                (Key::Cos(SigningKey::derive(&credentials.secret_key, window)), now + COS_KEY_SECONDS)
            }
            Scheme::SigV4 { region } => {
                let key = sigv4::SigningKey::derive(&credentials.secret_key, now, region, "s3");
                let midnight = (now.div_euclid(86_400) + 1) * 86_400;
                (Key::SigV4(key), midnight)
            }
        };
        let ready = Arc::new(Ready { credentials, key, key_until, refresh_at, expires });
        *self.lock() = Some(Arc::clone(&ready));
        Ok(ready)
    }
}

fn unsignable(error: &SignError) -> StoreError {
    let kind = match error {
        SignError::SecretId | SignError::SecurityToken | SignError::Scope => ErrorKind::AccessDenied,
        _ => ErrorKind::InvalidRequest,
    };
    StoreError::new(kind, format!("the request cannot be signed: {error}"))
}
