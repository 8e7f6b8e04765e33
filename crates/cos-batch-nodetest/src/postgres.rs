//! A PostgreSQL server that listens on a private socket, and on a free port of 127.0.0.1 if it is to be reached through a
//! proxy.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        net::UnixStream,
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Names a folder with `initdb` and `postgres`.
pub const BIN_VARIABLE: &str = "POSTGRES_BIN";

/// Where the packages of distributions put the programs, a folder for each version.
const PACKAGED: &str = "/usr/lib/postgresql";

/// How long a server may take to answer: a generous guard, it takes a fraction of a second.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// Ports that are tried at most.
const PORTS: u32 = 3;

/// Users that the server runs as when this process is root, which it refuses to be.
const USERS: [&str; 2] = ["postgres", "nobody"];

/// What the server is told.
const SETTINGS: [&str; 4] =
    ["max_connections=300", "shared_buffers=64MB", "log_min_messages=fatal", "autovacuum_naptime=5s"];

/// What it is told for tests, which kill its processes, not the machine, so that nothing needs to be on a disk.
const HASTY: [&str; 2] = ["fsync=off", "full_page_writes=off"];

/// A server of this process's own, with data in a temporary folder.
#[derive(Debug)]
pub struct Postgres {
    // Dropped last.
    folder: TempDir,
    bin: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    durable: bool,
    server: Option<Child>,
}

/// What a server has for TLS, as PEM.
#[derive(Clone, Copy, Debug)]
pub struct Tls<'a> {
    /// Its certificate.
    pub cert: &'a str,
    /// The certificate's key.
    pub key: &'a str,
    /// If clients over TCP have to show a certificate of their user: who vouches for it.
    pub client_root: Option<&'a str>,
}

/// Why there is no server.
#[derive(Debug)]
pub struct Failed(String);

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failed {}

fn failed(what: impl fmt::Display) -> impl FnOnce(io::Error) -> Failed {
    move |error| Failed(format!("{what}: {error}"))
}

impl Postgres {
    /// Makes a database cluster and starts a server on it, which would lose data with its machine.
    ///
    /// # Errors
    /// If there are no programs, or they fail.
    pub fn start() -> Result<Self, Failed> {
        Self::make(false)
    }

    /// The same with a server that writes what it commits to the disk, to be measured.
    ///
    /// # Errors
    /// If there are no programs, or they fail.
    pub fn start_durable() -> Result<Self, Failed> {
        Self::make(true)
    }

    /// The same as [`start`](Self::start) with TLS for whoever comes over TCP and wants it.
    ///
    /// # Errors
    /// If there are no programs, or they fail.
    pub fn start_with_tls(tls: &Tls<'_>) -> Result<Self, Failed> {
        let mut this = Self::make(false)?;
        this.stop()?;
        this.add_secret("server.crt", tls.cert)?;
        this.add_secret("server.key", tls.key)?;
        let mut settings = "ssl = on\n".to_owned();
        if let Some(root) = tls.client_root {
            this.add_secret("root.crt", root)?;
            settings.push_str("ssl_ca_file = 'root.crt'\n");
            let rules = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n";
            fs::write(this.data().join("pg_hba.conf"), rules).map_err(failed("pg_hba.conf"))?;
        }
        let path = this.data().join("postgresql.conf");
        let mut file = fs::OpenOptions::new().append(true).open(path).map_err(failed("postgresql.conf"))?;
        file.write_all(settings.as_bytes()).map_err(failed("postgresql.conf"))?;
        this.resume()?;
        Ok(this)
    }

    /// A file beside the data that only the server reads.
    fn add_secret(&self, name: &str, text: &str) -> Result<(), Failed> {
        let path = self.data().join(name);
        fs::write(&path, text).map_err(failed(name))?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed(name))?;
        match self.user {
            Some((uid, gid)) => chown(&path, Some(uid), Some(gid)).map_err(failed(name)),
            None => Ok(()),
        }
    }

    fn make(durable: bool) -> Result<Self, Failed> {
        let bin = programs()?;
        let folder = tempfile::Builder::new().prefix("pg").tempdir().map_err(failed("a temporary folder"))?;
        let user = other_user();
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid)).map_err(failed("the temporary folder"))?;
        }
        let mut this = Self { folder, bin, user, port: 0, durable, server: None };
        let data = this.data();
        let made = this
            .command("initdb")
            .args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=trust", "--username=test", "--pgdata"])
            .arg(&data)
            .stdout(Stdio::null())
            .output()
            .map_err(failed("initdb"))?;
        if !made.status.success() {
            return Err(Failed(format!("initdb: {}", String::from_utf8_lossy(&made.stderr))));
        }
        // Somebody else may get the port in between.
        for _ in 1..PORTS {
            this.port = free_port().map_err(failed("a free port"))?;
            if this.resume().is_ok() {
                return Ok(this);
            }
            this.server = None;
        }
        this.port = free_port().map_err(failed("a free port"))?;
        this.resume()?;
        Ok(this)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.stdin(Stdio::null()).current_dir(self.folder.path());
        // Settings of whoever runs the tests are not for this server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid).env("HOME", self.folder.path());
        }
        command
    }

    /// Starts the server, unless it runs, and waits until it answers.
    ///
    /// # Errors
    /// If it ends, or does not answer in time.
    pub fn resume(&mut self) -> Result<(), Failed> {
        if self.server.is_some() {
            return Ok(());
        }
        let log = self.folder.path().join("log");
        let file = fs::OpenOptions::new().create(true).append(true).open(&log).map_err(failed("the log"))?;
        let data = self.data();
        let mut command = self.command("postgres");
        command.arg("-D").arg(&data).arg("-k").arg(self.folder.path()).args(["-h", "127.0.0.1", "-p"]);
        command.arg(self.port.to_string());
        let hasty = if self.durable { &[][..] } else { &HASTY[..] };
        for setting in SETTINGS.iter().chain(hasty) {
            command.args(["-c", setting]);
        }
        let child = command.stdout(Stdio::null()).stderr(file).spawn().map_err(failed("postgres"))?;
        let child = self.server.insert(child);
        let socket = self.folder.path().join(format!(".s.PGSQL.{}", self.port));
        let begun = Instant::now();
        loop {
            if answers(&socket) {
                return Ok(());
            }
            let ended = child.try_wait().map_err(failed("postgres"))?;
            if ended.is_some() || begun.elapsed() > START_TIMEOUT {
                let log = fs::read_to_string(&log).unwrap_or_default();
                return Err(Failed(format!("postgres does not answer: {log}")));
            }
            std::thread::yield_now();
        }
    }

    /// Stops the server as an operator does who is in a hurry: what is under way is undone.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn stop(&mut self) -> Result<(), Failed> {
        self.end("-INT")
    }

    /// Kills the server and all its processes: the next start recovers from the log.
    ///
    /// # Errors
    /// If it cannot be told.
    pub fn kill(&mut self) -> Result<(), Failed> {
        // To its first process this means the same for the others.
        self.end("-QUIT")
    }

    fn end(&mut self, signal: &str) -> Result<(), Failed> {
        let Some(mut child) = self.server.take() else { return Ok(()) };
        let told = Command::new("kill").args([signal, &child.id().to_string()]).status();
        if !told.map_err(failed("kill"))?.success() {
            let _ = child.kill();
        }
        child.wait().map_err(failed("postgres"))?;
        Ok(())
    }

    /// The address of the server over its socket, for a job store in this schema.
    #[must_use]
    pub fn url(&self, schema: &str) -> String {
        let (folder, port) = (self.folder.path().display(), self.port);
        format!("postgres://test@/postgres?host={folder}&port={port}&schema={schema}")
    }

    /// The address over some port of 127.0.0.1, such as that of a [`Proxy`](crate::Proxy).
    #[must_use]
    pub fn url_at(&self, port: u16, schema: &str) -> String {
        format!("postgres://test@127.0.0.1:{port}/postgres?schema={schema}")
    }

    /// The port of 127.0.0.1 that it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Carries out SQL, and gives what comes of it as lines of columns with `|` between.
    ///
    /// # Errors
    /// What the server says.
    pub fn sql(&self, text: &str) -> Result<String, Failed> {
        let folder = self.folder.path().display().to_string();
        let mut child = self
            .command("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "test", "-d", "postgres", "-f", "-", "-h"])
            .args([folder.as_str(), "-p", &self.port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed("psql"))?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(text.as_bytes()).map_err(failed("psql"))?;
        }
        let output = child.wait_with_output().map_err(failed("psql"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
        } else {
            Err(Failed(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }

    /// The process id of the server, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // Nobody needs what it would write in a slower end.
        let _ = self.kill();
    }
}

/// Whether a server takes sessions: it answers the first message with anything but "starting up".
fn answers(socket: &Path) -> bool {
    let ask = || -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(START_TIMEOUT))?;
        let parameters = b"user\0test\0database\0postgres\0\0";
        let length = u32::try_from(8 + parameters.len()).map_err(io::Error::other)?;
        let mut message = length.to_be_bytes().to_vec();
        message.extend_from_slice(&0x0003_0000u32.to_be_bytes());
        message.extend_from_slice(parameters);
        stream.write_all(&message)?;
        let mut kind = [0];
        stream.read_exact(&mut kind)?;
        Ok(kind == *b"R")
    };
    ask().unwrap_or(false)
}

/// The folder of the server's programs.
fn programs() -> Result<PathBuf, Failed> {
    let here = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if let Some(folder) = std::env::var_os(BIN_VARIABLE) {
        let folder = PathBuf::from(folder);
        let shown = folder.display().to_string();
        return if here(&folder) { Ok(folder) } else { Err(Failed(format!("{BIN_VARIABLE}: no initdb in {shown}"))) };
    }
    let mut packaged: Vec<PathBuf> = fs::read_dir(PACKAGED)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| here(folder))
        .collect();
    packaged.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).find(|folder| here(folder));
    packaged.pop().or(on_path).ok_or_else(|| {
        Failed(format!(
            "there is no PostgreSQL: install its server (Debian and Ubuntu: `apt install postgresql`), or name the folder \
             of initdb in the variable {BIN_VARIABLE}"
        ))
    })
}

/// Whom root lets the server run as; none where this process is not root.
fn other_user() -> Option<(u32, u32)> {
    let folder = tempfile::tempdir().ok()?;
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(folder.path()).ok()?);
    if owner != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").ok()?;
    USERS.iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Ticks a second in `/proc` on every Linux that Rust runs on (`USER_HZ`).
const TICKS: f64 = 100.0;

impl Postgres {
    /// Processor time that its processes have used which run now, in seconds; none where the system does not tell.
    #[must_use]
    pub fn processor_seconds(&self) -> Option<f64> {
        let first = self.id()?;
        let mut ticks = 0.0;
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // After the name in parentheses: the parent is the second field, user time the 12th, system time the 13th.
            let Some((_, rest)) = stat.rsplit_once(')') else { continue };
            let fields: Vec<f64> = rest.split_whitespace().skip(1).map_while(|field| field.parse().ok()).collect();
            if id == first || fields.first().is_some_and(|parent| *parent == f64::from(first)) {
                ticks += fields.get(10).copied().unwrap_or_default() + fields.get(11).copied().unwrap_or_default();
            }
        }
        Some(ticks / TICKS)
    }
}
