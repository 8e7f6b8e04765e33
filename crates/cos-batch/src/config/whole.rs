//! All settings of a server, of every way in which they are said.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use super::{Config, Given, Origins, Role, TracesGiven, traces::TracesOrigins};
use crate::exit::Error;

/// Where a server listens unless told otherwise: where commands look for one.
pub(crate) const LISTEN_DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9450);

/// What is logged unless told otherwise.
pub(crate) const LOG_DEFAULT: &str = "info";

/// The variable that names the file of `--config`.
const CONFIG_VARIABLE: &str = "COS_BATCH_CONFIG";

/// The settings of a server, and where each comes from.
pub(crate) struct Settings {
    pub(crate) given: Given,
    pub(crate) origins: Origins,
    pub(crate) traces: TracesGiven,
    pub(crate) traces_origins: TracesOrigins,
    pub(crate) file: Option<PathBuf>,
    pub(crate) config: Config,
}

impl Settings {
    /// The settings that hold, of all that say something: flags, environment, file.
    pub(crate) fn read(flags: Given, traces: TracesGiven, file: Option<PathBuf>) -> Result<Self, Error> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let file = file.or_else(|| variable(CONFIG_VARIABLE).map(PathBuf::from));
        let config = file.as_deref().map(Config::read).transpose()?.unwrap_or_default();
        let environment = Given::of_environment(variable)?;
        let (given, origins) = flags.or(environment, config.serve());
        let (traces, traces_origins) = traces.or(TracesGiven::of_environment(variable)?, config.traces());
        Ok(Self { given, origins, traces, traces_origins, file, config })
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
