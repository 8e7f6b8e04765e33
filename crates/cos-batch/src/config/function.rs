//! `[functions.<name>]`: what jobs may call for each object.

use std::time::Duration;

use http::{HeaderValue, Uri};
use serde::Deserialize;

use super::store::variable;

/// How long a call may take, in seconds, unless it says otherwise.
pub(super) const SECONDS_DEFAULT: u64 = 60;
/// The longest that a call may take, in seconds: as long as a function of AWS works. The rows behind it wait so long.
pub(super) const SECONDS_MAX: u64 = 900;
/// Longest name of a function, as AWS has it.
const NAME_BYTES_MAX: usize = 64;
/// Functions at most: each has a name that people know.
pub(super) const FUNCTIONS_MAX: usize = 100;

/// A function that jobs may call.
#[derive(Clone)]
pub(crate) struct Function {
    /// Its name, by which jobs choose it.
    pub(crate) name: String,
    /// Where calls are posted to.
    pub(crate) url: Uri,
    /// How long a call may take.
    pub(crate) timeout: Duration,
    /// What calls say of who they are from.
    pub(crate) authorization: Option<HeaderValue>,
}

/// `[functions.<name>]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionSettings {
    url: String,
    timeout: Option<u64>,
    authorization_env: Option<String>,
}

impl FunctionSettings {
    /// Where it is, with what may be a secret in it.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// The variable that it names.
    pub(super) fn variable(&self) -> Option<&str> {
        self.authorization_env.as_deref()
    }

    /// The function of this name, or what is wrong with it.
    pub(super) fn function(&self, name: &str) -> Result<Function, String> {
        let refuse = |reason: String| Err(format!("functions.{name}: {reason}"));
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !(1..=NAME_BYTES_MAX).contains(&name.len()) || !name.bytes().all(legal) {
            return refuse(format!("a name has 1 to {NAME_BYTES_MAX} letters, digits, - and _"));
        }
        let url: Uri = match self.url.parse() {
            Ok(url) => url,
            Err(error) => return refuse(format!("url: {error}")),
        };
        if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none_or(str::is_empty) {
            return refuse("url: an address begins with http:// or https:// and has a host".to_owned());
        }
        let seconds = self.timeout.unwrap_or(SECONDS_DEFAULT);
        if !(1..=SECONDS_MAX).contains(&seconds) {
            return refuse(format!("timeout is 1 to {SECONDS_MAX} seconds, not {seconds}"));
        }
        let authorization = match &self.authorization_env {
            None => None,
            Some(variable_name) => {
                let value = variable(variable_name).map_err(|error| format!("functions.{name}: {error}"))?;
                let Ok(mut value) = HeaderValue::from_str(&value) else {
                    return refuse(format!("the variable {variable_name} has what no header can carry"));
                };
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Function { name: name.to_owned(), url, timeout: Duration::from_secs(seconds), authorization })
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn a_function_is_refused_by_what_is_wrong_with_it() {
        let functions = |text: &str| {
            let config = Config::parse(text).map_err(|error| error.to_string())?;
            config.functions().map_err(|error| error.to_string())
        };
        let right =
            functions("[functions.resize_1-a]\nurl = \"https://functions.example/x\"\ntimeout = 900\n").unwrap();
        assert_eq!((right[0].name.as_str(), right[0].timeout.as_secs()), ("resize_1-a", 900));
        for (text, says) in [
            ("[functions.a]\nurl = \"functions.example\"\n", "functions.a: url: an address begins with http://"),
            ("[functions.a]\nurl = \"ftp://functions.example\"\n", "functions.a: url: an address begins with http://"),
            ("[functions.\"a b\"]\nurl = \"http://a\"\n", "functions.a b: a name has 1 to 64 letters"),
            ("[functions.a]\nurl = \"http://a\"\ntimeout = 0\n", "functions.a: timeout is 1 to 900 seconds, not 0"),
            ("[functions.a]\nurl = \"http://a\"\ntimeout = 901\n", "functions.a: timeout is 1 to 900 seconds, not 901"),
            (
                "[functions.a]\nurl = \"http://a\"\nauthorization_env = \"NO_SUCH_VARIABLE\"\n",
                "functions.a: the variable NO_SUCH_VARIABLE",
            ),
            ("[functions.a]\nadress = \"http://a\"\n", "line 2: unknown field `adress`"),
        ] {
            let error = functions(text).map(drop).unwrap_err();
            assert!(error.starts_with(says), "{error}");
        }
        let many: String = (0..101).map(|n| format!("[functions.f{n}]\nurl = \"http://a\"\n")).collect();
        assert_eq!(functions(&many).map(drop).unwrap_err(), "functions: there are at most 100, not 101");
    }
}
