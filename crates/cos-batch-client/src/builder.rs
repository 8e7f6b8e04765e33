//! Putting a client together.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cos_batch_model::AppId;
use cos_signature::{Credentials, KeyTime};

use crate::client::{Client, Settings};
use crate::{BuildError, Clock, Endpoint, HttpTransport, RetryPolicy, SystemClock, Transport};

/// How long an attempt may take if nothing else is asked for.
///
/// Source: ours.
pub const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);

/// How long a signature is valid if nothing else is asked for. COS tolerates clocks that differ by 15 minutes, and this
/// is long enough for a clock that is so much late.
///
/// Source: ours.
pub const SIGNATURE_LIFETIME_DEFAULT: Duration = Duration::from_secs(900);

/// Longest time for which a signature may be valid: what strict servers accept.
///
/// Source: ours.
pub const SIGNATURE_LIFETIME_MAX: Duration = Duration::from_secs(cos_signature::WINDOW_SECONDS_MAX.unsigned_abs());

/// Puts a [`Client`] together. Faults are told at the end, by [`ClientBuilder::build`].
///
/// ```
/// use std::time::Duration;
///
/// use cos_batch_client::{BuildError, Client, Credentials, RetryPolicy};
///
/// let built = Client::builder()
///     .endpoint("http://127.0.0.1:8080".parse()?)
///     .appid("1250000000".parse()?)
///     .credentials(Credentials::new("AKIDEXAMPLE", "exampleSecret"))
///     .timeout(Duration::from_secs(5))
///     .retry(RetryPolicy::NEVER)
///     .build();
/// assert!(built.is_ok());
/// let incomplete = Client::builder().appid("1250000000".parse()?).build();
/// assert!(matches!(incomplete, Err(BuildError::Missing { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder<S = HttpTransport> {
    transport: Source<S>,
    endpoint: Option<Endpoint>,
    appid: Option<AppId>,
    identity: Option<Identity>,
    timeout: Duration,
    retry: RetryPolicy,
    signature_lifetime: Duration,
    clock: Arc<dyn Clock>,
}

/// Where the transport comes from.
enum Source<S> {
    Given(S),
    Made(fn(&Endpoint) -> Result<S, BuildError>),
}

/// In whose name requests are made.
enum Identity {
    Anonymous,
    Signed(Credentials),
}

impl Client {
    /// Begins to put a client together. It needs an endpoint, an APPID, and credentials or the word that there are none.
    pub fn builder() -> ClientBuilder {
        ClientBuilder {
            transport: Source::Made(HttpTransport::for_endpoint),
            endpoint: None,
            appid: None,
            identity: None,
            timeout: TIMEOUT_DEFAULT,
            retry: RetryPolicy::default(),
            signature_lifetime: SIGNATURE_LIFETIME_DEFAULT,
            clock: Arc::new(SystemClock),
        }
    }
}

impl<S> ClientBuilder<S> {
    /// Where the service is.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = Some(endpoint);
        self
    }

    /// The account whose jobs are meant; sent as `x-cos-appid`.
    pub fn appid(mut self, appid: AppId) -> Self {
        self.appid = Some(appid);
        self
    }

    /// What to sign with.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.identity = Some(Identity::Signed(credentials));
        self
    }

    /// Signs nothing, for servers that serve anybody.
    pub fn anonymous(mut self) -> Self {
        self.identity = Some(Identity::Anonymous);
        self
    }

    /// How long one attempt may take, from looking up the name to the answer's last byte: more than zero,
    /// [`TIMEOUT_DEFAULT`] if not given. A call takes at most all its attempts and the pauses between them.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How often and when a call is tried again.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// How long a signature is valid: 1 s to [`SIGNATURE_LIFETIME_MAX`], [`SIGNATURE_LIFETIME_DEFAULT`] if not given;
    /// parts of a second do not count. For so long a request that somebody has seen can be repeated.
    pub fn signature_lifetime(mut self, lifetime: Duration) -> Self {
        self.signature_lifetime = lifetime;
        self
    }

    /// Where signatures take the time from.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Carries the requests over this `tower` service, in place of HTTP of our own: over the service of a server in the
    /// same process, over one with further layers.
    pub fn transport<T: Transport>(self, transport: T) -> ClientBuilder<T> {
        ClientBuilder {
            transport: Source::Given(transport),
            endpoint: self.endpoint,
            appid: self.appid,
            identity: self.identity,
            timeout: self.timeout,
            retry: self.retry,
            signature_lifetime: self.signature_lifetime,
            clock: self.clock,
        }
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// [`BuildError`]: something is missing, outside its range, or the credentials cannot sign.
    pub fn build(self) -> Result<Client<S>, BuildError> {
        let missing = |what| BuildError::Missing { what };
        let endpoint = self.endpoint.ok_or(missing("an endpoint: call `endpoint`"))?;
        let appid = self.appid.ok_or(missing("an APPID: call `appid`"))?;
        let identity =
            self.identity.ok_or(missing("credentials: call `credentials`, or `anonymous` to sign nothing"))?;
        if self.timeout.is_zero() {
            return Err(setting("timeout", "more than zero", self.timeout));
        }
        self.retry.check()?;
        let lifetime = Duration::from_secs(self.signature_lifetime.as_secs());
        if lifetime.is_zero() || lifetime > SIGNATURE_LIFETIME_MAX {
            return Err(setting("signature_lifetime", "1 s to 24 h", self.signature_lifetime));
        }
        let credentials = match identity {
            Identity::Anonymous => None,
            Identity::Signed(credentials) => {
                try_signing(&credentials)?;
                Some(credentials)
            }
        };
        let transport = match self.transport {
            Source::Given(transport) => transport,
            Source::Made(make) => make(&endpoint)?,
        };
        let settings = Settings {
            endpoint,
            credentials,
            timeout: self.timeout,
            retry: self.retry,
            signature_lifetime: lifetime,
            clock: self.clock,
        };
        Ok(Client::new(transport, settings, appid))
    }
}

fn setting(setting: &'static str, rule: &'static str, actual: Duration) -> BuildError {
    BuildError::Setting { setting, rule, actual: format!("{actual:?}") }
}

/// Signs a request that nobody sends, to tell at once when credentials cannot sign.
fn try_signing(credentials: &Credentials) -> Result<(), BuildError> {
    let mut request = http::Request::new(());
    request.headers_mut().insert(http::header::HOST, http::HeaderValue::from_static("host"));
    let hour = KeyTime::starting_at(0, SIGNATURE_LIFETIME_DEFAULT);
    Ok(cos_signature::sign(&mut request, credentials, hour)?)
}

impl<S> fmt::Debug for ClientBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("endpoint", &self.endpoint)
            .field("appid", &self.appid)
            .field("timeout", &self.timeout)
            .field("retry", &self.retry)
            .finish_non_exhaustive()
    }
}
