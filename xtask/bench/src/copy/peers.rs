//! Programs of others that copy objects from one bucket to another.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Result;

use crate::{
    child::{self, Usage},
    job::{KEY, SOURCE},
};

/// What all of them are told of a store.
pub struct Store<'a> {
    /// Folder of their programs.
    pub programs: &'a Path,
    /// Host and port of the store.
    pub address: &'a str,
    /// A folder for lists.
    pub scratch: &'a Path,
}

impl Store<'_> {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.env("AWS_ACCESS_KEY_ID", KEY.0).env("AWS_SECRET_ACCESS_KEY", KEY.1).env("AWS_REGION", "local");
        // Nobody asks the machines of a cloud for keys.
        command.env("AWS_EC2_METADATA_DISABLED", "true").stderr(Stdio::null());
        command
    }

    fn s5cmd(&self) -> Result<Command> {
        let mut command = self.command(&s5cmd(self.programs)?.display().to_string());
        command.args(["--endpoint-url", &format!("http://{}", self.address), "--log", "error"]);
        Ok(command)
    }

    /// A list of commands, one for each object.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or a copy fails.
    pub fn s5cmd_run(&self, workers: u32, target: &str, keys: impl Iterator<Item = String>) -> Result<Usage> {
        let list = keys.fold(String::new(), |mut list, key| {
            // Writing to a String cannot fail.
            let _ = writeln!(list, "cp s3://{SOURCE}/{key} s3://{target}/{key}");
            list
        });
        let file = self.scratch.join("s5cmd.txt");
        fs::write(&file, list)?;
        child::run(self.s5cmd()?.args(["--numworkers", &workers.to_string(), "run"]).arg(file))
    }

    /// Whatever the bucket lists below a prefix.
    ///
    /// # Errors
    ///
    /// If a copy fails.
    pub fn s5cmd_wildcard(&self, target: &str, prefix: &str) -> Result<Usage> {
        let (from, to) = (format!("s3://{SOURCE}/{prefix}*"), format!("s3://{target}/"));
        child::run(self.s5cmd()?.args(["cp", &from, &to]))
    }

    /// Threads that take keys from a list.
    ///
    /// # Errors
    ///
    /// If a copy fails.
    pub fn boto3(
        &self,
        script: &Path,
        threads: u32,
        target: &str,
        keys: impl Iterator<Item = String>,
    ) -> Result<Usage> {
        let file = self.scratch.join("boto3.txt");
        fs::write(&file, keys.collect::<Vec<_>>().join("\n"))?;
        let mut command = self.command("python");
        command.arg(script).args([&format!("http://{}", self.address), SOURCE, target, &threads.to_string()]).arg(file);
        child::run(&mut command)
    }

    /// Whatever the bucket lists below a prefix.
    ///
    /// # Errors
    ///
    /// If a copy fails.
    pub fn rclone(&self, transfers: u32, target: &str, prefix: &str) -> Result<Usage> {
        let remote = format!(
            ":s3,provider=Other,env_auth=true,region=local,no_check_bucket=true,endpoint='http://{}':",
            self.address
        );
        let mut command = self.command(&rclone(self.programs).display().to_string());
        command.args(["copy", "--config", "", "--transfers", &transfers.to_string(), "--ignore-times"]);
        command.args([format!("{remote}{SOURCE}/{prefix}"), format!("{remote}{target}/{prefix}")]);
        child::run(&mut command)
    }
}

/// Where its package has the program itself: what lies beside the interpreter is a script in Python that starts it.
///
/// # Errors
///
/// If the package is not there.
fn s5cmd(programs: &Path) -> Result<PathBuf> {
    for version in fs::read_dir(programs.with_file_name("lib"))? {
        let program = version?.path().join("site-packages/s5cmd/bin/s5cmd");
        if program.exists() {
            return Ok(program);
        }
    }
    anyhow::bail!("the package s5cmd is not below {}", programs.display())
}

/// Where its package has the program.
pub fn rclone(programs: &Path) -> PathBuf {
    programs.join("rclone")
}
