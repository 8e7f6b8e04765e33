//! Programs that are measured from outside.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use wait4::Wait4 as _;

use crate::cpu;

/// How often the memory of a program is looked at. The system itself keeps the peak, so only what comes in the last moment
/// before the end can be missed.
const LOOK: Duration = Duration::from_millis(5);

/// What a program took from its start to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// On the clock on the wall.
    pub seconds: f64,
    /// Of processors, with those of its children that it waited for.
    pub cpu_seconds: f64,
    /// Most bytes of memory that it had at a time (resident), without its children.
    pub peak_memory: u64,
}

/// Runs a program to its end; it must succeed. What it writes to its standard output is thrown away.
///
/// # Errors
///
/// If it cannot be started or fails.
#[expect(clippy::disallowed_methods, reason = "looks at another program from time to time; nothing tells when to")]
pub fn run(command: &mut Command) -> anyhow::Result<Usage> {
    let shown = format!("{command:?}");
    let begin = Instant::now();
    let child = command.stdout(Stdio::null()).spawn().with_context(|| format!("starting {shown}"))?;
    let pid = child.id();
    let watch = thread::spawn(move || {
        let mut peak = 0;
        // A program that has ended has no memory to tell of, from when on its number stays taken until it is waited for.
        while let Ok(now) = peak_memory(pid) {
            peak = now;
            thread::sleep(LOOK);
        }
        peak
    });
    let used = child.wait4().with_context(|| format!("waiting for {shown}"))?;
    let seconds = begin.elapsed().as_secs_f64();
    ensure!(used.status.success(), "{shown} failed: {}", used.status);
    let peak_memory = watch.join().unwrap_or_default();
    let cpu_seconds = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Usage { seconds, cpu_seconds, peak_memory })
}

/// Most bytes of memory that a running process had at a time (resident).
///
/// # Errors
///
/// If there is no such process, or it has ended, or there is no `/proc`.
pub fn peak_memory(pid: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("it has ended")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024)
}

/// A program that listens, ended with the value.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Host and port, or what else it said after the words that were waited for.
    pub address: String,
    /// From its start until it said that it listens, in seconds.
    pub started_in: f64,
}

/// How the programs of this workspace say that they listen.
pub const READY: &str = "listening on http://";

impl Server {
    /// Starts a program and waits until it writes a line that begins with `ready` to its standard output.
    ///
    /// # Errors
    ///
    /// If it cannot be started, or ends before.
    pub fn start(command: &mut Command, ready: &str) -> anyhow::Result<Self> {
        let shown = format!("{command:?}");
        let begin = Instant::now();
        let child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("starting {shown}"))?;
        // From here on it is ended, whatever happens.
        let mut server = Self { child, address: String::new(), started_in: 0.0 };
        let output = server.child.stdout.take().context("its output is piped")?;
        let mut lines = BufReader::new(output).lines();
        for line in lines.by_ref() {
            if let Some(address) = line?.strip_prefix(ready) {
                server.address = address.to_owned();
                server.started_in = begin.elapsed().as_secs_f64();
                // A pipe that nobody empties would stop it some day.
                thread::spawn(move || lines.for_each(drop));
                return Ok(server);
            }
        }
        bail!("{shown} ended before it listened")
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor seconds so far, in steps of 1/100 s.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        cpu::of(self.id())
    }

    /// Most bytes of memory so far.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn peak_memory(&self) -> anyhow::Result<u64> {
        peak_memory(self.id())
    }
}

impl Drop for Server {
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
    fn what_a_program_takes_is_told() {
        let script = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done";
        let usage = run(Command::new("sh").args(["-c", script])).unwrap();
        assert!(usage.cpu_seconds > 0.01 && usage.seconds >= usage.cpu_seconds * 0.5, "{usage:?}");
        assert!(usage.peak_memory > 100_000, "{usage:?}");
        assert!(run(&mut Command::new("false")).unwrap_err().to_string().contains("\"false\" failed"));
    }

    #[test]
    fn a_server_is_awaited_and_ended() {
        let script = "echo first; echo listening on http://127.0.0.1:1; exec sleep 60";
        let server = Server::start(Command::new("sh").args(["-c", script]), READY).unwrap();
        assert_eq!(server.address, "127.0.0.1:1");
        let pid = server.id();
        assert!(server.cpu_seconds().unwrap() < 5.0 && server.peak_memory().unwrap() > 0);
        drop(server);
        assert!(peak_memory(pid).is_err());
        let error = Server::start(Command::new("true").arg("x"), READY).unwrap_err().to_string();
        assert!(error.contains("\"true\" \"x\" ended before it listened"), "{error}");
    }
}
