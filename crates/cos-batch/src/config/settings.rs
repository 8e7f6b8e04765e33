//! What `serve` is told in three ways: by a flag, by a variable of the environment, by `[serve]` of the file; each goes
//! before the next.

use std::{
    fmt,
    net::SocketAddr,
    num::NonZeroU32,
    ops::{Range, RangeInclusive},
    path::PathBuf,
};

use clap::ValueEnum as _;
use serde::{Deserialize, Deserializer, de};

use crate::{exit::Error, logging::LogFormat};

/// Bytes of the name of a host at most (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// What an APPID may ask for in a second, and at once. More than a machine can do is as good as no limit.
const REQUESTS: RangeInclusive<u32> = 1..=1_000_000;

/// What a node is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Role {
    /// Answers the API and works on jobs
    #[default]
    All,
    /// Answers the API, and leaves jobs to others
    Api,
    /// Works on jobs, and answers nothing but /livez and /readyz
    Worker,
}

/// Where a setting comes from; what goes before the others first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of the command line.
    Flag,
    /// The variable of this name.
    Variable(&'static str),
    /// The file of `--config`.
    File,
    /// Nobody said anything.
    Default,
}

impl Origin {
    /// Whether what is said here goes before what is said there.
    pub(super) const fn goes_before(self, other: Self) -> bool {
        self.rank() < other.rank()
    }

    const fn rank(self) -> u8 {
        match self {
            Self::Flag => 0,
            Self::Variable(_) => 1,
            Self::File => 2,
            Self::Default => 3,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File => f.write_str("file"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// The settings of one table of the file, each with its variable, how that is read, and how the file's is.
macro_rules! settings {
    ($given:ident, $origins:ident; $($field:ident: $type:ty, $variable:literal, $parse:expr, $deserialize:literal;)*) => {
        /// What one of the ways says. The names are those of the flags.
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct $given {
            $(
                #[serde(default, deserialize_with = $deserialize)]
                pub(crate) $field: Option<$type>,
            )*
        }

        /// Where each comes from.
        #[derive(Clone, Debug)]
        pub(crate) struct $origins {
            $(pub(crate) $field: Origin,)*
        }

        impl $origins {
            /// Where the setting of this name comes from.
            #[allow(dead_code, reason = "not each table is printed by the names of its settings")]
            pub(crate) fn of(&self, name: &str) -> Origin {
                match name {
                    $(stringify!($field) => self.$field,)*
                    _ => Origin::Default,
                }
            }
        }

        impl $given {
            /// Names and variables of all settings.
            #[cfg(test)]
            pub(crate) const ALL: &'static [(&'static str, &'static str)] = &[$((stringify!($field), $variable)),*];
        }

        impl $given {
            /// The variables of all settings.
            pub(crate) const VARIABLES: &'static [&'static str] = &[$($variable),*];

            /// What the environment says. An empty variable counts as not set.
            pub(crate) fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
                let get = |name: &str| variable(name).filter(|value| !value.is_empty());
                Ok(Self {
                    $(
                        $field: get($variable)
                            .map(|text| ($parse)(&text))
                            .transpose()
                            .map_err(|error: String| Error::usage(format!("the variable {}: {error}", $variable)))?,
                    )*
                })
            }

            /// What holds: flags, else the environment, else the file.
            pub(crate) fn or(self, environment: Self, file: &Self) -> (Self, $origins) {
                $(
                    let $field = if let Some(value) = self.$field {
                        (Some(value), Origin::Flag)
                    } else if let Some(value) = environment.$field {
                        (Some(value), Origin::Variable($variable))
                    } else if let Some(value) = file.$field.clone() {
                        (Some(value), Origin::File)
                    } else {
                        (None, Origin::Default)
                    };
                )*
                (Self { $($field: $field.0,)* }, $origins { $($field: $field.1,)* })
            }
        }
    };
}

pub(super) use settings;

settings! {
    Given, Origins;
    data: PathBuf, "COS_BATCH_DATA", path, "plain";
    jobs: String, "COS_BATCH_JOBS", text, "plain";
    role: Role, "COS_BATCH_ROLE", role, "role_of";
    listen: SocketAddr, "COS_BATCH_LISTEN", address, "address_of";
    objects_listen: SocketAddr, "COS_BATCH_OBJECTS_LISTEN", address, "address_of";
    metrics_listen: SocketAddr, "COS_BATCH_METRICS_LISTEN", address, "address_of";
    console: bool, "COS_BATCH_CONSOLE", boolean, "plain";
    credentials: PathBuf, "COS_BATCH_KEYS", path, "plain";
    anonymous: bool, "COS_BATCH_ANONYMOUS", boolean, "plain";
    allow_host: Vec<String>, "COS_BATCH_ALLOW_HOST", hosts, "hosts_of";
    requests_per_second: NonZeroU32, "COS_BATCH_REQUESTS_PER_SECOND", requests, "requests_of";
    requests_burst: NonZeroU32, "COS_BATCH_REQUESTS_BURST", requests, "requests_of";
    log: String, "RUST_LOG", text, "plain";
    log_format: LogFormat, "COS_BATCH_LOG_FORMAT", format, "format_of";
}

/// The name of a host, without a port.
pub(crate) fn host_name(text: &str) -> Result<String, String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || text.len() > HOST_BYTES_MAX || !text.chars().all(bare) {
        return Err(format!("a name is 1–{HOST_BYTES_MAX} letters, digits, -, _ and ., without a port"));
    }
    Ok(text.to_owned())
}

pub(super) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

fn path(text: &str) -> Result<PathBuf, String> {
    Ok(PathBuf::from(text))
}

/// An address to listen on.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{text:?} is no IP address with a port, such as 127.0.0.1:9450"))
}

/// How many requests, of whichever span of time.
pub(crate) fn requests(text: &str) -> Result<NonZeroU32, String> {
    let number = text.parse().ok().filter(|number| REQUESTS.contains(number)).and_then(NonZeroU32::new);
    number.ok_or_else(|| format!("it must be from {} to {}, not {text}", REQUESTS.start(), REQUESTS.end()))
}

pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| format!("{text:?} is neither true nor false"))
}

fn hosts(text: &str) -> Result<Vec<String>, String> {
    text.split(',').map(|name| host_name(name.trim())).collect()
}

fn role(text: &str) -> Result<Role, String> {
    Role::from_str(text, false).map_err(|_| format!("{text:?} is none of all, api, worker"))
}

fn format(text: &str) -> Result<LogFormat, String> {
    LogFormat::from_str(text, false).map_err(|_| format!("{text:?} is neither text nor json"))
}

pub(super) fn plain<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

fn address_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    address(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn role_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Role>, D::Error> {
    role(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn format_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LogFormat>, D::Error> {
    format(&String::deserialize(deserializer)?).map(Some).map_err(de::Error::custom)
}

fn requests_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NonZeroU32>, D::Error> {
    requests(&i64::deserialize(deserializer)?.to_string()).map(Some).map_err(de::Error::custom)
}

fn hosts_of<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let names = Vec::<String>::deserialize(deserializer)?;
    names.iter().map(|name| host_name(name)).collect::<Result<_, _>>().map(Some).map_err(de::Error::custom)
}

/// The address of a database or of a proxy without its passwords.
pub(crate) fn without_password(url: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(url.len()), 0);
    for range in passwords(url) {
        shown.push_str(&url[rest..range.start]);
        shown.push_str("***");
        rest = range.end;
    }
    shown.push_str(&url[rest..]);
    shown
}

/// Whether such an address has a password in it.
pub(crate) fn has_password(url: &str) -> bool {
    passwords(url).iter().any(|range| !range.is_empty())
}

/// Where passwords are, in their order: between the first colon and the last `@` before the query, and behind each
/// `password=`, also of `sslpassword=`. Whoever writes a slash or a question mark into one without escaping it has a
/// wrong address, and its password is hidden all the same.
fn passwords(url: &str) -> Vec<Range<usize>> {
    const NAME: &str = "password=";
    let mut found = Vec::new();
    let mut rest = 0;
    if let Some(start) = url.find("://").map(|at| at + "://".len()) {
        let query = url[start..].find('?').map_or(url.len(), |length| start + length);
        let at = url[start..query]
            .rfind('@')
            .or_else(|| url[start..].find(NAME).is_none().then(|| url[start..].rfind('@'))?);
        let colon = at.and_then(|at| Some(start + url[start..start + at].find(':')? + 1..start + at));
        found.extend(colon);
        rest = found.last().map_or(start, |range| range.end);
    }
    while let Some(at) = url[rest..].find(NAME) {
        let start = rest + at + NAME.len();
        let length = match url[start..].strip_prefix('\'') {
            // As libpq quotes values with spaces in them.
            Some(quoted) => quoted.find('\'').map(|end| end + 2),
            None => url[start..].find(['&', ' ']),
        };
        rest = length.map_or(url.len(), |length| start + length);
        found.push(start..rest);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_hosts() {
        assert_eq!(host_name("Cos-Batch.local").as_deref(), Ok("Cos-Batch.local"));
        for wrong in ["", "a:80", "http://a", "a/b", "*", &"a".repeat(254)] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_flag_goes_before_a_variable_and_that_before_the_file() {
        let variable = |name: &str| match name {
            "COS_BATCH_DATA" => Some("of-variable".to_owned()),
            "COS_BATCH_LISTEN" => Some("127.0.0.1:2".to_owned()),
            "COS_BATCH_ROLE" => Some(String::new()),
            _ => None,
        };
        let environment = Given::of_environment(variable).unwrap();
        let file: Given =
            toml::from_str("data = \"of-file\"\nlisten = \"127.0.0.1:3\"\nrole = \"api\"\nlog_format = \"json\"\n")
                .unwrap();
        let flags = Given { data: Some("of-flag".into()), ..Given::default() };
        let (given, origins) = flags.or(environment, &file);
        assert_eq!((given.data.unwrap(), origins.data), ("of-flag".into(), Origin::Flag));
        assert_eq!((given.listen.unwrap().port(), origins.listen), (2, Origin::Variable("COS_BATCH_LISTEN")));
        assert_eq!((given.role, origins.role), (Some(Role::Api), Origin::File));
        assert_eq!((given.log_format, origins.log_format), (Some(LogFormat::Json), Origin::File));
        assert_eq!((given.jobs, origins.jobs), (None, Origin::Default));
    }

    #[test]
    fn a_wrong_variable_is_refused_by_its_name() {
        for (name, value, says) in [
            ("COS_BATCH_LISTEN", "localhost", "\"localhost\" is no IP address with a port"),
            ("COS_BATCH_ROLE", "both", "\"both\" is none of all, api, worker"),
            ("COS_BATCH_ANONYMOUS", "yes", "\"yes\" is neither true nor false"),
            ("COS_BATCH_ALLOW_HOST", "a, b:80", "without a port"),
            ("COS_BATCH_LOG_FORMAT", "xml", "\"xml\" is neither text nor json"),
            ("COS_BATCH_REQUESTS_BURST", "many", "it must be from 1 to 1000000, not many"),
        ] {
            let error =
                Given::of_environment(|asked| (asked == name).then(|| value.to_owned())).unwrap_err().to_string();
            assert!(error.starts_with(&format!("the variable {name}: ")) && error.contains(says), "{error}");
        }
    }

    #[test]
    fn requests_in_a_second_have_a_range() {
        for (text, number) in
            [("1", Some(1)), ("1000000", Some(1_000_000)), ("0", None), ("1000001", None), ("-1", None)]
        {
            assert_eq!(requests(text).ok().map(NonZeroU32::get), number, "{text}");
            let file = toml::from_str::<Given>(&format!("requests_per_second = {text}\nrequests_burst = {text}\n"));
            let of_file = file.map(|given| (given.requests_per_second, given.requests_burst));
            match (of_file, number.and_then(NonZeroU32::new)) {
                (Ok(found), Some(number)) => assert_eq!(found, (Some(number), Some(number))),
                (Err(error), None) => assert!(error.to_string().contains("it must be from 1 to 1000000"), "{error}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn the_pages_have_every_setting_and_its_variable() {
        let (configuration, cli) =
            (include_str!("../../../../docs/configuration.md"), include_str!("../../../../docs/cli.md"));
        for (name, variable) in Given::ALL {
            let row = format!("| `{name}` | `{variable}` |");
            assert!(configuration.contains(&row), "docs/configuration.md has no row {row:?}");
            assert!(cli.contains(&format!("`{variable}`")), "docs/cli.md: {variable}");
        }
    }

    #[test]
    fn a_password_is_found_and_left_out() {
        for (url, shown) in [
            ("postgres://me:hush@db:5432/x?sslmode=require", "postgres://me:***@db:5432/x?sslmode=require"),
            ("postgres://me:hu@sh@db/x", "postgres://me:***@db/x"),
            (
                "postgres://db:5432/x?user=me&password=hush&schema=y",
                "postgres://db:5432/x?user=me&password=***&schema=y",
            ),
            ("postgres://me@db:5432/x", "postgres://me@db:5432/x"),
            ("postgres://me:hu/sh@db:5432/x", "postgres://me:***@db:5432/x"),
            ("postgres://me:hu?sh@db:5432/x", "postgres://me:***@db:5432/x"),
            (
                "postgres://me:hush@db/x?password=hu&sslpassword=sh&hu=1",
                "postgres://me:***@db/x?password=***&sslpassword=***&hu=1",
            ),
            ("host=db password='hu sh' user=me", "host=db password=*** user=me"),
            ("http://me:hush@proxy.example:3128", "http://me:***@proxy.example:3128"),
            ("postgres:///x", "postgres:///x"),
        ] {
            assert_eq!(without_password(url), shown);
            assert_eq!(has_password(url), url.contains("hu"), "{url}");
        }
    }
}
