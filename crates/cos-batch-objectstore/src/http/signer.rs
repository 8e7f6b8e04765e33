//! Signing requests, with keys that are derived once for many of them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use cos_signature::{
    Credentials, KeyTime, SignError, SigningKey, Unsigned,
    sigv4::{self, Payload},
};
use http::{HeaderName, header};
use smallvec::SmallVec;
use tokio::sync;

use super::{
    credentials::{CredentialsSource, Fetched},
    head::Head,
};
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

/// Room for the signature of an ordinary request, so that it is allocated once, bytes.
const AUTHORIZATION_BYTES: usize = 384;

/// Headers of an ordinary request, so that the list of them is not allocated.
const ORDINARY_HEADERS: usize = 16;

const COS_SECURITY_TOKEN: HeaderName = HeaderName::from_static(cos_signature::SECURITY_TOKEN);
const S3_SECURITY_TOKEN: HeaderName = HeaderName::from_static(sigv4::SECURITY_TOKEN);
const DATE: HeaderName = HeaderName::from_static(sigv4::DATE);
const CONTENT_SHA256: HeaderName = HeaderName::from_static(sigv4::CONTENT_SHA256);

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
    /// By TLS and, where there is one, by `Content-MD5`; where there is no TLS, by a hash all the same.
    Transport,
    /// It is not there yet.
    None,
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
    /// Unix second from which on credentials are fetched anew.
    refresh_at: Option<i64>,
    /// Unix second at which the credentials expire.
    expires: Option<i64>,
}

impl Ready {
    /// Whether it may sign at this Unix second. Clocks are set back too: what is signed then must not lie in the future.
    fn signs(&self, now: i64) -> bool {
        let in_time = match &self.key {
            Key::Cos(key) => {
                let start = key.key_time().start();
                (start..start.saturating_add(COS_KEY_SKEW + COS_KEY_SECONDS)).contains(&now)
            }
            Key::SigV4(key) => key.covers(now),
        };
        in_time && self.expires.is_none_or(|at| now < at)
    }

    /// Signs a request at this Unix second.
    fn sign(&self, head: &mut Head, now: i64, body: &[u8], binding: BodyBinding) -> Result<(), SignError> {
        let Credentials { secret_id, security_token, .. } = &self.credentials;
        let token_name = match &self.key {
            Key::Cos(_) => COS_SECURITY_TOKEN,
            Key::SigV4(_) => S3_SECURITY_TOKEN,
        };
        if let Some(token) = security_token
            && !head.lines.add(&token_name, token)
        {
            return Err(SignError::SecurityToken);
        }
        let mut value = Vec::with_capacity(AUTHORIZATION_BYTES);
        match &self.key {
            Key::Cos(key) => {
                let headers = listed(head);
                cos_signature::authorization(&unsigned(head, &headers), secret_id, key, &mut value)?;
            }
            Key::SigV4(key) => {
                let payload = match binding {
                    BodyBinding::None => Payload::Unsigned,
                    _ if body.is_empty() => Payload::Empty,
                    BodyBinding::Hash => Payload::Signed(body),
                    BodyBinding::Transport => Payload::Unsigned,
                };
                let hash = payload.hash();
                head.lines.add_token(&DATE, &sigv4::basic_time(now));
                head.lines.add_token(&CONTENT_SHA256, hash.as_str());
                let headers = listed(head);
                sigv4::authorization(&unsigned(head, &headers), secret_id, key, now, hash.as_str(), &mut value)?;
            }
        }
        // A key's id, a region and names of headers: ASCII.
        let value = String::from_utf8(value).map_err(|_| SignError::SecretId)?;
        head.lines.add_token(&header::AUTHORIZATION, &value);
        Ok(())
    }

    fn fetched(&self) -> Fetched {
        Fetched { credentials: self.credentials.clone(), expires: self.expires }
    }

    /// Whether nothing has to be fetched.
    fn is_fresh(&self, now: i64) -> bool {
        self.refresh_at.is_none_or(|at| now < at)
    }
}

/// An attempt to fetch credentials that failed.
#[derive(Clone, Debug)]
struct Failed {
    /// Unix second.
    at: i64,
    reason: String,
}

/// Signs requests.
#[derive(Debug)]
pub(crate) struct Signer {
    scheme: Scheme,
    /// None: requests are not signed.
    source: Option<Arc<dyn CredentialsSource>>,
    clock: Clock,
    ready: Mutex<Option<Arc<Ready>>>,
    /// Held by the one request that fetches credentials; whoever cannot do without waits for it. The last failure, if nothing was
    /// fetched since.
    fetching: sync::Mutex<Option<Failed>>,
}

impl Signer {
    pub(crate) fn new(scheme: Scheme, source: Option<Arc<dyn CredentialsSource>>, clock: Clock) -> Self {
        Self { scheme, source, clock, ready: Mutex::default(), fetching: sync::Mutex::default() }
    }

    /// Signs a request that is complete.
    pub(crate) async fn sign(&self, head: &mut Head, body: &[u8], binding: BodyBinding) -> Result<(), StoreError> {
        let Some(source) = &self.source else { return Ok(()) };
        let ready = self.ready(source.as_ref()).await?;
        // Only now: it may have taken a while.
        let now = (self.clock)();
        let ready = if ready.signs(now) { ready } else { self.ready(source.as_ref()).await? };
        ready.sign(head, now, body, binding).map_err(|error| unsignable(&error))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Ready>>> {
        // One assignment is all that happens under it.
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What signs now. Whoever comes while another fetches uses what there is, as long as it is valid.
    async fn ready(&self, source: &dyn CredentialsSource) -> Result<Arc<Ready>, StoreError> {
        let now = (self.clock)();
        let old = self.lock().clone().filter(|old| old.expires.is_none_or(|at| now < at));
        if let Some(ready) = old.as_ref().filter(|ready| ready.signs(now) && ready.is_fresh(now)) {
            return Ok(Arc::clone(ready));
        }
        let mut fetching = match (self.fetching.try_lock(), old) {
            (Ok(fetching), _) => fetching,
            (Err(_), Some(old)) if old.signs(now) => return Ok(old),
            // Only the key is of another time. It is not kept, or it could take the place of what is just being fetched.
            (Err(_), Some(old)) => return Ok(self.derive(old.fetched(), old.refresh_at)),
            (Err(_), None) => self.fetching.lock().await,
        };
        self.renew(source, &mut fetching).await
    }

    async fn renew(
        &self,
        source: &dyn CredentialsSource,
        failed: &mut Option<Failed>,
    ) -> Result<Arc<Ready>, StoreError> {
        let now = (self.clock)();
        let old = self.lock().clone();
        let valid = old.as_ref().filter(|old| old.expires.is_none_or(|at| now < at));
        // Somebody else may have done it meanwhile.
        if let Some(ready) = valid.filter(|ready| ready.signs(now) && ready.is_fresh(now)) {
            return Ok(Arc::clone(ready));
        }
        if let Some(old) = valid.filter(|old| old.is_fresh(now)) {
            return Ok(self.keep(old.fetched(), old.refresh_at));
        }
        let pause = |at: i64| at..at.saturating_add(REFRESH_PAUSE_SECONDS);
        let known = failed.as_ref().filter(|failed| pause(failed.at).contains(&now));
        let result = match known {
            Some(failed) => Err(failed.reason.clone()),
            None => source.fetch().await,
        };
        let now = (self.clock)();
        match result {
            Ok(fetched) => {
                *failed = None;
                let refresh_at = fetched.expires.map(|at| at.saturating_sub(REFRESH_BEFORE_SECONDS).max(now + 1));
                Ok(self.keep(fetched, refresh_at))
            }
            Err(reason) => {
                if known.is_none() {
                    *failed = Some(Failed { at: now, reason: reason.clone() });
                }
                if let Some(old) = old.filter(|old| old.expires.is_none_or(|at| now < at)) {
                    tracing::warn!(
                        reason,
                        "credentials cannot be fetched anew; the old ones are used until they expire"
                    );
                    return Ok(self.keep(old.fetched(), Some(now + REFRESH_PAUSE_SECONDS)));
                }
                // Whoever has them may be back soon.
                let message = format!("there are no credentials to sign with: {reason}");
                Err(StoreError::new(ErrorKind::ServiceUnavailable, message))
            }
        }
    }

    /// Derives the key of now, and keeps it for the requests to come.
    fn keep(&self, fetched: Fetched, refresh_at: Option<i64>) -> Arc<Ready> {
        let ready = self.derive(fetched, refresh_at);
        *self.lock() = Some(Arc::clone(&ready));
        ready
    }

    fn derive(&self, fetched: Fetched, refresh_at: Option<i64>) -> Arc<Ready> {
        let now = (self.clock)();
        let Fetched { credentials, expires } = fetched;
        let key = match &self.scheme {
            Scheme::Cos => {
                let window = KeyTime::starting_at(now - COS_KEY_SKEW, COS_KEY_LIFETIME);
                Key::Cos(SigningKey::derive(&credentials.secret_key, window))
            }
            Scheme::SigV4 { region } => {
                Key::SigV4(sigv4::SigningKey::derive(&credentials.secret_key, now, region, "s3"))
            }
        };
        Arc::new(Ready { credentials, key, refresh_at, expires })
    }
}

/// The headers of a request as signers take them.
fn listed(head: &Head) -> SmallVec<[(&str, &[u8]); ORDINARY_HEADERS]> {
    head.lines.iter().map(|(name, value)| (name, value.as_bytes())).collect()
}

fn unsigned<'a>(head: &'a Head, headers: &'a [(&'a str, &'a [u8])]) -> Unsigned<'a> {
    Unsigned { method: head.method.as_str(), path: head.path(), query: head.query(), headers }
}

fn unsignable(error: &SignError) -> StoreError {
    let message = format!("the request cannot be signed: {error}");
    match error {
        // As any store would say of such a key.
        SignError::SecretId | SignError::SecurityToken | SignError::Scope => {
            StoreError::new(ErrorKind::AccessDenied, message).reported(403, "InvalidAccessKeyId")
        }
        _ => StoreError::new(ErrorKind::InvalidRequest, message),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use http::Method;

    use super::*;
    use crate::{BoxFuture, http::head::Lines};

    /// Credentials that are there or not, and how often they were asked for.
    #[derive(Debug, Default)]
    struct Source {
        asked: AtomicUsize,
        expires: AtomicI64,
    }

    impl CredentialsSource for Source {
        fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            let expires = self.expires.load(Ordering::SeqCst);
            let credentials = Credentials::new(format!("AKID{number}"), "s");
            let fetched = Fetched { credentials, expires: Some(expires).filter(|at| *at < i64::MAX) };
            Box::pin(async move {
                // So that others come meanwhile.
                tokio::task::yield_now().await;
                if expires == 0 { Err("nobody is there".to_owned()) } else { Ok(fetched) }
            })
        }
    }

    fn signer(scheme: Scheme, clock: Clock) -> (Arc<Source>, Signer) {
        let source = Arc::new(Source::default());
        (Arc::clone(&source), Signer::new(scheme, Some(source), clock))
    }

    async fn signed(signer: &Signer) -> Result<String, StoreError> {
        let mut head =
            Head { method: Method::GET, origin: String::new(), target: "/k".to_owned(), lines: Lines::new() };
        assert!(head.lines.add(&header::HOST, "h"));
        signer.sign(&mut head, b"", BodyBinding::Hash).await?;
        let value = head.lines.iter().find(|(name, _)| *name == "authorization").unwrap().1;
        Ok(value.to_owned())
    }

    #[tokio::test]
    async fn a_failure_to_fetch_is_remembered_for_a_while() {
        static NOW: AtomicI64 = AtomicI64::new(1_000_000);
        let (source, signer) = signer(Scheme::Cos, || NOW.load(Ordering::SeqCst));
        let (one, two, three) = tokio::join!(signed(&signer), signed(&signer), signed(&signer));
        for failed in [one, two, three] {
            let failed = failed.unwrap_err();
            assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable);
            assert!(failed.message().ends_with("nobody is there"), "{failed}");
        }
        assert_eq!(source.asked.load(Ordering::SeqCst), 1);
        NOW.fetch_add(REFRESH_PAUSE_SECONDS - 1, Ordering::SeqCst);
        signed(&signer).await.unwrap_err();
        assert_eq!(source.asked.load(Ordering::SeqCst), 1);
        NOW.fetch_add(1, Ordering::SeqCst);
        source.expires.store(i64::MAX, Ordering::SeqCst);
        signed(&signer).await.unwrap();
        assert_eq!(source.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn temporary_keys_are_renewed_in_time_and_used_to_their_end_and_no_longer() {
        static NOW: AtomicI64 = AtomicI64::new(1_000_000);
        let (source, signer) = signer(Scheme::Cos, || NOW.load(Ordering::SeqCst));
        let id = async || signed(&signer).await.map(|text| text[text.find("AKID").unwrap()..][..5].to_owned());
        let end = 1_000_000 + 1000;
        source.expires.store(end, Ordering::SeqCst);
        assert_eq!(id().await.unwrap(), "AKID0");
        NOW.store(end - REFRESH_BEFORE_SECONDS, Ordering::SeqCst);
        source.expires.store(end + 1000, Ordering::SeqCst);
        assert_eq!(id().await.unwrap(), "AKID1");
        // Nobody hands out new ones.
        source.expires.store(0, Ordering::SeqCst);
        NOW.store(end + 1000 - 1, Ordering::SeqCst);
        assert_eq!(id().await.unwrap(), "AKID1");
        NOW.store(end + 1000, Ordering::SeqCst);
        assert!(id().await.is_err());
        assert_eq!(source.asked.load(Ordering::SeqCst), 3, "the second failure was known");
        NOW.store(end + 1000 + REFRESH_PAUSE_SECONDS, Ordering::SeqCst);
        source.expires.store(end + 9000, Ordering::SeqCst);
        assert_eq!(id().await.unwrap(), "AKID3");
    }

    /// Who fetches waits; the others have keys that are still valid.
    #[tokio::test]
    async fn nobody_waits_for_new_keys_who_has_old_ones() {
        static NOW: AtomicI64 = AtomicI64::new(1_000_000);
        let (source, signer) = signer(Scheme::Cos, || NOW.load(Ordering::SeqCst));
        source.expires.store(1_001_000, Ordering::SeqCst);
        signed(&signer).await.unwrap();
        NOW.store(1_000_900, Ordering::SeqCst);
        let fetching = signer.fetching.lock().await;
        let waited = tokio::time::timeout(std::time::Duration::from_secs(60), signed(&signer)).await;
        assert!(waited.unwrap().unwrap().contains("AKID0"));
        drop(fetching);
        source.expires.store(1_009_000, Ordering::SeqCst);
        assert!(signed(&signer).await.unwrap().contains("AKID1"));
    }

    /// Whatever the clock does, a signature is of its time.
    #[tokio::test]
    async fn a_clock_that_is_set_is_followed() {
        static NOW: AtomicI64 = AtomicI64::new(0);
        let s3 = Scheme::SigV4 { region: "r".to_owned() };
        for start in [1_700_000_000, 1_700_000_000 - 61, 1_700_000_000 - 90_000, 1_700_000_000 + 90_000] {
            let (source, signer) = signer(s3.clone(), || NOW.load(Ordering::SeqCst));
            source.expires.store(i64::MAX, Ordering::SeqCst);
            NOW.store(1_700_000_000, Ordering::SeqCst);
            signed(&signer).await.unwrap();
            NOW.store(start, Ordering::SeqCst);
            let day = &sigv4::basic_time(start)[..8];
            assert!(signed(&signer).await.unwrap().contains(&format!("/{day}/r/s3/")), "{start}");
            assert_eq!(source.asked.load(Ordering::SeqCst), 1);
        }
        for start in [1_700_000_000, 1_700_000_000 - 61, 1_700_000_000 + 700] {
            let (source, signer) = signer(Scheme::Cos, || NOW.load(Ordering::SeqCst));
            source.expires.store(i64::MAX, Ordering::SeqCst);
            NOW.store(1_700_000_000, Ordering::SeqCst);
            signed(&signer).await.unwrap();
            NOW.store(start, Ordering::SeqCst);
            let text = signed(&signer).await.unwrap();
            let window = text.split("q-sign-time=").nth(1).unwrap().split('&').next().unwrap();
            let (from, to) = window.split_once(';').unwrap();
            assert!(from.parse::<i64>().unwrap() <= start && start < to.parse::<i64>().unwrap(), "{start}: {window}");
        }
    }
}
