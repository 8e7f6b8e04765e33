//! `[webhook]`: where changes of status are told.

use cos_batch_model::JobStatus;
use cos_signature::SecretKey;
use http::Uri;
use serde::{Deserialize, Deserializer, de};

use super::{
    settings::{Origin, plain, settings, text},
    store::{secret, variable},
};
use crate::exit::Error;

/// Where to tell what.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where events are posted to.
    pub(crate) url: Uri,
    /// What they are signed with.
    pub(crate) secret: SecretKey,
    /// Which statuses are told; empty: all.
    pub(crate) statuses: Vec<JobStatus>,
}

/// Bytes of a secret at least: what a receiver believes must not be guessed.
const SECRET_BYTES_MIN: usize = 24;

settings! {
    WebhookGiven, WebhookOrigins;
    url: String, "COS_BATCH_WEBHOOK_URL", text, "plain";
    secret: SecretKey, "COS_BATCH_WEBHOOK_SECRET", secret_of, "secret";
    secret_env: String, "COS_BATCH_WEBHOOK_SECRET_ENV", text, "plain";
    statuses: Vec<JobStatus>, "COS_BATCH_WEBHOOK_STATUSES", statuses, "statuses_of";
}

impl WebhookGiven {
    /// Where to tell what, if anywhere; or what is wrong with it.
    pub(super) fn target(&self) -> Result<Option<Target>, String> {
        let Some(url) = &self.url else {
            let nothing = self.secret.is_none() && self.secret_env.is_none() && self.statuses.is_none();
            return if nothing {
                Ok(None)
            } else {
                Err("webhook: `url` is missing: where events are posted to".to_owned())
            };
        };
        let url: Uri = url.parse().map_err(|error| format!("webhook: url: {error}"))?;
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
            return Err("webhook: url: an address begins with http:// or https:// and has a host".to_owned());
        }
        let secret = match (&self.secret, &self.secret_env) {
            (Some(secret), None) => secret.clone(),
            (None, Some(name)) => SecretKey::new(variable(name).map_err(|error| format!("webhook: {error}"))?),
            _ => return Err("webhook: either `secret` or `secret_env` must be given".to_owned()),
        };
        if secret.expose().len() < SECRET_BYTES_MIN {
            return Err(format!("webhook: its secret must have at least {SECRET_BYTES_MIN} bytes"));
        }
        Ok(Some(Target { url, secret, statuses: self.statuses.clone().unwrap_or_default() }))
    }

    /// The same with one secret: what says where it is goes before what says it in a place that goes after, and the other way
    /// round.
    pub(super) fn with_one_secret(mut self, origins: &mut WebhookOrigins) -> Self {
        if origins.secret.goes_before(origins.secret_env) {
            (self.secret_env, origins.secret_env) = (None, Origin::Default);
        } else if origins.secret_env.goes_before(origins.secret) {
            (self.secret, origins.secret) = (None, Origin::Default);
        }
        self
    }
}

fn secret_of(text: &str) -> Result<SecretKey, String> {
    Ok(SecretKey::new(text))
}

/// Names of statuses with commas between.
pub(crate) fn statuses(text: &str) -> Result<Vec<JobStatus>, String> {
    text.split(',').map(|name| name.trim().parse().map_err(|error| format!("{error}"))).collect()
}

fn statuses_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<JobStatus>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| name.parse().map_err(de::Error::custom)).collect::<Result<_, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_webhook_is_refused_by_what_is_wrong_with_it() {
        let secret = "secret = \"hush-hush-hush-hush-hush\"\n";
        let target = |text: &str| {
            let config = Config::parse(&format!("[webhook]\n{text}")).map_err(|error| error.to_string())?;
            config.webhook().map_err(|error| error.to_string())
        };
        let right = format!("url = \"https://hooks.example/x\"\nstatuses = [\"Complete\", \"Failed\"]\n{secret}");
        assert_eq!(target(&right).unwrap().unwrap().statuses.len(), 2);
        for (text, says) in [
            (format!("url = \"hooks.example\"\n{secret}"), "webhook: url: an address begins with http://"),
            (format!("url = \"ftp://hooks.example\"\n{secret}"), "webhook: url: an address begins with http://"),
            (secret.to_owned(), "webhook: `url` is missing"),
            ("url = \"http://a\"\n".to_owned(), "webhook: either `secret` or `secret_env`"),
            ("url = \"http://a\"\nsecret = \"hush\"\n".to_owned(), "webhook: its secret must have at least 24 bytes"),
            (
                "url = \"http://a\"\nsecret_env = \"NO_SUCH_VARIABLE\"\n".to_owned(),
                "webhook: the variable NO_SUCH_VARIABLE",
            ),
            (format!("url = \"http://a\"\nstatuses = [\"Done\"]\n{secret}"), "line 3: "),
            (format!("adress = \"http://a\"\n{secret}"), "line 2: unknown field `adress`"),
        ] {
            let error = target(&text).map(drop).unwrap_err();
            assert!(error.starts_with(says), "{error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }
}
