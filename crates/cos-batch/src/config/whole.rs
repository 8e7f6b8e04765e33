//! All settings of a server, of every way in which they are said.

use std::{
    net::{Ipv4Addr, SocketAddr},
    num::{NonZeroU32, NonZeroUsize},
    path::PathBuf,
    thread,
};

use cos_batch_server::rate::Rate;

use super::{
    Config, EngineSettings, Flags, Given, LocalGiven, Origins, OtherOrigins, Role, SpoolGiven, TracesGiven,
    WebhookGiven, traces::TracesOrigins,
};
use crate::{exit::Error, similar::nearest};

/// Where a server listens unless told otherwise: where commands look for one.
pub(crate) const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9450);

/// What is logged unless told otherwise.
pub(crate) const LOG_DEFAULT: &str = "info";

/// What the requests of one APPID may cost in a second unless told otherwise, for each processor: as much as that many looks at
/// jobs, which is a tenth of a processor. Nobody who waits for jobs asks for nearly as much.
const REQUESTS_PER_SECOND_AND_PROCESSOR: NonZeroU32 = NonZeroU32::new(2_500).unwrap();

/// Seconds whose requests may come at once after a pause unless told otherwise: whoever begins with a list of all jobs, or makes
/// many, is not slowed down at once.
const REQUESTS_BURST_SECONDS: NonZeroU32 = NonZeroU32::new(2).unwrap();

/// The variable that names the file of `--config`.
const CONFIG_VARIABLE: &str = "COS_BATCH_CONFIG";

/// What the variables of settings begin with.
const PREFIX: &str = "COS_BATCH_";

/// The variables of all settings.
fn variables() -> impl Iterator<Item = &'static str> {
    let tables = [
        Given::VARIABLES,
        TracesGiven::VARIABLES,
        LocalGiven::VARIABLES,
        SpoolGiven::VARIABLES,
        EngineSettings::VARIABLES,
        WebhookGiven::VARIABLES,
        &[CONFIG_VARIABLE],
    ];
    tables.into_iter().flatten().copied()
}

/// What is wrong with a variable that is nearly the name of a setting. Others that begin so may be somebody else's.
fn misspelt(name: &str) -> Option<String> {
    let known = variables;
    let rest = name.strip_prefix(PREFIX)?;
    if known().any(|known| known == name) {
        return None;
    }
    let meant = nearest(rest, known().filter_map(|known| known.strip_prefix(PREFIX)))?;
    Some(format!("the variable {name} is no setting (did you mean {PREFIX}{meant}?)"))
}

/// The settings of a server, and where each comes from.
pub(crate) struct Settings {
    pub(crate) given: Given,
    pub(crate) origins: Origins,
    pub(crate) traces: TracesGiven,
    pub(crate) traces_origins: TracesOrigins,
    pub(crate) other_origins: OtherOrigins,
    pub(crate) file: Option<PathBuf>,
    pub(crate) config: Config,
}

impl Settings {
    /// The settings that hold, of all that say something: flags, environment, file.
    pub(crate) fn read(flags: Given, traces: TracesGiven, other: Flags, file: Option<PathBuf>) -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let file = file.or_else(|| variable(CONFIG_VARIABLE).map(PathBuf::from));
        let mut config = file.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let ours = names.filter(|name| config.variables().all(|named| named != name));
        if let Some(wrong) = ours.into_iter().find_map(|name| misspelt(&name)) {
            return Err(Error::usage(wrong));
        }
        let environment = Given::of_environment(variable)?;
        let (given, origins) = flags.or(environment, config.serve());
        let (traces, traces_origins) = traces.or(TracesGiven::of_environment(variable)?, config.traces());
        let other_origins = config.settle(other, variable)?;
        Ok(Self { given, origins, traces, traces_origins, other_origins, file, config })
    }

    pub(crate) fn log(&self) -> &str {
        self.given.log.as_deref().unwrap_or(LOG_DEFAULT)
    }

    pub(crate) fn role(&self) -> Role {
        self.given.role.unwrap_or_default()
    }

    pub(crate) fn listen(&self) -> SocketAddr {
        self.given.listen.unwrap_or(LISTEN_DEFAULT)
    }

    /// What the requests of one APPID may cost.
    pub(crate) fn rate(&self) -> Rate {
        rate_on_this_machine(&self.given)
    }

    pub(crate) fn anonymous(&self) -> bool {
        self.given.anonymous.unwrap_or_default()
    }

    /// What can be said against the settings as they stand together.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.traces.check(&self.traces_origins, cfg!(feature = "otel"))?;
        let Given { data, jobs, objects_listen, credentials, allow_host, .. } = &self.given;
        let public = [Some(self.listen()), *objects_listen].into_iter().flatten().find(|a| !a.ip().is_loopback());
        if let Some(address) = public.filter(|_| self.anonymous()) {
            return Err(Error::usage(format!(
                "--anonymous lets everybody in who reaches {address}: it goes with a loopback address only"
            )));
        }
        if self.anonymous() && credentials.is_some() {
            return Err(Error::usage(
                "--anonymous goes without --credentials: either all requests are accepted or signed ones",
            ));
        }
        if !self.anonymous() && allow_host.is_some() {
            return Err(Error::usage("--allow-host goes with --anonymous"));
        }
        if jobs.is_none() && self.role() != Role::All {
            return Err(Error::usage("--role goes with --jobs: a server on its own does everything"));
        }
        if jobs.is_some() && objects_listen.is_some() {
            return Err(Error::usage("--objects-listen serves the folder of --data, which goes with no --jobs"));
        }
        match (data, jobs) {
            (Some(_), Some(_)) => {
                Err(Error::usage("either --data or --jobs (COS_BATCH_JOBS): jobs are in a folder or in a database"))
            }
            (None, None) => Err(Error::usage("--data DIR, where jobs are kept, or --jobs URL must be given")),
            (None, Some(_)) if !self.anonymous() && credentials.is_none() => {
                Err(Error::usage("--jobs: all nodes accept the same keys: name their file with --credentials"))
            }
            _ => Ok(()),
        }
    }
}

/// What the requests of one APPID may cost.
pub(crate) fn rate_on_this_machine(given: &Given) -> Rate {
    rate(given, thread::available_parallelism().map_or(1, NonZeroUsize::get))
}

/// The same, on a machine of so many processors.
fn rate(given: &Given, processors: usize) -> Rate {
    let processors =
        NonZeroUsize::new(processors).and_then(|count| NonZeroU32::try_from(count).ok()).unwrap_or(NonZeroU32::MIN);
    let by_default = REQUESTS_PER_SECOND_AND_PROCESSOR.saturating_mul(processors);
    let per_second = given.requests_per_second.unwrap_or(by_default);
    Rate {
        per_second,
        burst: given.requests_burst.unwrap_or_else(|| per_second.saturating_mul(REQUESTS_BURST_SECONDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_the_name_of_a_variable_is_told() {
        let said = |name: &str| misspelt(name).unwrap_or_default();
        assert_eq!(
            said("COS_BATCH_LISTN"),
            "the variable COS_BATCH_LISTN is no setting (did you mean COS_BATCH_LISTEN?)"
        );
        assert!(said("COS_BATCH_KEY").ends_with("(did you mean COS_BATCH_KEYS?)"));
        assert!(said("COS_BATCH_ENGINE_WORKER").ends_with("(did you mean COS_BATCH_ENGINE_WORKERS?)"));
        assert!(said("COS_BATCH_CONFG").ends_with("(did you mean COS_BATCH_CONFIG?)"));
        for fine in [
            "COS_BATCH_LISTEN",
            "COS_BATCH_CONFIG",
            "COS_BATCH_PROGRAM",
            "COS_BATCH_PROFILE",
            "COS_BATCH_PROFILES",
            "COS_BATCH_ENDPOINT",
            "COS_BATCH_UIN",
            "COS_BATCH_POWER_SEED",
            "COS_BATCH_ENGINE_WORKERS",
            "COS_BATCH_WEBHOOK_SECRET",
            "LISTN",
            "RUST_LOG",
        ] {
            assert_eq!(misspelt(fine), None, "{fine}");
        }
    }

    #[test]
    fn what_an_appid_may_ask_for_grows_with_the_machine_unless_it_is_said() {
        let number = NonZeroU32::new;
        let of = |per_second, burst, processors| {
            let given = Given { requests_per_second: per_second, requests_burst: burst, ..Given::default() };
            let rate = rate(&given, processors);
            (rate.per_second.get(), rate.burst.get())
        };
        assert_eq!(of(None, None, 2), (5_000, 10_000));
        assert_eq!(of(None, None, 64), (160_000, 320_000));
        assert_eq!(of(number(7), None, 64), (7, 14));
        assert_eq!(of(number(7), number(1), 64), (7, 1));
        assert_eq!(of(None, number(1), 1), (2_500, 1));
    }
}
