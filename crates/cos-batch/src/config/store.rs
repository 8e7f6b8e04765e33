//! `[[store]]`: a store of objects, and how it is reached.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use cos_batch_objectstore::{
    Capabilities, CommandCredentials, FileCredentials, FolderStore, HttpDialect, HttpSettings, HttpStore, ObjectStore,
    StaticCredentials, Style, UrlCredentials,
};
use cos_signature::{Credentials, SecretKey};
use serde::{Deserialize, Deserializer};

use super::{Bucket, settings::has_password};

/// Seconds that one copy may be given at most: beyond a day nobody waits for one.
pub(super) const COPY_SECONDS_MAX: u64 = 24 * 3600;

/// A store of objects.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) folder: Option<PathBuf>,
    endpoint: Option<String>,
    region: Option<String>,
    style: Option<StyleName>,
    proxy: Option<String>,
    ca_file: Option<PathBuf>,
    pub(super) connections: Option<usize>,
    /// Seconds.
    copy_timeout: Option<u64>,
    secret_id: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    secret_key: Option<SecretKey>,
    session_token: Option<String>,
    secret_id_env: Option<String>,
    secret_key_env: Option<String>,
    session_token_env: Option<String>,
    credentials_file: Option<PathBuf>,
    credentials_command: Option<Vec<String>>,
    credentials_url: Option<String>,
    credentials_url_authorization_env: Option<String>,
    #[serde(default)]
    anonymous: bool,
    /// What the store cannot do.
    #[serde(default)]
    without: Vec<Ability>,
}

impl Store {
    /// Variables that it names.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        let names = [
            &self.secret_id_env,
            &self.secret_key_env,
            &self.session_token_env,
            &self.credentials_url_authorization_env,
        ];
        names.into_iter().filter_map(|name| name.as_deref())
    }

    /// The name of a setting that is a secret, if there is one.
    pub(super) fn secret(&self) -> Option<&'static str> {
        let settings = [
            ("secret_key", self.secret_key.is_some()),
            ("session_token", self.session_token.is_some()),
            // The address alone is what stands between a caller and the keys, unless a variable has what it asks for.
            ("credentials_url", self.credentials_url.as_deref().is_some_and(has_password)),
            ("proxy with a password", self.proxy.as_deref().is_some_and(has_password)),
        ];
        settings.into_iter().find_map(|(name, is_there)| is_there.then_some(name))
    }
}

/// Tokens, commands and addresses may be secrets, or have some in them.
impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Cos,
    S3,
    Folder,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StyleName {
    Path,
    Virtual,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Ability {
    Tagging,
    Restore,
    Acl,
    Grants,
    Archive,
    Conditions,
    Encryption,
    Versions,
    Multipart,
    Lock,
}

impl Store {
    pub(super) fn folder<'a>(
        &self,
        mut buckets: impl Iterator<Item = &'a Bucket>,
    ) -> Result<Arc<dyn ObjectStore>, String> {
        if self.endpoint.is_some() || self.secret_id.is_some() {
            return Err("a folder has no endpoint and no credentials".to_owned());
        }
        if let Some(bucket) = buckets.find(|bucket| bucket.at.is_some()) {
            return Err(format!("bucket {:?}: `at` is for stores behind HTTP: name the folder so", bucket.name));
        }
        let path = self.folder.as_ref().ok_or("`folder` is missing: where its buckets are")?;
        let store = FolderStore::open(path).map_err(|error| format!("folder {}: {error}", path.display()))?;
        Ok(Arc::new(store))
    }

    pub(super) fn http<'a>(&self, buckets: impl Iterator<Item = &'a Bucket>) -> Result<Arc<dyn ObjectStore>, String> {
        if self.folder.is_some() {
            return Err("`folder` is for the kind \"folder\"".to_owned());
        }
        let dialect = if self.kind == Kind::Cos { HttpDialect::Cos } else { HttpDialect::S3 };
        let endpoint = match (&self.endpoint, self.kind, &self.region) {
            (Some(endpoint), _, _) => endpoint.clone(),
            (None, Kind::Cos, Some(region)) => format!("https://cos.{region}.myqcloud.com"),
            (None, Kind::S3, Some(region)) => format!("https://s3.{region}.amazonaws.com"),
            _ => return Err("`endpoint` or `region` is missing: where it is".to_owned()),
        };
        let mut builder = HttpStore::builder(dialect, endpoint).capabilities(self.capabilities());
        if let Some(region) = &self.region {
            builder = builder.region(region.as_str());
        }
        if let Some(style) = self.style {
            builder = builder.style(match style {
                StyleName::Path => Style::Path,
                StyleName::Virtual => Style::Virtual,
            });
        }
        builder = match self.proxy.as_deref() {
            None => builder,
            Some("environment") => builder.proxy_of_environment(),
            Some(url) => builder.proxy(url),
        };
        if let Some(path) = &self.ca_file {
            builder = builder.ca_file(path);
        }
        let mut settings = HttpSettings::default();
        if let Some(connections) = self.connections {
            settings.connections_max = connections;
        }
        if let Some(seconds) = self.copy_timeout {
            if !(1..=COPY_SECONDS_MAX).contains(&seconds) {
                return Err(format!("`copy_timeout` is 1 to {COPY_SECONDS_MAX} seconds, not {seconds}"));
            }
            settings.long_timeout = Duration::from_secs(seconds);
        }
        builder = builder.settings(settings);
        for bucket in buckets {
            if let Some(at) = &bucket.at {
                builder = builder.rename(bucket.name.as_str(), at.as_str());
            }
        }
        let fixed = self.fixed_credentials()?;
        let ways = [
            fixed.is_some(),
            self.credentials_file.is_some(),
            self.credentials_command.is_some(),
            self.credentials_url.is_some(),
            self.anonymous,
        ];
        if ways.iter().filter(|way| **way).count() != 1 {
            let all = "`secret_id` with `secret_key`, `secret_id_env` with `secret_key_env`, `credentials_file`, \
                       `credentials_command`, `credentials_url`, `anonymous = true`";
            return Err(format!("one way to its credentials must be given: {all}"));
        }
        if let Some(credentials) = fixed {
            builder = builder.credentials(StaticCredentials::new(credentials));
        }
        if let Some(path) = &self.credentials_file {
            builder = builder.credentials(FileCredentials::new(path));
        }
        if let Some(command) = &self.credentials_command {
            builder = builder.credentials(CommandCredentials::new(command.clone()).map_err(str::to_owned)?);
        }
        if let Some(url) = &self.credentials_url {
            let named = |error: String| format!("`credentials_url`: {error}");
            let mut source = UrlCredentials::new(url).map_err(named)?;
            if let Some(name) = &self.credentials_url_authorization_env {
                source = source.authorization(&variable(name)?).map_err(named)?;
            }
            builder = builder.credentials(source);
        } else if self.credentials_url_authorization_env.is_some() {
            return Err("`credentials_url_authorization_env` goes with `credentials_url`".to_owned());
        }
        let store = builder.build().map_err(|error| error.to_string())?;
        Ok(Arc::new(store))
    }

    /// Credentials that stand here, or in the environment.
    fn fixed_credentials(&self) -> Result<Option<Credentials>, String> {
        let pair = match (&self.secret_id, &self.secret_key, &self.secret_id_env, &self.secret_key_env) {
            (None, None, None, None) => return Ok(None),
            (Some(id), Some(secret), None, None) => Credentials::new(id.as_str(), secret.expose()),
            (None, None, Some(id), Some(secret)) => Credentials::new(variable(id)?, variable(secret)?),
            _ => return Err("`secret_id` goes with `secret_key`, and `secret_id_env` with `secret_key_env`".to_owned()),
        };
        let token = match (&self.session_token, &self.session_token_env) {
            (Some(token), _) => Some(token.clone()),
            (None, Some(name)) => Some(variable(name)?),
            (None, None) => None,
        };
        Ok(Some(match token {
            Some(token) => pair.with_security_token(token),
            None => pair,
        }))
    }

    fn capabilities(&self) -> Capabilities {
        let mut able = Capabilities::ALL;
        for ability in &self.without {
            match ability {
                Ability::Tagging => able.tagging = false,
                Ability::Restore => able.restore = false,
                Ability::Acl => able.acl = false,
                Ability::Grants => able.grants = false,
                Ability::Archive => able.archive = false,
                Ability::Conditions => able.conditions = false,
                Ability::Encryption => able.encryption = false,
                Ability::Versions => able.versions = false,
                Ability::Multipart => able.multipart = false,
                Ability::Lock => able.lock = false,
            }
        }
        able
    }
}

/// The value of a variable of the environment.
pub(super) fn variable(name: &String) -> Result<String, String> {
    std::env::var(name).ok().filter(|value| !value.is_empty()).ok_or(format!("the variable {name} is not set"))
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretKey>, D::Error> {
    String::deserialize(deserializer).map(|secret| Some(SecretKey::new(secret)))
}
