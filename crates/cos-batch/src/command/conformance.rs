//! `cos-batch conformance`

use std::{io, path::PathBuf, time::Duration};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use cos_batch_client::{
    Client as ApiClient, Clock as _, Endpoint, Error as ClientError, HttpTransport, RESPONSE_BYTES_MAX, SystemClock,
};
use cos_batch_conformance::{Account, Group, Setup, Wire, wire};
use cos_batch_model::{BoxFuture, ListJobsRequest};
use cos_signature::{Credentials, Strictness};
use http::{Request, Response, Uri, uri::Authority};
use http_body_util::{BodyExt as _, Full, Limited};
use tower::ServiceExt as _;

use super::{
    Client, create,
    request::{self, FLAGS},
};
use crate::{
    exit::{Error, Exit},
    failure::is_bare,
    output::{self, Format, Terminal},
};

/// Between two looks at a job.
const PAUSE: Duration = Duration::from_millis(50);

/// Check that a server keeps the rules of the API.
///
/// The job is one that the server accepts and can complete; it is run a few times, so it should do no harm, and a few
/// objects are enough. Jobs that the checks make are deleted in the end. The exit code is 1 when a check failed.
#[derive(Args, Debug)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Conformance {
    /// File with a CreateJobRequest in XML, `-` for the standard input; instead of the flags for a job
    #[arg(value_name = "FILE", conflicts_with_all = FLAGS)]
    file: Option<PathBuf>,
    /// Only checks of this group; may be given several times [default: all]
    #[arg(long, value_enum, value_name = "GROUP")]
    group: Vec<Groups>,
    /// The server takes what is not signed; what only strict servers refuse is skipped
    #[arg(long)]
    cos_compatible: bool,
    /// The server does not run jobs; what waits for a job's status is skipped
    #[arg(long)]
    no_run: bool,
    #[command(flatten)]
    temporary: Temporary,
    #[command(flatten)]
    request: request::Request,
    #[command(flatten)]
    pub(super) client: Client,
}

/// A temporary key of the same account; without one the checks of such keys are skipped.
#[derive(Args, Debug)]
#[command(next_help_heading = "Temporary key")]
struct Temporary {
    /// Id of a temporary key
    #[arg(long, env = "COS_TEMPORARY_SECRET_ID", value_name = "ID")]
    temporary_secret_id: Option<String>,
    /// Its secret; better given by the environment, where other users cannot see it
    #[arg(long, env = "COS_TEMPORARY_SECRET_KEY", hide_env_values = true, value_name = "SECRET")]
    temporary_secret_key: Option<String>,
    /// Its token
    #[arg(long, env = "COS_TEMPORARY_SESSION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    temporary_session_token: Option<String>,
}

impl Temporary {
    /// The key; none where nothing of it is given.
    fn key(&self) -> Result<Option<Credentials>, Error> {
        let parts = [&self.temporary_secret_id, &self.temporary_secret_key, &self.temporary_session_token];
        match parts.map(|part| part.as_deref().filter(|text| !text.is_empty())) {
            [Some(id), Some(secret), Some(token)] => Ok(Some(Credentials::new(id, secret).with_security_token(token))),
            [None, None, None] => Ok(None),
            _ => Err(Error::usage(
                "a temporary key has three parts: COS_TEMPORARY_SECRET_ID, COS_TEMPORARY_SECRET_KEY and \
                 COS_TEMPORARY_SESSION_TOKEN",
            )),
        }
    }
}

const EXAMPLES: &str = "Example:
  With a job that copies a few objects:
    cos-batch conformance --endpoint http://127.0.0.1:9450 --operation copy \\
      --manifest photos-1250000000/few.csv --etag ETAG --target archive-1250000000";

/// Groups of checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Groups {
    /// Each action does what it is for
    Basic,
    /// What is wrong is refused with the documented code
    Errors,
    /// Lists come in pages
    Paging,
    /// Jobs go through their statuses
    Lifecycle,
    /// Only who signs gets in
    Auth,
    /// Lengths and ranges
    Limits,
    /// Requests that mean harm
    Hostile,
}

impl Groups {
    const fn group(self) -> Group {
        match self {
            Self::Basic => Group::Basic,
            Self::Errors => Group::Errors,
            Self::Paging => Group::Paging,
            Self::Lifecycle => Group::Lifecycle,
            Self::Auth => Group::Auth,
            Self::Limits => Group::Limits,
            Self::Hostile => Group::Hostile,
        }
    }
}

impl Conformance {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> Result<Exit, Error> {
        let output = self.client.output;
        if output == Format::Xml {
            return Err(Error::usage("--output xml: the report can be a table or JSON"));
        }
        let connection = &self.client.connection;
        let request = create::request(self.file.as_ref(), &self.request, connection)?;
        let (appid, credentials) = connection.identity()?;
        let http = Http::new(&connection.endpoint()?, connection.timeout())?;
        look(&connection.client()?).await?;

        let request = move || request.clone();
        let account = match credentials {
            Some(credentials) => Account::signed(appid, credentials, request),
            None => Account::anonymous(appid, request),
        };
        let run = uuid::Uuid::new_v4().to_string();
        let pause = || -> BoxFuture<'static, ()> { Box::pin(tokio::time::sleep(PAUSE)) };
        let strictness = if self.cos_compatible { Strictness::CosCompatible } else { Strictness::Strict };
        let setup = Setup::new(run, account, || SystemClock.unix_seconds(), pause)
            .map_err(Error::other)?
            .host(http.authority.as_str())
            .strictness(strictness)
            .runs_jobs(!self.no_run);
        let setup = match self.temporary.key()? {
            Some(key) => setup.temporary(key),
            None => setup,
        };
        let groups: Vec<Group> = self.group.iter().map(|group| group.group()).collect();
        let groups = if groups.is_empty() { Group::ALL } else { &groups };
        let report = wire::run(std::sync::Arc::new(http), &setup, groups).await;
        let exit = if report.is_conformant() { Exit::Ok } else { Exit::Error };
        exit.after(match output {
            Format::Json => output::json(terminal, &report),
            Format::Table | Format::Xml => terminal.line(&report.to_string()).map_err(Error::from),
        })
    }
}

/// One look before all checks: where nobody answers, something else than a server of the API, or one that does not know
/// the key, each check would fail for that same reason.
async fn look(client: &ApiClient) -> Result<(), Error> {
    let error = match client.list_jobs(ListJobsRequest::default()).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    let of_the_api = match &error {
        ClientError::Api(answer) => !is_bare(answer),
        // The answer has the right root at least.
        ClientError::Decode(fault) => !fault.path.is_empty(),
        _ => false,
    };
    let error = Error::from(error);
    if of_the_api && error.exit() == Exit::Error { Ok(()) } else { Err(error) }
}

/// HTTP to one server, with the client's own transport: the checks make and sign their requests themselves.
struct Http {
    transport: HttpTransport,
    scheme: String,
    authority: Authority,
    timeout: Duration,
}

impl Http {
    fn new(endpoint: &Endpoint, timeout: Duration) -> Result<Self, Error> {
        let address: Uri = endpoint.to_string().parse().map_err(Error::usage)?;
        let scheme = address.scheme_str().unwrap_or("http").to_owned();
        let authority = address.authority().cloned().ok_or_else(|| Error::usage("the endpoint names no host"))?;
        Ok(Self { transport: HttpTransport::new().map_err(Error::usage)?, scheme, authority, timeout })
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, io::Error> {
        let (mut head, body) = request.into_parts();
        let mut address = Uri::builder().scheme(self.scheme.as_str()).authority(self.authority.clone());
        if let Some(path) = head.uri.path_and_query() {
            address = address.path_and_query(path.clone());
        }
        head.uri = address.build().map_err(io::Error::other)?;
        let request = Request::from_parts(head, Full::new(body));
        let response = self.transport.clone().oneshot(request).await.map_err(io::Error::other)?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, RESPONSE_BYTES_MAX).collect().await.map_err(io::Error::other)?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }
}

impl Wire for Http {
    fn call(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, String>> {
        Box::pin(async move {
            let answer = tokio::time::timeout(self.timeout, self.exchange(request)).await;
            answer.map_err(|_| "no answer in time".to_owned())?.map_err(|error| innermost(&error))
        })
    }
}

/// The cause, which has what a person can act on.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
