//! A configuration as it holds, for people: what each setting is and where it comes from, without secrets.

use std::{fmt::Write as _, num::NonZeroU32};

use cos_batch_model::JobStatus;
use cos_batch_server::rate::Rate;
use toml::{Table, Value};

use super::{
    EngineSettings, Given, LISTEN_DEFAULT, LOG_DEFAULT, Origin, Origins, SAMPLE_RATIO_DEFAULT, SERVICE_NAME_DEFAULT,
    Settings, TracesGiven, WebhookGiven, settings::without_password, traces::TracesOrigins, webhook::WebhookOrigins,
};
use crate::exit::Error;

/// What stands in place of what nobody must read.
const HIDDEN: &str = "***";

/// Settings that are secrets, or may have some in them: whoever knows some addresses may post to them.
const SECRETS: [&str; 6] = ["secret", "secret_key", "session_token", "credentials_command", "credentials_url", "url"];

/// Columns of a setting before the place it comes from is named.
const COLUMNS: usize = 44;

/// The settings as a file of `--config` would have them; behind each, where it comes from.
pub(crate) fn printed(settings: &Settings) -> Result<String, Error> {
    let mut rest = match &settings.file {
        Some(path) => {
            std::fs::read_to_string(path)?.parse::<Table>().map_err(|_| Error::usage("--config: not TOML"))?
        }
        None => Table::new(),
    };
    for table in ["local_buckets", "serve", "traces", "engine", "spool", "webhook"] {
        rest.remove(table);
    }
    hide(&mut rest);
    let mut text = Text::default();
    let (config, origins) = (&settings.config, &settings.other_origins);
    // What stands in no table must come before the first one.
    text.setting("local_buckets", config.local_buckets.map(Value::Boolean), origins.local.local_buckets);
    for (name, value) in rest.clone().into_iter().filter(|(_, value)| !has_tables(value)) {
        rest.remove(&name);
        text.setting(&name, Some(value), Origin::File);
    }
    text.serve(&settings.given, settings.rate(), &settings.origins);
    text.traces(&settings.traces, &settings.traces_origins);
    text.section("[engine]");
    for (name, number) in EngineSettings::effective(&config.engine()?) {
        let number = number.map(|number| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX)));
        text.setting(name, number, origins.engine.of(name));
    }
    text.section("[spool]");
    text.setting("store", config.spool.store.clone().map(Value::String), origins.spool.store);
    text.setting("bucket", config.spool.bucket.clone().map(Value::String), origins.spool.bucket);
    text.webhook(&config.webhook, &origins.webhook);
    if !rest.is_empty() {
        text.section("# all below: file");
        text.0.push_str(&toml::to_string(&rest).map_err(Error::other)?);
    }
    Ok(text.0)
}

fn has_tables(value: &Value) -> bool {
    value.is_table() || value.as_array().is_some_and(|values| values.iter().any(Value::is_table))
}

/// The text, so far.
#[derive(Default)]
struct Text(String);

impl Text {
    fn serve(&mut self, given: &Given, rate: Rate, origins: &Origins) {
        self.section("[serve]");
        let string = |text: &dyn ToString| Some(Value::String(text.to_string()));
        let path = |path: &Option<std::path::PathBuf>| path.as_ref().and_then(|path| string(&path.display()));
        let address = |address: &Option<std::net::SocketAddr>| address.as_ref().and_then(|address| string(address));
        self.setting("data", path(&given.data), origins.data);
        self.setting("jobs", given.jobs.as_ref().and_then(|url| string(&without_password(url))), origins.jobs);
        let role = clap::ValueEnum::to_possible_value(&given.role.unwrap_or_default());
        self.setting("role", role.and_then(|role| string(&role.get_name())), origins.role);
        self.setting("listen", string(&given.listen.unwrap_or(LISTEN_DEFAULT)), origins.listen);
        self.setting("objects_listen", address(&given.objects_listen), origins.objects_listen);
        self.setting("metrics_listen", address(&given.metrics_listen), origins.metrics_listen);
        self.setting("console", Some(Value::Boolean(given.console.unwrap_or(true))), origins.console);
        self.setting("credentials", path(&given.credentials), origins.credentials);
        self.setting("anonymous", Some(Value::Boolean(given.anonymous.unwrap_or_default())), origins.anonymous);
        let hosts = given.allow_host.as_ref().map(|hosts| hosts.iter().cloned().map(Value::String).collect());
        self.setting("allow_host", hosts.map(Value::Array), origins.allow_host);
        let number = |number: NonZeroU32| Some(Value::Integer(i64::from(number.get())));
        self.setting("requests_per_second", number(rate.per_second), origins.requests_per_second);
        self.setting("requests_burst", number(rate.burst), origins.requests_burst);
        self.setting("log", string(&given.log.as_deref().unwrap_or(LOG_DEFAULT)), origins.log);
        self.setting("log_format", string(&given.log_format.unwrap_or_default().name()), origins.log_format);
    }

    fn traces(&mut self, given: &TracesGiven, origins: &TracesOrigins) {
        self.section("[traces]");
        self.setting("endpoint", given.endpoint.clone().map(Value::String), origins.endpoint);
        let name = given.service_name.as_deref().unwrap_or(SERVICE_NAME_DEFAULT);
        self.setting("service_name", Some(Value::String(name.to_owned())), origins.service_name);
        let ratio = given.sample_ratio.unwrap_or(SAMPLE_RATIO_DEFAULT);
        self.setting("sample_ratio", Some(Value::Float(ratio)), origins.sample_ratio);
    }

    fn webhook(&mut self, given: &WebhookGiven, origins: &WebhookOrigins) {
        self.section("[webhook]");
        let hidden = |is_there: bool| is_there.then(|| Value::String(HIDDEN.to_owned()));
        self.setting("url", hidden(given.url.is_some()), origins.url);
        self.setting("secret", hidden(given.secret.is_some()), origins.secret);
        self.setting("secret_env", given.secret_env.clone().map(Value::String), origins.secret_env);
        let names =
            |statuses: &Vec<JobStatus>| statuses.iter().map(|status| Value::String(status.to_string())).collect();
        self.setting("statuses", given.statuses.as_ref().map(names).map(Value::Array), origins.statuses);
    }

    fn section(&mut self, name: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        let _ = writeln!(self.0, "{gap}{name}");
    }

    /// One setting. What is not set is a comment.
    fn setting(&mut self, name: &str, value: Option<Value>, origin: Origin) {
        let line = match value {
            Some(value) => format!("{name} = {value}"),
            None => format!("# {name} is not set"),
        };
        let _ = writeln!(self.0, "{line:<COLUMNS$} # {origin}");
    }
}

/// Puts something else in the place of secrets, wherever they stand.
fn hide(table: &mut Table) {
    for (name, value) in table.iter_mut() {
        if SECRETS.contains(&name.as_str()) {
            *value = Value::String(HIDDEN.to_owned());
            continue;
        }
        if let ("proxy", Value::String(url)) = (name.as_str(), &mut *value) {
            *url = without_password(url);
        }
        let inside = match value {
            Value::Array(values) => values.iter_mut().collect(),
            other => vec![other],
        };
        inside.into_iter().filter_map(Value::as_table_mut).for_each(hide);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        let mut table: Table = "[[store]]\nname = \"a\"\nsecret_key = \"hush\"\nsecret_key_env = \"SHOWN\"\n\
             credentials_command = [\"hush\"]\nproxy = \"http://me:hush@proxy\"\n[other.inside]\nsession_token = \"hush\"\n\
             credentials_url = \"hush\"\n[webhook]\nurl = \"https://hooks.example/hush\"\n"
            .parse()
            .unwrap();
        hide(&mut table);
        let text = toml::to_string(&table).unwrap();
        assert!(!text.contains("hush") && text.contains("SHOWN") && text.matches(HIDDEN).count() == 6, "{text}");
    }
}
