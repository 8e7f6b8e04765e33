//! Where a run is made.

use std::{fs, process::Command, thread};

use anyhow::Context as _;
use cos_batch_figures::Machine;

/// Describes this machine, today.
///
/// # Errors
///
/// If rustc cannot be asked, or there is no `/proc`.
pub fn describe() -> anyhow::Result<Machine> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("reading {path}"));
    let compiler = Command::new("rustc").arg("--version").output().context("rustc cannot be started")?.stdout;
    Ok(Machine {
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        processor: field(&read("/proc/cpuinfo")?, "model name").unwrap_or("unknown processor").to_owned(),
        cores: thread::available_parallelism()?.get(),
        memory: kib(field(&read("/proc/meminfo")?, "MemTotal").unwrap_or_default()) * 1024,
        kernel: format!("Linux {}", read("/proc/sys/kernel/osrelease")?.trim()),
        compiler: short_version(&String::from_utf8_lossy(&compiler)),
    })
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.split_once(':')?.1.trim())
}

fn kib(text: &str) -> u64 {
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
}

/// Without commit and date.
fn short_version(text: &str) -> String {
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_described() {
        let machine = describe().unwrap();
        assert!(machine.compiler.starts_with("rustc 1."), "{machine:?}");
        assert!(machine.memory > 1 << 20 && machine.cores > 0, "{machine:?}");
        assert_eq!(machine.date.len(), "2026-01-01".len(), "{machine:?}");
    }

    #[test]
    fn fields_are_found_by_their_names() {
        assert_eq!(field("model\t: 1\nmodel name\t: A B\n", "model name"), Some("A B"));
        assert_eq!(kib("123 kB"), 123);
    }
}
