//! What a run needs to know of the system under test.

use std::{fmt, sync::Arc};

use cos_batch_model::{AppId, BoxFuture, ClientRequestToken, CreateJobRequest, ValidationError};
use cos_signature::{Credentials, Strictness};

/// How often a check looks at a job, with a pause each time, before it gives up: at pauses of 50 ms half a minute, which
/// is far more than a job of a few tasks takes.
///
/// Source: ours.
pub const POLLS_DEFAULT: u32 = 600;

/// What requests name as their host where the setup does not say.
///
/// Source: ours.
pub const HOST_DEFAULT: &str = "conformance.example";

/// Makes a job that the system accepts.
type MakeRequest = Arc<dyn Fn() -> CreateJobRequest + Send + Sync>;

/// An account of the system, and a job that it may make.
///
/// See the [front page](crate) for an example. Source: ours.
#[derive(Clone)]
pub struct Account {
    pub(crate) appid: AppId,
    pub(crate) credentials: Option<Credentials>,
    request: MakeRequest,
}

impl Account {
    /// An account whose requests are signed; for `api` checks the credentials do not matter.
    ///
    /// `request` makes a legal job: its buckets, manifest and ETag are such that the system accepts it and, if the
    /// system runs jobs, completes it. Token, confirmation, description and priority are the checks' own. Checks run the
    /// job a few times.
    pub fn signed(
        appid: AppId,
        credentials: Credentials,
        request: impl Fn() -> CreateJobRequest + Send + Sync + 'static,
    ) -> Self {
        Self { appid, credentials: Some(credentials), request: Arc::new(request) }
    }

    /// An account of a system that serves everybody: nothing is signed, and checks of signatures are skipped. `request`
    /// is as for [`Account::signed`].
    pub fn anonymous(appid: AppId, request: impl Fn() -> CreateJobRequest + Send + Sync + 'static) -> Self {
        Self { appid, credentials: None, request: Arc::new(request) }
    }

    pub(crate) fn request(&self) -> CreateJobRequest {
        (self.request)()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("appid", &self.appid)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// The system under test, and what the checks take from their surroundings.
///
/// See the [front page](crate) for an example. Source: ours.
#[derive(Clone)]
pub struct Setup {
    pub(crate) run: String,
    pub(crate) account: Account,
    pub(crate) other: Option<Account>,
    pub(crate) temporary: Option<Credentials>,
    pub(crate) runs_jobs: bool,
    pub(crate) polls: u32,
    pub(crate) host: String,
    pub(crate) strictness: Strictness,
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    pause: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Setup {
    /// A system that really runs jobs, checked with one account.
    ///
    /// * `run` begins the ClientRequestTokens of this run. Systems remember tokens, so no two runs on one system may
    ///   have the same; a time, a process id or a random number will do.
    /// * `now` is the time of the system, in Unix seconds.
    /// * `pause` waits a little between two looks at a job.
    ///
    /// # Errors
    ///
    /// `run` is longer than 53 bytes, or cannot be part of a token.
    pub fn new(
        run: impl Into<String>,
        account: Account,
        now: impl Fn() -> i64 + Send + Sync + 'static,
        pause: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Result<Self, ValidationError> {
        let run = run.into();
        ClientRequestToken::new(token_text(&run, u32::MAX))?;
        Ok(Self {
            run,
            account,
            other: None,
            temporary: None,
            runs_jobs: true,
            polls: POLLS_DEFAULT,
            host: HOST_DEFAULT.to_owned(),
            strictness: Strictness::Strict,
            now: Arc::new(now),
            pause: Arc::new(pause),
        })
    }

    /// A second account; without one the checks that keep accounts apart are skipped.
    #[must_use]
    pub fn other(mut self, account: Account) -> Self {
        self.other = Some(account);
        self
    }

    /// A temporary key of the first account, with its token; without one the checks of such keys are skipped.
    #[must_use]
    pub fn temporary(mut self, key: Credentials) -> Self {
        self.temporary = Some(key);
        self
    }

    /// Whether the system takes jobs through their statuses; `true` if not said. Without it the checks that wait for a
    /// status are skipped.
    #[must_use]
    pub fn runs_jobs(mut self, runs_jobs: bool) -> Self {
        self.runs_jobs = runs_jobs;
        self
    }

    /// How often a check looks at a job before it gives up; [`POLLS_DEFAULT`] if not said.
    #[must_use]
    pub fn polls(mut self, polls: u32) -> Self {
        self.polls = polls;
        self
    }

    /// What requests name as their host, with its port where it has one; [`HOST_DEFAULT`] if not said.
    #[must_use]
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// How much of a request the system wants signed; [`Strictness::Strict`] if not said. What only strict servers
    /// refuse is skipped otherwise.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    pub(crate) fn now(&self) -> i64 {
        (self.now)()
    }

    pub(crate) fn pause(&self) -> BoxFuture<'static, ()> {
        (self.pause)()
    }

    /// The token number `number` of this run.
    pub(crate) fn token(&self, number: u32) -> ClientRequestToken {
        ClientRequestToken::new(token_text(&self.run, number))
            .expect("`new` has tried the longest number, and digits are legal")
    }

    /// The account with this APPID.
    pub(crate) fn account_of(&self, appid: &AppId) -> &Account {
        self.other.as_ref().filter(|other| other.appid == *appid).unwrap_or(&self.account)
    }
}

fn token_text(run: &str, number: u32) -> String {
    format!("{run}-{number}")
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("run", &self.run)
            .field("account", &self.account)
            .field("other", &self.other)
            .field("temporary", &self.temporary)
            .field("runs_jobs", &self.runs_jobs)
            .field("polls", &self.polls)
            .field("host", &self.host)
            .field("strictness", &self.strictness)
            .finish_non_exhaustive()
    }
}
