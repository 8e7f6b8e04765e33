//! `[traces]`: where traces go.

use http::Uri;
use serde::{Deserialize, Deserializer, de};

use super::settings::{Origin, settings};
use crate::exit::Error;

/// What the server is called in traces unless told otherwise.
pub(crate) const SERVICE_NAME_DEFAULT: &str = "cos-batch";

/// Which part of the traces is kept unless told otherwise: all.
pub(crate) const SAMPLE_RATIO_DEFAULT: f64 = 1.0;

/// Bytes of a service's name at most: it goes with every batch, and people read it.
const SERVICE_NAME_BYTES_MAX: usize = 255;

settings! {
    TracesGiven, TracesOrigins;
    endpoint: String, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint, "endpoint_of";
    service_name: String, "OTEL_SERVICE_NAME", service_name, "service_name_of";
    sample_ratio: f64, "OTEL_TRACES_SAMPLER_ARG", sample_ratio, "sample_ratio_of";
}

impl TracesGiven {
    /// Refuses what a program without traces cannot do. A variable is let pass: whoever sets it may mean every program of
    /// a machine.
    pub(super) fn check(&self, origins: &TracesOrigins, built_in: bool) -> Result<(), Error> {
        let said = [origins.endpoint, origins.service_name, origins.sample_ratio];
        let meant = said.iter().any(|origin| matches!(origin, Origin::Flag | Origin::File));
        if meant && !built_in {
            return Err(Error::usage(
                "[traces] or --traces-…: this program was built without traces; build it with --features otel",
            ));
        }
        Ok(())
    }
}

/// The address of a collector, without the path of traces.
pub(crate) fn endpoint(text: &str) -> Result<String, String> {
    let uri: Uri = text.parse().map_err(|error| format!("{text:?} is no address: {error}"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none_or(str::is_empty) {
        return Err(format!("{text:?}: an address begins with http:// or https:// and has a host"));
    }
    // Neither is shown, since one may be a secret.
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) || uri.query().is_some() {
        return Err("an address has no user, password or query: headers are in OTEL_EXPORTER_OTLP_HEADERS".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

pub(crate) fn service_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > SERVICE_NAME_BYTES_MAX || text.chars().any(char::is_control) {
        let bytes = text.len();
        return Err(format!(
            "a service name has 1–{SERVICE_NAME_BYTES_MAX} bytes and no control characters; this has {bytes} bytes"
        ));
    }
    Ok(text.to_owned())
}

pub(crate) fn sample_ratio(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number from 0 to 1")).and_then(ratio)
}

fn ratio(number: f64) -> Result<f64, String> {
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err(format!("{number} is no number from 0 to 1")) }
}

fn endpoint_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    endpoint(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn service_name_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    service_name(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn sample_ratio_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    ratio(f64::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "endpoint = \"http://of-file:4318/\"\nservice_name = \"of-file\"\nsample_ratio = 1\n";

    fn variable(name: &str) -> Option<String> {
        match name {
            "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://of-variable".to_owned()),
            "OTEL_SERVICE_NAME" => Some("of-variable".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_flag_goes_before_a_variable_and_that_before_the_file() {
        let file: TracesGiven = toml::from_str(FILE).unwrap();
        assert_eq!(file.endpoint.as_deref(), Some("http://of-file:4318"), "the path is ours to add");
        let flags = TracesGiven { endpoint: Some("http://of-flag".to_owned()), ..TracesGiven::default() };
        let (given, origins) = flags.or(TracesGiven::of_environment(variable).unwrap(), &file);
        assert_eq!((given.endpoint.as_deref(), origins.endpoint), (Some("http://of-flag"), Origin::Flag));
        let of_variable = Origin::Variable("OTEL_SERVICE_NAME");
        assert_eq!((given.service_name.as_deref(), origins.service_name), (Some("of-variable"), of_variable));
        assert_eq!((given.sample_ratio, origins.sample_ratio), (Some(1.0), Origin::File));
    }

    #[test]
    fn without_the_feature_what_is_meant_for_this_program_is_refused() {
        let check = |file: &str, built_in: bool| {
            let environment = TracesGiven::of_environment(variable).unwrap();
            let (given, origins) = TracesGiven::default().or(environment, &toml::from_str(file).unwrap());
            given.check(&origins, built_in).map_err(|error| error.to_string())
        };
        assert_eq!(check("", false), Ok(()), "variables may be for every program");
        assert_eq!(check("sample_ratio = 0.5\n", true), Ok(()));
        assert!(check("sample_ratio = 0.5\n", false).unwrap_err().contains("was built without traces"));
    }

    #[test]
    fn wrong_values_are_refused_by_their_rule() {
        for (text, says) in [
            ("endpoint = \"collector:4318\"\n", "an address begins with http:// or https://"),
            ("endpoint = \"http://me:hush@collector\"\n", "an address has no user, password or query"),
            ("endpoint = \"http://collector/?key=hush\"\n", "an address has no user, password or query"),
            ("service_name = \"\"\n", "1–255 bytes and no control characters; this has 0 bytes"),
            ("sample_ratio = 1.5\n", "1.5 is no number from 0 to 1"),
            ("sample_ratio = nan\n", "NaN is no number from 0 to 1"),
        ] {
            let error = toml::from_str::<TracesGiven>(text).unwrap_err();
            assert!(error.message().contains(says) && !error.message().contains("hush"), "{error}");
        }
        assert!(sample_ratio("half").is_err() && sample_ratio("-0.1").is_err() && sample_ratio("0").is_ok());
    }

    #[test]
    fn the_page_has_every_setting_and_its_variable() {
        let page = include_str!("../../../../docs/configuration.md");
        for (name, variable) in TracesGiven::ALL {
            let row = format!("| `{name}` | `{variable}` |");
            assert!(page.contains(&row), "docs/configuration.md has no row {row:?}");
        }
    }
}
