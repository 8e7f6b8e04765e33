//! Processor time, of user and system together, in seconds.

use std::fs;

use anyhow::Context as _;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Ticks a second in `/proc` on every Linux that Rust runs on (`USER_HZ`).
const TICKS: f64 = 100.0;

/// What this process has used so far, in all its threads.
pub fn own() -> f64 {
    seconds(clock_gettime(ClockId::ProcessCPUTime))
}

/// What the calling thread has used so far.
pub fn own_thread() -> f64 {
    seconds(clock_gettime(ClockId::ThreadCPUTime))
}

fn seconds(time: Timespec) -> f64 {
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// What a running process has used so far, in all its threads, in steps of 1/100 s.
///
/// # Errors
///
/// If there is no such process, or no `/proc`.
pub fn of(pid: u32) -> anyhow::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    // After the name in parentheses, which may have spaces: user time is the 12th field, system time the 13th.
    let (_, rest) = stat.rsplit_once(')').context("no name in /proc")?;
    let ticks: Vec<f64> = rest.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_clocks_tell_of_the_same_work() {
        let (process, thread, ticks) = (own(), own_thread(), of(std::process::id()).unwrap());
        let mut sum = 0u64;
        while own_thread() - thread < 0.05 {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(own() - process >= 0.04, "{sum}");
        assert!(of(std::process::id()).unwrap() - ticks >= 0.02);
    }
}
