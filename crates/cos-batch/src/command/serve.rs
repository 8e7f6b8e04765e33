//! `cos-batch serve`

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use clap::Args;
use cos_batch_engine::SystemClock;
use cos_batch_jobstore::PostgresJobStore;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::Config,
    connection::ENDPOINT_DEFAULT,
    credentials::Credentials,
    exit::{Error, Exit},
    output::Terminal,
    serve::{Addresses, Callers, DataFolder, Home, Role, Server},
};

/// Bytes of the name of a host at most (RFC 1035, 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Run a server, on a local folder or as one of many nodes.
///
/// A bucket is a folder below DIR/buckets, made with mkdir; an object is a file in it. The end of a bucket's name says
/// to which APPID it belongs, as in photos-1250000000. Jobs are kept in DIR too, and go on at the next start.
///
/// Without --credentials a key is made at the first start and kept in DIR/credentials.toml.
///
/// With --jobs instead of --data, jobs are kept in a PostgreSQL database that any number of such servers share; what they
/// need for that stands in docs/operations.md.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Folder with the buckets and all state; made if there is none
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Database with the jobs, which other nodes share: postgres://USER@HOST:PORT/DATABASE, with what psql knows behind a ?.
    /// A password is better kept in PGPASSWORD or ~/.pgpass
    #[arg(long, env = "COS_BATCH_JOBS", hide_env_values = true, value_name = "URL")]
    jobs: Option<String>,
    /// With --jobs: what this node does
    #[arg(long, value_enum, default_value_t, value_name = "ROLE")]
    role: Role,
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9450")]
    listen: SocketAddr,
    /// Address and port of the object endpoint, for the SDKs of COS; there is none without this option. Port 0 takes any
    /// free one
    #[arg(long, value_name = "ADDRESS")]
    objects_listen: Option<SocketAddr>,
    /// No web console. It is at /console of the address to listen on if that is a loopback address, for those who have a
    /// key that is accepted
    #[arg(long)]
    no_console: bool,
    /// TOML file with the keys to accept: [[key]] with secret_id, secret_key, appid and maybe uin; [[bucket]] with name
    /// and owner; [[grant]] with bucket, appid and rights, a list of read, write, delete
    #[arg(long, value_name = "FILE", conflicts_with = "anonymous")]
    credentials: Option<PathBuf>,
    /// TOML file with the stores that objects are in besides DIR, which bucket is in which, and how the engine works:
    /// [[store]], [[bucket]], [engine] and [[appid]], as docs/configuration.md has it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Accept requests that are not signed, of any APPID; only on a loopback address
    #[arg(long)]
    anonymous: bool,
    /// With --anonymous: also accept requests to the host NAME, such as the name of a container; give it again for more.
    /// Only names that nobody else can make mean this machine
    #[arg(long, value_name = "NAME", requires = "anonymous", value_parser = host_name)]
    allow_host: Vec<String>,
    /// What is logged to the error output: error, warn, info, debug, or a filter such as cos_batch_engine=debug
    #[arg(long, env = "RUST_LOG", value_name = "FILTER")]
    log: Option<String>,
}

impl Serve {
    pub(super) fn log(&self) -> Option<&str> {
        self.log.as_deref().filter(|text| !text.is_empty())
    }

    /// The file of --config, read.
    pub(super) fn config(&self) -> Result<Config, Error> {
        Ok(self.config.as_deref().map(Config::read).transpose()?.unwrap_or_default())
    }

    pub(super) async fn run(self, config: Config, terminal: &mut Terminal) -> Result<Exit, Error> {
        let public = [Some(self.listen), self.objects_listen].into_iter().flatten().find(|a| !a.ip().is_loopback());
        if let Some(address) = public.filter(|_| self.anonymous) {
            return Err(Error::usage(format!(
                "--anonymous lets everybody in who reaches {address}: it goes with a loopback address only"
            )));
        }
        let mut signals = Signals::new()?;
        let home = self.home().await?;
        let key_file = match &home {
            Home::Folder(data) => data.credentials(),
            Home::Shared(_) => PathBuf::new(),
        };
        let (callers, made) = match (&self.credentials, &home) {
            _ if self.anonymous => (Callers::Everybody(self.allow_host.clone()), false),
            (Some(path), _) => (Callers::Keys(Credentials::read(path)?), false),
            (None, Home::Folder(data)) => {
                let (credentials, made) = data.own_key()?;
                (Callers::Keys(credentials), made)
            }
            (None, Home::Shared(_)) => {
                let text = "--jobs: all nodes accept the same keys: name their file with --credentials";
                return Err(Error::usage(text));
            }
        };
        let own_key = !self.anonymous && self.credentials.is_none();
        let shown = match &callers {
            Callers::Keys(credentials) if made => secret_lines(credentials),
            _ if own_key => vec![format!("export COS_CREDENTIALS={}", quoted(&key_file.display().to_string()))],
            _ => Vec::new(),
        };
        let listen = Addresses { jobs: self.listen, objects: self.objects_listen, console: !self.no_console };
        let mut server = Server::start(home, &config, callers, listen, self.role).await?;
        let endpoint = format!("http://{}", server.address());
        if public.is_some() {
            tracing::warn!("requests and answers are not encrypted on the way: put TLS in front of a public address");
        }
        usage(terminal, &endpoint, made.then(|| key_file.display().to_string()), shown)?;
        if let Some(address) = server.objects_address() {
            terminal.line(&format!("objects on http://{address}"))?;
        }
        if server.has_console() {
            terminal.line(&format!("console on {endpoint}/console"))?;
        }
        terminal.line(&format!("listening on {endpoint}"))?;
        tokio::select! {
            name = signals.next() => tracing::info!("{name}: stopping; once more to stop at once"),
            error = server.failed() => return Err(error),
        }
        tokio::select! {
            () = server.shutdown() => tracing::info!("stopped"),
            name = signals.next() => tracing::warn!("{name}: stopped at once"),
        }
        Ok(Exit::Ok)
    }
}

impl Serve {
    async fn home(&self) -> Result<Home, Error> {
        let jobs = self.jobs.as_deref().filter(|url| !url.is_empty());
        if jobs.is_none() && self.role != Role::All {
            return Err(Error::usage("--role goes with --jobs: a server on its own does everything"));
        }
        if jobs.is_some() && self.objects_listen.is_some() {
            return Err(Error::usage("--objects-listen serves the folder of --data, which goes with no --jobs"));
        }
        match (&self.data, jobs) {
            (Some(_), Some(_)) => {
                Err(Error::usage("either --data or --jobs (COS_BATCH_JOBS): jobs are in a folder or in a database"))
            }
            (None, Some(url)) => {
                let variable = |name: &str| std::env::var(name).ok();
                let store = PostgresJobStore::open(url, variable, SystemClock).await;
                Ok(Home::Shared(Arc::new(store.map_err(|error| Error::other(format!("--jobs: {error}")))?)))
            }
            (Some(data), None) => Ok(Home::Folder(DataFolder::open(data)?)),
            (None, None) => Err(Error::usage("--data DIR, where jobs are kept, or --jobs URL must be given")),
        }
    }
}

/// The name of a host, without a port.
fn host_name(text: &str) -> Result<String, String> {
    let bare = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || text.len() > HOST_BYTES_MAX || !text.chars().all(bare) {
        return Err(format!("a name is 1–{HOST_BYTES_MAX} letters, digits, -, _ and ., without a port"));
    }
    Ok(text.to_owned())
}

/// Says how the other commands reach this server.
fn usage(terminal: &mut Terminal, endpoint: &str, made: Option<String>, mut lines: Vec<String>) -> Result<(), Error> {
    if lines.is_empty() {
        return Ok(());
    }
    if endpoint != ENDPOINT_DEFAULT {
        lines.insert(0, format!("export COS_BATCH_ENDPOINT={endpoint}"));
    }
    if let Some(file) = made {
        terminal.line(&format!("a key was made and is kept in {file}; it is shown only this once"))?;
    }
    terminal.line("in another shell:")?;
    for line in lines {
        terminal.line(&format!("  {line}"))?;
    }
    Ok(())
}

/// The one place where a secret is shown: that of a key that was made just now.
fn secret_lines(credentials: &Credentials) -> Vec<String> {
    let lines = credentials.keys.first().map(|key| {
        [
            format!("export COS_APPID={}", key.appid),
            format!("export COS_SECRET_ID={}", key.secret_id),
            format!("export COS_SECRET_KEY={}", key.secret_key.expose()),
        ]
    });
    lines.into_iter().flatten().collect()
}

/// A word of a shell's command line.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// What asks the server to stop.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(super) async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "interrupted",
        }
    }
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
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("try/credentials.toml"), "try/credentials.toml");
        assert_eq!(quoted("my files"), "'my files'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
