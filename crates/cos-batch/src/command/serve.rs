//! `cos-batch serve`

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use cos_batch_engine::SystemClock;
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_model::JobStatus;
use cos_batch_server::rate::RateLimit;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::{
    config::{
        self, Config, EngineFlags, Flags, Given, LOG_DEFAULT, LocalGiven, Origin, Role, Settings, SpoolGiven,
        TracesGiven, WebhookGiven, address, host_name, requests, without_password,
    },
    connection::ENDPOINT_DEFAULT,
    credentials::Credentials,
    exit::{Error, Exit},
    logging::{LogFormat, Selection, format_of_environment},
    output::Terminal,
    serve::{Addresses, Callers, DataFolder, Home, Server, notify},
};

/// Run a server, on a local folder or as one of many nodes.
///
/// A bucket is a folder below DIR/buckets, made with mkdir; an object is a file in it. The end of a bucket's name says
/// to which APPID it belongs, as in photos-1250000000. Jobs are kept in DIR too, and go on at the next start.
///
/// Without --credentials a key is made at the first start and kept in DIR/credentials.toml.
///
/// With --jobs instead of --data, jobs are kept in a PostgreSQL database that any number of such servers share; what they
/// need for that stands in docs/operations.md.
///
/// Each setting may also stand in [serve] of the file of --config, or in a variable of the environment; a flag goes before
/// a variable, and that before the file. SIGHUP lets the server read its keys and its log filter again.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Folder with the buckets and all state; made if there is none
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Database with the jobs, which other nodes share: postgres://USER@HOST:PORT/DATABASE, with what psql knows behind a ?.
    /// A password is better kept in PGPASSWORD or ~/.pgpass
    #[arg(long, value_name = "URL")]
    jobs: Option<String>,
    /// With --jobs: what this node does
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Role>,
    /// Address and port to listen on, 127.0.0.1:9450 if not given; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Address and port of the object endpoint, for the SDKs of COS; there is none without this option. Port 0 takes any
    /// free one
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    objects_listen: Option<SocketAddr>,
    /// No web console. It is at /console of the address to listen on if that is a loopback address, for those who have a
    /// key that is accepted
    #[arg(long)]
    no_console: bool,
    /// Address and port of /metrics, for Prometheus; there is none without this option. Whoever reaches it may read it
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    metrics_listen: Option<SocketAddr>,
    /// TOML file with the keys to accept: [[key]] with secret_id, secret_key, appid and maybe uin, account_id and
    /// security_token; [[bucket]] with name and owner; [[grant]] with bucket, appid and rights, a list of read, write, delete
    #[arg(long, value_name = "FILE", conflicts_with = "anonymous")]
    credentials: Option<PathBuf>,
    /// TOML file with the stores that objects are in besides DIR, which bucket is in which, and how the engine works:
    /// [serve], [[store]], [[bucket]], local_buckets, [spool], [engine], [[appid]], [functions.NAME], [webhook] and [traces], as
    /// docs/configuration.md has it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Accept requests that are not signed, of any APPID; only on a loopback address
    #[arg(long)]
    anonymous: bool,
    /// With --anonymous: also accept requests to the host NAME, such as the name of a container; give it again for more.
    /// Only names that nobody else can make mean this machine
    #[arg(long, value_name = "NAME", value_parser = host_name)]
    allow_host: Vec<String>,
    /// What requests of one APPID may cost in a second, in looks at one job: a change costs ten, a list more the longer it is.
    /// What is more waits, and is refused (SlowDown) if it would wait for over a second; 2500 for each processor if not given
    #[arg(long, value_name = "N", value_parser = requests)]
    requests_per_second: Option<NonZeroU32>,
    /// What they may cost at once after a pause; twice as much as in a second if not given
    #[arg(long, value_name = "N", value_parser = requests)]
    requests_burst: Option<NonZeroU32>,
    /// Address of a collector that traces are sent to by OTLP over HTTP, such as http://127.0.0.1:4318; in a program that was
    /// built with the feature otel
    #[arg(long, value_name = "URL", value_parser = config::endpoint)]
    traces_endpoint: Option<String>,
    /// What this server is called in traces; cos-batch if not given
    #[arg(long, value_name = "NAME", value_parser = config::service_name)]
    traces_service_name: Option<String>,
    /// Which part of the traces is kept, from 0 to 1; all if not given
    #[arg(long, value_name = "RATIO", value_parser = config::sample_ratio)]
    traces_sample_ratio: Option<f64>,
    /// Whether buckets that the file of --config does not name are folders below DIR/buckets
    #[arg(long, value_name = "BOOL", value_parser = config::boolean)]
    local_buckets: Option<bool>,
    /// The [[store]] that has the bucket for what becomes reports; with --data it is in DIR if not given
    #[arg(long, value_name = "STORE")]
    spool_store: Option<String>,
    /// That bucket, as the store calls it
    #[arg(long, value_name = "BUCKET")]
    spool_bucket: Option<String>,
    /// Variable that has the secret which webhooks are signed with
    #[arg(long, value_name = "NAME")]
    webhook_secret_env: Option<String>,
    /// Statuses of jobs that are told to the webhook, with commas between; all if not given
    #[arg(long, value_name = "STATUSES", value_parser = config::statuses)]
    webhook_statuses: Option<Statuses>,
    /// What is logged to the error output: error, warn, info, debug, or a filter such as cos_batch_engine=debug
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How log lines look: for people (text, unless told otherwise) or one JSON object a line (json)
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    #[command(flatten)]
    engine: EngineFlags,
}

/// One value of a flag, and not a value for each.
type Statuses = Vec<JobStatus>;

impl Serve {
    /// How log lines look, as far as the flag and the environment say it.
    pub(super) fn log_format(&self) -> LogFormat {
        self.log_format.or_else(format_of_environment).unwrap_or_default()
    }

    /// The settings that hold, of all that say something.
    pub(super) fn settings(self) -> Result<Settings, Error> {
        let file = self.config.clone();
        let traces = TracesGiven {
            endpoint: self.traces_endpoint.clone(),
            service_name: self.traces_service_name.clone(),
            sample_ratio: self.traces_sample_ratio,
        };
        // An address of a webhook, and its secret, are in no flag: whoever lists processes sees those.
        let webhook = WebhookGiven {
            url: None,
            secret: None,
            secret_env: self.webhook_secret_env.clone(),
            statuses: self.webhook_statuses.clone(),
        };
        let other = Flags {
            local: LocalGiven { local_buckets: self.local_buckets },
            spool: SpoolGiven { store: self.spool_store.clone(), bucket: self.spool_bucket.clone() },
            engine: self.engine.clone().into(),
            webhook,
        };
        Settings::read(self.given(), traces, other, file)
    }

    /// What the flags say.
    fn given(self) -> Given {
        Given {
            data: self.data,
            jobs: self.jobs.filter(|url| !url.is_empty()),
            role: self.role,
            listen: self.listen,
            objects_listen: self.objects_listen,
            metrics_listen: self.metrics_listen,
            console: self.no_console.then_some(false),
            credentials: self.credentials,
            anonymous: self.anonymous.then_some(true),
            allow_host: Some(self.allow_host).filter(|hosts| !hosts.is_empty()),
            requests_per_second: self.requests_per_second,
            requests_burst: self.requests_burst,
            log: self.log.filter(|text| !text.is_empty()),
            log_format: self.log_format,
        }
    }
}

/// Runs a server until it is told to stop.
pub(super) async fn run(
    settings: Settings,
    selection: Option<Selection>,
    terminal: &mut Terminal,
) -> Result<Exit, Error> {
    let given = &settings.given;
    settings.check()?;
    let mut signals = Signals::new()?;
    let home = home(given).await?;
    let key_file = match &home {
        Home::Folder(data) => data.credentials(),
        Home::Shared(_) => PathBuf::new(),
    };
    let (callers, made) = match (&given.credentials, &home) {
        _ if settings.anonymous() => (Callers::Everybody(given.allow_host.clone().unwrap_or_default()), false),
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
    let own_key = !settings.anonymous() && given.credentials.is_none();
    let shown = match &callers {
        Callers::Keys(credentials) if made && terminal.draws() => secret_lines(credentials),
        _ if own_key => vec![format!("export COS_CREDENTIALS={}", quoted(&key_file.display().to_string()))],
        _ => Vec::new(),
    };
    let keys = match &callers {
        Callers::Everybody(_) => None,
        Callers::Keys(_) => Some(given.credentials.clone().unwrap_or_else(|| key_file.clone())),
    };
    let listen = Addresses {
        jobs: settings.listen(),
        objects: given.objects_listen,
        metrics: given.metrics_listen,
        console: given.console.unwrap_or(true),
    };
    let mut server =
        Server::start(home, &settings.config, callers, listen, settings.role(), RateLimit::new(settings.rate()))
            .await?;
    let endpoint = format!("http://{}", server.address());
    if [Some(settings.listen()), given.objects_listen].into_iter().flatten().any(|a| !a.ip().is_loopback()) {
        tracing::warn!("requests and answers are not encrypted on the way: put TLS in front of a public address");
    }
    let mut lines = usage(&endpoint, made.then(|| made_key(&key_file, terminal.draws())), shown);
    lines.extend(server.metrics_address().map(|address| format!("metrics on http://{address}/metrics")));
    lines.extend(server.objects_address().map(|address| format!("objects on http://{address}")));
    lines.extend(server.has_console().then(|| format!("console on {endpoint}/console")));
    lines.push(format!("listening on {endpoint}"));
    // A server goes on where nobody reads what it says.
    Exit::Ok.after(terminal.line(&lines.join("\n")).map_err(Error::from))?;
    notify::tell("READY=1");
    loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Reload => {
                    notify::tell(&notify::reloading());
                    reload(&settings, &server, keys.as_deref(), selection.as_ref());
                    notify::tell("READY=1");
                }
                Asked::Stop(name) => {
                    tracing::info!("{name}: stopping; once more to stop at once");
                    break;
                }
            },
            error = server.failed() => return Err(error),
        }
    }
    notify::tell("STOPPING=1");
    let mut stopping = std::pin::pin!(server.shutdown());
    loop {
        tokio::select! {
            () = &mut stopping => {
                tracing::info!("stopped");
                break;
            }
            asked = signals.next() => if let Asked::Stop(name) = asked {
                tracing::warn!("{name}: stopped at once");
                break;
            },
        }
    }
    Ok(Exit::Ok)
}

/// Where jobs are kept.
async fn home(given: &Given) -> Result<Home, Error> {
    match (&given.data, &given.jobs) {
        (_, Some(url)) => {
            let variable = |name: &str| std::env::var(name).ok();
            let store = PostgresJobStore::open(url, variable, SystemClock).await;
            Ok(Home::Shared(Arc::new(
                store.map_err(|error| Error::other(format!("--jobs {}: {error}", without_password(url))))?,
            )))
        }
        (Some(data), None) => Ok(Home::Folder(DataFolder::open(data)?)),
        (None, None) => Err(Error::usage("--data DIR, where jobs are kept, or --jobs URL must be given")),
    }
}

/// Reads again what can change while the server runs: the keys, and the log filter of the file. What cannot be read
/// changes nothing.
fn reload(settings: &Settings, server: &Server, keys: Option<&Path>, selection: Option<&Selection>) {
    if let Some(path) = keys {
        match Credentials::read(path) {
            Ok(credentials) => {
                server.accept(&credentials);
                tracing::info!(
                    keys = credentials.keys.len(),
                    "keys were read again; grants and owners hold from the next start"
                );
            }
            Err(error) => tracing::error!(%error, "the keys cannot be read: those of before are still accepted"),
        }
    }
    let Some(path) = &settings.file else { return };
    let config = match Config::read(path) {
        Ok(config) => config,
        Err(error) => return tracing::error!(%error, "the configuration cannot be read, and stays as it was"),
    };
    if settings.origins.log == Origin::File || settings.origins.log == Origin::Default {
        let directives = config.serve().log.as_deref().unwrap_or(LOG_DEFAULT);
        match selection.map(|selection| selection.set(directives)) {
            Some(Err(error)) => tracing::error!(%error, "the log filter stays as it was"),
            _ => tracing::info!(
                directives,
                "the log filter was read again; all else of the file holds from the next start"
            ),
        }
    }
}

/// How the other commands reach this server.
fn usage(endpoint: &str, made: Option<String>, exports: Vec<String>) -> Vec<String> {
    let mut lines = Vec::new();
    if exports.is_empty() {
        return lines;
    }
    lines.extend(made);
    lines.push("in another shell:".to_owned());
    if endpoint != ENDPOINT_DEFAULT {
        lines.push(format!("  export COS_BATCH_ENDPOINT={endpoint}"));
    }
    lines.extend(exports.into_iter().map(|line| format!("  {line}")));
    lines
}

/// What is said of a key that was made just now. What does not go to a terminal is kept in a file, a journal, for others to read.
fn made_key(file: &Path, shown: bool) -> String {
    let once = if shown { "; it is shown only this once" } else { "" };
    format!("a key was made and is kept in {}{once}", file.display())
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

/// What the server is asked to do.
pub(super) enum Asked {
    /// By the signal of this name.
    Stop(&'static str),
    Reload,
}

/// What asks the server to do something.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn new() -> Result<Self, Error> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::Stop("SIGTERM"),
            _ = self.interrupt.recv() => Asked::Stop("interrupted"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        assert_eq!(quoted("try/credentials.toml"), "try/credentials.toml");
        assert_eq!(quoted("my files"), "'my files'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
