//! How a command finds its server, and what it signs with.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use cos_batch_client::{Client, Endpoint, Error as ClientError};
use cos_batch_model::{AppId, ErrorCode, Uin};
use cos_signature::Credentials;

use crate::{
    credentials,
    exit::{Error, Exit},
    profile::{self, Profile},
};

/// Where `cos-batch serve` listens if not told otherwise.
pub(crate) const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:9450";

/// Region in names of buckets where none is given: `cos-batch serve` has no regions.
const REGION_DEFAULT: &str = "local";

/// HTTP statuses that say who may do what.
const NOT_AUTHORIZED: [u16; 2] = [401, 403];

/// Server and key. Empty environment variables count as not set.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Connection")]
pub(crate) struct Connection {
    /// Profile to take from what is given neither here nor by the environment: a table of that name in
    /// ~/.config/cos-batch/profiles.toml, with endpoint, uin, region, appid and credentials
    #[arg(long, env = "COS_BATCH_PROFILE", value_name = "NAME", value_parser = profile::find)]
    profile: Option<Profile>,
    /// Address of the server [default: http://127.0.0.1:9450]
    #[arg(long, env = "COS_BATCH_ENDPOINT", value_name = "URL")]
    endpoint: Option<String>,
    /// UIN of the account at Tencent Cloud: with --region and without --endpoint, the service there is used
    #[arg(long, env = "COS_BATCH_UIN", value_name = "UIN")]
    uin: Option<String>,
    /// Region, for the service of Tencent Cloud and in the names of buckets [default: local]
    #[arg(long, env = "COS_REGION", value_name = "REGION")]
    region: Option<String>,
    /// APPID that the jobs belong to
    #[arg(long, env = "COS_APPID", value_name = "APPID")]
    appid: Option<String>,
    /// Id of the key to sign with
    #[arg(long, env = "COS_SECRET_ID", value_name = "ID")]
    secret_id: Option<String>,
    /// Secret of the key; better given by the environment, where other users cannot see it
    #[arg(long, env = "COS_SECRET_KEY", hide_env_values = true, value_name = "SECRET")]
    secret_key: Option<String>,
    /// Token of a temporary key
    #[arg(long, env = "COS_SESSION_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    session_token: Option<String>,
    /// File of keys as the server has it; its first key is used, instead of --secret-id, --secret-key and --appid
    #[arg(long, env = "COS_CREDENTIALS", value_name = "FILE")]
    credentials: Option<PathBuf>,
    /// Sign nothing: for a server that was started with --anonymous
    #[arg(long)]
    anonymous: bool,
    /// Longest time for one request, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Connection {
    /// To this server with this key, whatever the environment says.
    pub(crate) fn to(endpoint: String, credentials: PathBuf) -> Self {
        Self {
            profile: None,
            endpoint: Some(endpoint),
            uin: None,
            region: None,
            appid: None,
            secret_id: None,
            secret_key: None,
            session_token: None,
            credentials: Some(credentials),
            anonymous: false,
            timeout: 30,
        }
    }

    /// What was given, or else what the profile says.
    fn or_profile<'a>(&'a self, value: Option<&'a String>, said: fn(&Profile) -> Option<&String>) -> Option<&'a str> {
        given(value).or_else(|| given(self.profile.as_ref().and_then(said)))
    }

    /// The address of the server, if one is named.
    fn address(&self) -> Option<&str> {
        self.or_profile(self.endpoint.as_ref(), |profile| profile.endpoint.as_ref())
    }

    fn account(&self) -> Option<&str> {
        self.or_profile(self.uin.as_ref(), |profile| profile.uin.as_ref())
    }

    fn region_if_any(&self) -> Option<&str> {
        self.or_profile(self.region.as_ref(), |profile| profile.region.as_ref())
    }

    /// The region for names of buckets.
    pub(crate) fn region(&self) -> &str {
        self.region_if_any().unwrap_or(REGION_DEFAULT)
    }

    /// Whether requests go to Tencent Cloud.
    pub(crate) fn is_cloud(&self) -> bool {
        self.address().is_none() && self.account().is_some()
    }

    /// Where the server is.
    pub(crate) fn endpoint(&self) -> Result<Endpoint, Error> {
        if !self.is_cloud() {
            let url = self.address().unwrap_or(ENDPOINT_DEFAULT);
            return Endpoint::url(url).map_err(|error| Error::usage(format!("--endpoint {url}: {error}")));
        }
        let uin = self.account().unwrap_or_default();
        let uin = Uin::new(uin).map_err(|error| Error::usage(format!("--uin: {error}")))?;
        let region = self
            .region_if_any()
            .ok_or_else(|| Error::usage("--uin names the service of Tencent Cloud, which also needs --region"))?;
        Endpoint::cos(&uin, region).map_err(|error| Error::usage(format!("--region {region}: {error}")))
    }

    /// The key and its account; no key: sign nothing.
    pub(crate) fn identity(&self) -> Result<(AppId, Option<Credentials>), Error> {
        let appid = self
            .or_profile(self.appid.as_ref(), |profile| profile.appid.as_ref())
            .map(|text| AppId::new(text).map_err(|error| Error::usage(format!("--appid: {error}"))))
            .transpose()?;
        let no_appid = || Error::usage("no APPID: give --appid or set COS_APPID");
        if self.anonymous {
            return Ok((appid.ok_or_else(no_appid)?, None));
        }
        match (given(self.secret_id.as_ref()), given(self.secret_key.as_ref())) {
            (Some(id), Some(secret)) => {
                let credentials = Credentials::new(id, secret);
                let credentials = match given(self.session_token.as_ref()) {
                    Some(token) => credentials.with_security_token(token),
                    None => credentials,
                };
                Ok((appid.ok_or_else(no_appid)?, Some(credentials)))
            }
            (Some(_), None) => Err(Error::usage("there is a key id but no secret: set COS_SECRET_KEY")),
            (None, Some(_)) => Err(Error::usage("there is a secret but no key id: set COS_SECRET_ID")),
            (None, None) => {
                let named = self.credentials.as_ref().filter(|path| !path.as_os_str().is_empty());
                let named = named.or_else(|| self.profile.as_ref()?.credentials.as_ref());
                let path = named.ok_or_else(|| {
                    Error::usage(
                        "no key: set COS_SECRET_ID, COS_SECRET_KEY and COS_APPID as `cos-batch serve` says at its first \
                         start, or COS_CREDENTIALS to its file credentials.toml; or give --anonymous",
                    )
                })?;
                let file = credentials::Credentials::read(path)?;
                let key = &file.keys[0];
                Ok((appid.unwrap_or_else(|| key.appid.clone()), Some(key.to_sign())))
            }
        }
    }

    /// Longest time for one request.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// The client.
    pub(crate) fn client(&self) -> Result<Client, Error> {
        let (appid, credentials) = self.identity()?;
        let builder = Client::builder().endpoint(self.endpoint()?).appid(appid).timeout(self.timeout());
        let builder = match credentials {
            Some(credentials) => builder.credentials(credentials),
            None => builder.anonymous(),
        };
        builder.build().map_err(Error::usage)
    }
}

fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|text| !text.is_empty())
}

/// What helps where nobody answers.
const NO_SERVER: &str =
    "try: cos-batch serve --data DIR starts a server; --endpoint or COS_BATCH_ENDPOINT names another one";

/// What helps after an answer with this code, where something does.
fn next_step(code: &ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidAccessKeyId | ErrorCode::SignatureDoesNotMatch => {
            "\ntry: the key of that server, such as COS_CREDENTIALS=DIR/credentials.toml of its data folder"
        }
        ErrorCode::NoSuchJob => "\ntry: cos-batch list shows the jobs of this account",
        _ => "",
    }
}

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        match &error {
            ClientError::Api(answer) => {
                let exit = match answer.status.as_u16() {
                    status if NOT_AUTHORIZED.contains(&status) => Exit::NotAuthorized,
                    404 => Exit::NotFound,
                    _ => Exit::Error,
                };
                let id = answer.request_id.as_deref().map_or_else(String::new, |id| format!("\nrequest id: {id}"));
                Self::new(exit, format!("{answer}{id}{}", next_step(&answer.code)))
            }
            ClientError::Transport { .. } => Self::new(Exit::Unreachable, format!("{error}\n{NO_SERVER}")),
            ClientError::GaveUp { .. } => Self::new(Exit::NotFinished, &error),
            ClientError::AmbiguousCreate { source, .. } if matches!(**source, ClientError::Transport { .. }) => {
                Self::new(Exit::Unreachable, &error)
            }
            _ => Self::other(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        connection: Connection,
    }

    fn connection(words: &[&str]) -> Connection {
        Line::try_parse_from(["x"].iter().chain(words)).unwrap().connection
    }

    #[test]
    fn what_is_missing_is_named() {
        let refused = |words: &[&str]| {
            let error = connection(words).client().expect_err("it is not enough");
            assert_eq!(error.exit(), Exit::Usage);
            error.to_string()
        };
        assert!(refused(&[]).starts_with("no key: set COS_SECRET_ID"));
        assert!(refused(&["--secret-id", ""]).starts_with("no key"), "empty is not given");
        assert!(refused(&["--secret-id", "a"]).contains("COS_SECRET_KEY"));
        assert!(refused(&["--secret-key", "a"]).contains("COS_SECRET_ID"));
        assert!(refused(&["--secret-id", "a", "--secret-key", "b"]).contains("--appid"));
        assert!(refused(&["--anonymous"]).contains("--appid"));
        assert!(refused(&["--anonymous", "--appid", "1", "--uin", "1"]).contains("--region"));
        assert!(refused(&["--anonymous", "--appid", "1 2"]).starts_with("--appid: "));
        assert!(refused(&["--anonymous", "--appid", "1", "--endpoint", "ftp://x"]).starts_with("--endpoint ftp://x: "));
    }

    #[test]
    fn the_service_of_tencent_cloud_is_meant_only_without_an_endpoint() {
        assert!(connection(&["--uin", "1"]).is_cloud());
        assert!(!connection(&["--uin", "1", "--endpoint", "http://127.0.0.1:1"]).is_cloud());
        assert!(!connection(&[]).is_cloud());
        assert_eq!(connection(&["--region", ""]).region(), "local");
    }
}
