//! A program that listens, as a child process: started, and ended with the value.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};

/// How the programs of this workspace say that they are ready.
const READY: &str = "listening on http://";

/// How long a server of this machine may take to answer one request before it counts as broken.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// A running program.
pub(crate) struct Listener {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Listener {
    /// Starts it and waits until it listens.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or ends before it listens.
    pub(crate) fn start(command: &mut Command) -> anyhow::Result<Self> {
        let shown = format!("{command:?}");
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {shown}"))?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        for line in lines.by_ref() {
            if let Some(address) = line?.strip_prefix(READY) {
                let address = address.to_owned();
                return Ok(Self { child, address });
            }
        }
        bail!("{shown} ended before it listened: {}", child.wait()?)
    }

    /// The most memory it had so far, in bytes of resident set.
    ///
    /// # Errors
    ///
    /// Where the system does not tell: only Linux does.
    pub(crate) fn peak_memory(&self) -> anyhow::Result<u64> {
        self.memory("VmHWM:")
    }

    /// The memory that it holds for itself now, in bytes: its resident set without pages of files, of which the program's own
    /// text is most. The system reads those when they are needed and drops them when it likes.
    ///
    /// # Errors
    ///
    /// Where the system does not tell: only Linux does.
    pub(crate) fn own_memory(&self) -> anyhow::Result<u64> {
        self.memory("RssAnon:")
    }

    fn memory(&self, name: &str) -> anyhow::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).context("reading /proc")?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).context("a field is missing in /proc")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }

    /// Processor time it has used so far, in seconds, of both kinds.
    ///
    /// # Errors
    ///
    /// Where the system does not tell: only Linux does.
    pub(crate) fn processor_seconds(&self) -> anyhow::Result<f64> {
        /// Ticks a second in `/proc` on every Linux that Rust runs on (`USER_HZ`).
        const TICKS: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).context("reading /proc")?;
        // After the name in parentheses, which may have spaces: user time is the 12th field, system time the 13th.
        let (_, rest) = stat.rsplit_once(')').context("no name in /proc")?;
        let ticks: Vec<f64> = rest.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        Ok(ticks.iter().sum::<f64>() / TICKS)
    }

    /// What a store that does not look at signatures answers to a GET.
    ///
    /// # Errors
    ///
    /// If it cannot be reached or does not answer 200.
    pub(crate) fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let head = format!("GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.address);
        stream.write_all(head.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(body.to_owned()),
            _ => bail!("GET {path} was answered: {}", answer.lines().next().unwrap_or("nothing")),
        }
    }

    /// Puts an object into a store that does not look at signatures.
    ///
    /// # Errors
    ///
    /// If it cannot be reached or does not answer 200.
    pub(crate) fn put(&self, path: &str, body: &[u8]) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
        let head = format!(
            "PUT {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body)?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if !answer.starts_with("HTTP/1.1 200") {
            bail!("PUT {path} was answered: {}", answer.lines().next().unwrap_or("nothing"));
        }
        Ok(())
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_ends_early_is_an_error() {
        let error = Listener::start(Command::new("true").arg("x")).err().unwrap().to_string();
        assert!(error.contains("\"true\" \"x\" ended before it listened"), "{error}");
        assert!(Listener::start(&mut Command::new("no-such-program")).is_err());
    }

    #[test]
    fn what_a_program_uses_is_told() {
        let script = "echo first; echo listening on http://127.0.0.1:1; exec sleep 60";
        let listener = Listener::start(Command::new("sh").args(["-c", script])).unwrap();
        assert_eq!(listener.address, "127.0.0.1:1");
        assert!(listener.peak_memory().unwrap() > 0 && listener.own_memory().unwrap() > 0);
        assert!(listener.processor_seconds().unwrap() < 5.0);
    }
}
