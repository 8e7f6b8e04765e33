//! What requests are sent to, and what sends them.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, ensure};
use cos_batch_load::{
    Message,
    jobs::{self, APPID},
    layers::{SECRET_ID, SECRET_KEY},
    run::Taken,
};
use tempfile::TempDir;

use crate::{
    Settings,
    child::{READY, Server},
    cpu,
};

/// Programs, and a folder with a job store.
#[derive(Debug)]
pub struct Bed {
    programs: PathBuf,
    folder: TempDir,
    /// Ids of the jobs in the store.
    pub ids: Vec<String>,
}

/// What load did to a server.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Requests in a second.
    pub rate: f64,
    /// Processor time of the server for each, in microseconds.
    pub cpu: f64,
    /// Of 100 requests 99 were answered within so many microseconds.
    pub p99: f64,
}

impl Bed {
    /// Builds the programs, and fills a folder with so many complete jobs.
    ///
    /// # Errors
    ///
    /// What cannot be built or written.
    pub fn new(settings: &Settings, complete: usize) -> anyhow::Result<Self> {
        Self::with(settings, complete, 0)
    }

    /// As [`new`](Self::new), and so many jobs that wait for their confirmation.
    ///
    /// # Errors
    ///
    /// What cannot be built or written.
    pub fn with(settings: &Settings, complete: usize, waiting: usize) -> anyhow::Result<Self> {
        let programs = settings.programs(&["cos-batch", "cos-batch-load"])?;
        // Beside what is built, which is on a disk; a folder for temporary files often is not.
        let folder = tempfile::tempdir_in(&settings.target)?;
        let data = folder.path().join("data");
        fs::create_dir_all(data.join(format!("buckets/src-{APPID}/lists")))?;
        fs::create_dir_all(data.join(format!("buckets/dst-{APPID}")))?;
        let keys =
            format!("[[key]]\nsecret_id = \"{SECRET_ID}\"\nsecret_key = \"{SECRET_KEY}\"\nappid = \"{APPID}\"\n");
        let mut bed = Self { programs, folder, ids: Vec::new() };
        write_secret(&bed.keys(), &keys)?;
        let count = complete + waiting;
        if count > 0 {
            let mut fill = Command::new(bed.program("cos-batch-load"));
            fill.arg("fill").arg("--database").arg(bed.data().join("jobs.sqlite"));
            fill.args(["--jobs", &complete.to_string(), "--waiting", &waiting.to_string()]);
            bed.ids = output(&mut fill)?.lines().map(str::to_owned).collect();
            ensure!(bed.ids.len() == count, "{} jobs were made, not {count}", bed.ids.len());
        }
        Ok(bed)
    }

    /// A program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// The file with the key of all requests.
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("keys.toml")
    }

    /// The folder that is served.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The real server, with keys, and without a limit on the requests of one APPID. Its log goes into a file.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn serve(&self) -> anyhow::Result<Server> {
        self.start(&[])
    }

    /// The same with buckets in a store behind HTTP.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn serve_with_store(&self, address: &str, buckets: &[&str]) -> anyhow::Result<Server> {
        let mut config = format!(
            "[[store]]\nname = \"store\"\nkind = \"s3\"\nendpoint = \"http://{address}\"\nregion = \"local\"\n\
             style = \"path\"\nsecret_id = \"AKIDEXAMPLE\"\nsecret_key = \"exampleSecret\"\n"
        );
        for bucket in buckets {
            // Writing to a String cannot fail.
            let _ = write!(config, "\n[[bucket]]\nname = \"{bucket}\"\nstore = \"store\"\n");
        }
        let file = self.folder.path().join("config.toml");
        write_secret(&file, &config)?;
        self.start(&["--config".as_ref(), file.as_os_str()])
    }

    fn start(&self, options: &[&OsStr]) -> anyhow::Result<Server> {
        let log = fs::File::create(self.folder.path().join("log"))?;
        let mut command = Command::new(self.program("cos-batch"));
        command.arg("serve").arg("--data").arg(self.data()).args(["--listen", "127.0.0.1:0", "--credentials"]);
        // What is measured is what a server can do, and not what it lets one APPID do.
        command
            .arg(self.keys())
            .args(["--requests-per-second", "1000000"])
            .args(options)
            .env_remove("RUST_LOG")
            .stderr(Stdio::from(log));
        Server::start(&mut command, READY)
    }

    /// A server that does a part of that, and gives this answer.
    ///
    /// # Errors
    ///
    /// If it does not start.
    pub fn layer(&self, layer: &str, answer: &Message) -> anyhow::Result<Server> {
        let file = self.folder.path().join(format!("{layer}.json"));
        fs::write(&file, serde_json::to_string(answer)?)?;
        let mut command = Command::new(self.program("cos-batch-load"));
        command.arg("bare").arg("--answer").arg(file).args(["--layer", layer]);
        Server::start(&mut command, READY)
    }

    /// Signs requests to a server.
    ///
    /// # Errors
    ///
    /// If they cannot be signed.
    pub fn signer(&self, server: &Server) -> anyhow::Result<jobs::Signer> {
        let now = jiff::Timestamp::now().as_second();
        jobs::Signer::new(&server.address, SECRET_ID, SECRET_KEY, now)
    }

    /// Writes requests down, for [`load`](Self::load).
    ///
    /// # Errors
    ///
    /// If they cannot be written.
    pub fn requests(&self, name: &str, requests: &[Message]) -> anyhow::Result<PathBuf> {
        let lines: Vec<String> = requests.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        let file = self.folder.path().join(format!("{name}.requests"));
        fs::write(&file, lines.join("\n"))?;
        Ok(file)
    }

    /// Puts load on a server.
    ///
    /// # Errors
    ///
    /// If an answer is no success.
    pub fn load(&self, server: &Server, requests: &Path, options: &[&str]) -> anyhow::Result<(Measured, Taken)> {
        let mut command = Command::new(self.program("cos-batch-load"));
        command.args(["run", "--address", &server.address, "--requests"]).arg(requests).args(options);
        // What the server takes is read before and after, so that what it does for the warm-up counts on both sides.
        let before = cpu::of(server.id())?;
        let taken: Taken = serde_json::from_str(&output(&mut command)?)?;
        let used = cpu::of(server.id())? - before;
        let all = (taken.requests + taken.uncounted) as f64;
        let measured = Measured { rate: taken.requests as f64 / taken.seconds, cpu: used * 1e6 / all, p99: taken.p99 };
        Ok((measured, taken))
    }
}

/// What has a key in it must be for its owner alone.
fn write_secret(path: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = format!("{command:?}");
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("starting {shown}"))?;
    ensure!(output.status.success(), "{shown} failed: {}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}
