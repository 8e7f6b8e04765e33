//! One batch job from beginning to end, on a server of its own with the default configuration.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use md5::{Digest as _, Md5};

use crate::child::{READY, Server};

/// The bucket that is copied from.
pub const SOURCE: &str = "from-1250000000";

/// The bucket that is copied to.
pub const TARGET: &str = "to-1250000000";

/// Where the source bucket has the manifest.
pub const MANIFEST: &str = "lists/all.csv";

/// Key id and secret for stores behind HTTP.
pub const KEY: (&str, &str) = ("AKIDEXAMPLE", "exampleSecret");

/// What a job took.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// From before it was created until its end was seen, which is asked for about once a second by a long job and more
    /// often by a short one.
    pub seconds: f64,
    /// Of the server, in all its threads.
    pub cpu_seconds: f64,
    /// Of the server, bytes.
    pub peak_memory: u64,
}

/// The key of a row.
pub fn key(row: u64) -> String {
    format!("{row:08}")
}

/// A manifest of so many rows, each of another object.
pub fn manifest(rows: u64, key: impl Fn(u64) -> String) -> Vec<u8> {
    let text = (0..rows).fold(String::new(), |mut text, row| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{SOURCE},{}", key(row));
        text
    });
    text.into_bytes()
}

/// The ETag of an object with this content.
pub fn etag(content: &[u8]) -> String {
    Md5::digest(content).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A configuration with a store in the dialect of S3 at this address, where these buckets are.
pub fn config_of(address: &str, buckets: &[&str]) -> String {
    let (id, secret) = KEY;
    let mut text = format!(
        "[[store]]\nname = \"other\"\nkind = \"s3\"\nendpoint = \"http://{address}\"\nregion = \"local\"\nstyle = \"path\"\n\
         secret_id = \"{id}\"\nsecret_key = \"{secret}\"\n"
    );
    for bucket in buckets {
        let _ = write!(text, "\n[[bucket]]\nname = \"{bucket}\"\nstore = \"other\"\n");
    }
    text
}

/// A server of the program under test.
#[derive(Debug)]
pub struct Serving {
    programs: PathBuf,
    data: PathBuf,
    server: Server,
}

impl Serving {
    /// Starts it with this data folder, and with a configuration if one is given.
    ///
    /// # Errors
    ///
    /// If it cannot be started.
    pub fn start(programs: &Path, data: &Path, config: Option<&str>) -> anyhow::Result<Self> {
        fs::create_dir_all(data)?;
        let mut serve = Command::new(programs.join("cos-batch"));
        serve.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).stderr(Stdio::null());
        if let Some(config) = config {
            let file = data.with_extension("toml");
            fs::write(&file, config)?;
            // It has a key in it, which must be for its owner alone.
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
            serve.arg("--config").arg(file);
        }
        let server = Server::start(&mut serve, READY)?;
        Ok(Self { programs: programs.to_owned(), data: data.to_owned(), server })
    }

    /// Runs a job that copies what the manifest with this ETag lists, and reports on each object.
    ///
    /// # Errors
    ///
    /// If one task or the whole job fails.
    pub fn copy(&self, target: &str, etag: &str) -> anyhow::Result<Taken> {
        let before = self.server.cpu_seconds()?;
        let begin = Instant::now();
        let mut create = Command::new(self.programs.join("cos-batch"));
        create.env("COS_BATCH_ENDPOINT", format!("http://{}", self.server.address));
        create.env("COS_CREDENTIALS", self.data.join("credentials.toml"));
        create.args(["create", "--wait", "--operation", "copy", "--target", target, "--etag", etag]);
        create.args(["--manifest", &format!("{SOURCE}/{MANIFEST}")]);
        create.args(["--report-bucket", target, "--report-prefix", "reports"]);
        let output = create.output().context("starting cos-batch create")?;
        let seconds = begin.elapsed().as_secs_f64();
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success(), "the job failed: {said}{}", String::from_utf8_lossy(&output.stderr));
        Ok(Taken { seconds, cpu_seconds: self.server.cpu_seconds()? - before, peak_memory: self.server.peak_memory()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_each_object_once() {
        assert_eq!(manifest(2, key), b"from-1250000000,00000000\nfrom-1250000000,00000001\n");
        assert_eq!(etag(b""), "d41d8cd98f00b204e9800998ecf8427e");
    }
}
