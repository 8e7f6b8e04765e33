//! Where PostgreSQL is, and as whom: what users of `psql` are used to.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use percent_encoding::percent_decode_str;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::{client::CHANNEL_END, tls::Trust};

/// The schema that is used where none is named.
const SCHEMA: &str = "cos_batch";

/// Longest name that PostgreSQL does not cut.
const IDENTIFIER_BYTES_MAX: usize = 63;

/// Longest name of a schema: with [`CHANNEL_END`] it names a channel.
const NAME_BYTES_MAX: usize = IDENTIFIER_BYTES_MAX - CHANNEL_END.len();

/// Connections of one node, where `pool_size` does not say otherwise.
const POOL_SIZE: usize = 16;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After so long without an acknowledgment the way to the server is taken to be broken.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(10);

/// An address of a job store, understood.
#[derive(Clone)]
pub(super) struct Options {
    /// What the client is told.
    pub(super) config: Config,
    /// Who the server may be.
    pub(super) trust: Trust,
    /// Where the tables are.
    pub(super) schema: String,
    /// Connections at most.
    pub(super) pool_size: usize,
}

/// Passwords stay out of what is logged.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options")
            .field("hosts", &self.config.get_hosts())
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

/// What may stand behind the `?` of an address that the client itself does not know.
#[derive(Default)]
struct Own {
    sslmode: Option<String>,
    root_cert: Option<String>,
    cert: Option<String>,
    key: Option<String>,
    passfile: Option<String>,
    schema: Option<String>,
    pool_size: Option<String>,
}

impl Options {
    /// Understands `postgres://user:password@host:port/database?name=value&…`, with what the environment says where the
    /// address says nothing.
    ///
    /// # Errors
    /// A sentence; it names no password.
    pub(super) fn parse(url: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("an address of PostgreSQL begins with postgres://".to_owned());
        }
        let (rest, own) = split(url)?;
        // Its message may quote the address, which has a password.
        let mut config: Config = rest.parse().map_err(|_| {
            "the address of PostgreSQL is not of the form postgres://USER@HOST:PORT/DATABASE?NAME=VALUE".to_owned()
        })?;
        from_environment(&mut config, &variable)?;
        if config.get_application_name().is_none() {
            config.application_name(variable("PGAPPNAME").unwrap_or_else(|| "cos-batch".to_owned()));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(NETWORK_TIMEOUT);
        }
        config.keepalives_idle(NETWORK_TIMEOUT);
        if config.get_password().is_none() {
            let named = own.passfile.or_else(|| variable("PGPASSFILE")).map(PathBuf::from);
            let file = named.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".pgpass")));
            if let Some(password) = file.as_deref().and_then(|file| password_of_file(file, &config)) {
                config.password(password);
            }
        }
        let sslmode = own.sslmode.or_else(|| variable("PGSSLMODE"));
        let root = own.root_cert.or_else(|| variable("PGSSLROOTCERT"));
        let (mode, trust) = Trust::named(sslmode.as_deref(), root.as_deref())?;
        let trust =
            trust.with_client(own.cert.or_else(|| variable("PGSSLCERT")), own.key.or_else(|| variable("PGSSLKEY")))?;
        // Where there are addresses, these are what is connected to, and hosts are only names.
        let local =
            config.get_hostaddrs().is_empty() && config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        config.ssl_mode(if local { SslMode::Disable } else { mode });
        let schema = own.schema.unwrap_or_else(|| SCHEMA.to_owned());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let begins_well = schema.starts_with(|c: char| !c.is_ascii_digit());
        if !schema.chars().all(plain) || !begins_well || schema.len() > NAME_BYTES_MAX || schema.starts_with("pg_") {
            return Err(format!(
                "schema: a name is 1\u{2013}{NAME_BYTES_MAX} lower-case letters, digits and _, and begins with no digit, \
                 nor with pg_"
            ));
        }
        let pool_size = match own.pool_size {
            Some(text) => text
                .parse()
                .ok()
                .filter(|size| (2..=1000).contains(size))
                .ok_or_else(|| "pool_size: must be from 2 to 1000 connections".to_owned())?,
            None => POOL_SIZE,
        };
        Ok(Self { config, trust, schema, pool_size })
    }
}

/// Takes out of an address what the client does not know.
fn split(url: &str) -> Result<(String, Own), String> {
    let mut own = Own::default();
    let Some((address, parameters)) = url.split_once('?') else { return Ok((url.to_owned(), own)) };
    let mut rest = Vec::new();
    for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let place = match name {
            "sslmode" => &mut own.sslmode,
            "sslrootcert" => &mut own.root_cert,
            "sslcert" => &mut own.cert,
            "sslkey" => &mut own.key,
            "passfile" => &mut own.passfile,
            "schema" => &mut own.schema,
            "pool_size" => &mut own.pool_size,
            _ => {
                rest.push(pair);
                continue;
            }
        };
        let value = percent_decode_str(value).decode_utf8().map_err(|_| format!("{name} is not UTF-8"))?;
        *place = Some(value.into_owned());
    }
    let joint = if rest.is_empty() { "" } else { "?" };
    Ok((format!("{address}{joint}{}", rest.join("&")), own))
}

/// Fills in what the address leaves open.
fn from_environment(config: &mut Config, variable: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        config.host(variable("PGHOST").unwrap_or_else(|| "/var/run/postgresql".to_owned()));
    }
    if config.get_ports().is_empty()
        && let Some(port) = variable("PGPORT")
    {
        config.port(port.parse().map_err(|_| "PGPORT is not a port".to_owned())?);
    }
    if config.get_user().is_none()
        && let Some(user) = variable("PGUSER").or_else(|| variable("USER"))
    {
        config.user(user);
    }
    if config.get_dbname().is_none()
        && let Some(name) = variable("PGDATABASE")
    {
        config.dbname(name);
    }
    if config.get_password().is_none()
        && let Some(password) = variable("PGPASSWORD")
    {
        config.password(password);
    }
    Ok(())
}

/// The password that a file of `host:port:database:user:password` lines has. One that others may read is ignored, as
/// `psql` does.
fn password_of_file(path: &Path, config: &Config) -> Option<String> {
    let mode = fs::metadata(path).ok()?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the file of passwords is ignored: others than its owner may use it");
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        _ => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432).to_string();
    let user = config.get_user().unwrap_or_default();
    let database = config.get_dbname().unwrap_or(user);
    password(&text, [&host, &port, database, user])
}

/// The password of the first line that fits.
fn password(text: &str, wanted: [&str; 4]) -> Option<String> {
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = fields(line).into_iter();
        let fits = wanted.iter().all(|wanted| fields.next().is_some_and(|field| field == "*" || field == *wanted));
        if fits && let Some(password) = fields.next() {
            return Some(password);
        }
    }
    None
}

/// Fields between colons; a backslash takes away the meaning of the next character.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '\\' => fields[last].extend(chars.next()),
            // The password is the rest of the line.
            ':' if fields.len() < 5 => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn an_address_says_all() {
        let url = "postgres://me:p%40ss@db.example:6432/jobs?schema=mine&pool_size=4&sslmode=require&connect_timeout=3";
        let options = Options::parse(url, nothing).unwrap();
        let config = &options.config;
        assert_eq!(config.get_hosts(), [Host::Tcp("db.example".to_owned())]);
        assert_eq!((config.get_ports(), config.get_user()), (&[6432][..], Some("me")));
        assert_eq!((config.get_password(), config.get_dbname()), (Some(&b"p@ss"[..]), Some("jobs")));
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!((options.schema.as_str(), options.pool_size), ("mine", 4));
        assert!(!format!("{options:?}").contains("p@ss"));
    }

    #[test]
    fn the_environment_says_the_rest() {
        let variable = |name: &str| {
            let value = match name {
                "PGHOST" => "10.0.0.1",
                "PGPORT" => "7",
                "PGUSER" => "them",
                "PGDATABASE" => "theirs",
                "PGPASSWORD" => "secret",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let options = Options::parse("postgres://", variable).unwrap();
        assert_eq!(options.config.get_hosts(), [Host::Tcp("10.0.0.1".to_owned())]);
        assert_eq!((options.config.get_user(), options.config.get_dbname()), (Some("them"), Some("theirs")));
        assert_eq!(options.config.get_password(), Some(&b"secret"[..]));
        let options = Options::parse("postgres://me:mine@there:8/own", variable).unwrap();
        assert_eq!((options.config.get_user(), options.config.get_password()), (Some("me"), Some(&b"mine"[..])));
        assert_eq!(options.config.get_ports(), [8]);
    }

    #[test]
    fn a_socket_needs_no_tls() {
        let options = Options::parse("postgres:///jobs?host=/run/pg&sslmode=require", nothing).unwrap();
        assert_eq!(options.config.get_hosts(), [Host::Unix("/run/pg".into())]);
        assert_eq!(options.config.get_ssl_mode(), SslMode::Disable);
    }

    /// An address without a name, or with one that looks like a folder, is reached over the network all the same.
    #[test]
    fn an_address_of_the_network_keeps_its_tls() {
        for url in [
            "postgres://me@/jobs?hostaddr=10.0.0.5&sslmode=verify-full",
            "postgres://me@/jobs?host=/run/pg&hostaddr=10.0.0.5&sslmode=require",
        ] {
            let options = Options::parse(url, nothing).unwrap();
            assert_eq!(options.config.get_ssl_mode(), SslMode::Require, "{url}");
        }
    }

    #[test]
    fn a_schema_names_a_channel_as_well() {
        let parse = |bytes| Options::parse(&format!("postgres://a/b?schema={}", "s".repeat(bytes)), nothing);
        let longest = parse(NAME_BYTES_MAX).unwrap();
        assert_eq!(super::super::client::channel(&longest.schema).len(), IDENTIFIER_BYTES_MAX);
        assert!(parse(NAME_BYTES_MAX + 1).unwrap_err().contains("1\u{2013}55"));
    }

    #[test]
    fn what_is_wrong_is_named_without_the_password() {
        for (url, expected) in [
            ("mysql://me:hush@a/b", "begins with postgres://"),
            ("postgres://me:hush@a:notaport/b", "not of the form"),
            ("postgres://me:hush@a/b?sslmode=maybe", "sslmode"),
            ("postgres://me:hush@a/b?sslmode=maybe&sslrootcert=system", "sslmode"),
            ("postgres://me:hush@a/b?sslmode=disable&sslrootcert=system", "verify-full"),
            ("postgres://me:hush@a/b?sslmode=prefer&sslrootcert=system", "verify-full"),
            ("postgres://me:hush@a/b?sslmode=require&sslrootcert=system", "verify-full"),
            ("postgres://me:hush@a/b?sslmode=verify-ca&sslrootcert=system", "verify-full"),
            ("postgres://me:hush@a/b?schema=A", "schema: a name is"),
            ("postgres://me:hush@a/b?schema=", "schema: a name is"),
            ("postgres://me:hush@a/b?schema=1a", "schema: a name is"),
            ("postgres://me:hush@a/b?pool_size=1", "pool_size: must be"),
            ("postgres://me:hush@a/b?unheard_of=1", "not of the form"),
        ] {
            let error = Options::parse(url, nothing).unwrap_err();
            assert!(error.contains(expected) && !error.contains("hush"), "{url}: {error}");
        }
    }

    #[test]
    fn a_file_of_passwords_is_read_as_psql_does() {
        let text = "# db:5432:*:me:wrong\nother:5432:*:me:no\ndb:*:jobs:me:a:b\\\\c\\:d\n*:*:*:*:last\n";
        assert_eq!(password(text, ["db", "5432", "jobs", "me"]).as_deref(), Some("a:b\\c:d"));
        assert_eq!(password(text, ["db", "5432", "else", "me"]).as_deref(), Some("last"));
        assert_eq!(password("a:1:b:c", ["a", "1", "b", "c"]), None);
        assert_eq!(password("a\\:b:1:b:c:p", ["a:b", "1", "b", "c"]).as_deref(), Some("p"));
    }

    #[test]
    fn a_file_that_others_may_read_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        fs::write(&path, "*:*:*:*:secret\n").unwrap();
        let url = format!("postgres://me@a/b?passfile={}", path.display());
        for (mode, expected) in [(0o644, None), (0o600, Some(&b"secret"[..]))] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let options = Options::parse(&url, nothing).unwrap();
            assert_eq!(options.config.get_password(), expected, "{mode:o}");
        }
    }
}
