//! How a command finds its server, and what it signs with.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use cos_batch_client::{Client, Endpoint};
use cos_batch_model::{AppId, Uin};
use cos_signature::Credentials;

use crate::{
    credentials,
    exit::{Asked, Error},
    number::whole,
    profile::{self, Profile},
};

/// Where `cos-batch serve` listens if not told otherwise.
pub(crate) const ENDPOINT_DEFAULT: &str = "http://127.0.0.1:9450";

/// Region in names of buckets where none is given: `cos-batch serve` has no regions.
const REGION_DEFAULT: &str = "local";

/// Longest time for one request that is not told how long it may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The same for what reads or writes a whole manifest at the server; the server's own limit.
const TIMEOUT_LONG: Duration = Duration::from_secs(600);

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
    /// Longest time for one attempt of a request, of which there are up to four, in seconds [default: 30; 600 for what
    /// works on a whole manifest]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = whole(1..=3600))]
    timeout: Option<u64>,
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
            timeout: None,
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
                        "no key: set COS_CREDENTIALS to the file credentials.toml of `cos-batch serve`, or COS_SECRET_ID, \
                         COS_SECRET_KEY and COS_APPID; or give --anonymous",
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
        self.timeout.map_or(TIMEOUT, Duration::from_secs)
    }

    /// Longest time for one request that works on a whole manifest.
    pub(crate) fn timeout_long(&self) -> Duration {
        self.timeout.map_or(TIMEOUT_LONG, Duration::from_secs)
    }

    /// Who is asked, and by whom. Of a key only its public half.
    pub(crate) fn asked(&self) -> Asked {
        let endpoint = self.endpoint().map_or_else(|error| error.to_string(), |endpoint| endpoint.to_string());
        let server = if given(self.endpoint.as_ref()).is_some() || self.is_cloud() {
            endpoint
        } else if self.address().is_some() {
            format!("{endpoint}, as the profile says")
        } else {
            format!("{endpoint}, since no other is named")
        };
        let key = match self.identity() {
            Ok((appid, Some(key))) => format!("{} for APPID {appid}", key.secret_id),
            Ok((appid, None)) => format!("none, for APPID {appid}"),
            Err(error) => error.to_string(),
        };
        Asked { server, key }
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::exit::Exit;

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
        assert!(refused(&[]).starts_with("no key: set COS_CREDENTIALS"));
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

    #[test]
    fn a_time_that_is_given_holds_for_every_request() {
        assert_eq!((connection(&[]).timeout(), connection(&[]).timeout_long()), (TIMEOUT, TIMEOUT_LONG));
        let two = connection(&["--timeout", "2"]);
        assert_eq!([two.timeout(), two.timeout_long()], [Duration::from_secs(2); 2]);
    }

    #[test]
    fn who_is_asked_is_told_without_secrets() {
        let told = |words: &[&str]| {
            let Asked { server, key } = connection(words).asked();
            assert!(!key.contains("hush"), "{key}");
            format!("{server} | {key}")
        };
        let key = ["--secret-id", "AKID1", "--secret-key", "hush", "--appid", "1"];
        let named = told(&[&key[..], &["--endpoint", "http://h:1/"]].concat());
        assert_eq!(named, "http://h:1 | AKID1 for APPID 1");
        let cloud = told(&["--uin", "7", "--region", "r", "--anonymous", "--appid", "1"]);
        assert_eq!(cloud, "https://7.cos-control.r.myqcloud.com | none, for APPID 1");
        assert!(
            told(&["--secret-id", "a"]).starts_with("http://127.0.0.1:9450, since no other is named | there is a key")
        );
    }
}
