//! Processor time of what a stage starts: on a busy machine it says more than the clock does.

use std::{fs, time::Duration};

/// Ticks a second in what Linux tells processes (`USER_HZ`, 100 on every machine that Rust's standard library knows).
const TICKS: f64 = 100.0;

/// Processor time of all programs that this one has started and that have ended, theirs included. None where the system
/// does not tell.
pub(super) fn of_children() -> Option<Duration> {
    parse(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// `cutime` and `cstime` of `proc_pid_stat(5)`, added.
fn parse(stat: &str) -> Option<Duration> {
    // The second field is the program's name, in brackets, and may contain anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    // Counted from the third field, which stands first here.
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Duration::from_secs_f64((ticks(16)? + ticks(17)?) as f64 / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_is_found_behind_any_name() {
        let stat = "7 (a) b) R 1 7 7 0 -1 0 0 0 0 0 5 6 1234 66 20 0 1 0 99";
        assert_eq!(parse(stat), Some(Duration::from_secs(13)));
        assert_eq!(parse("7 (short) R 1"), None);
        assert!(of_children().is_some());
    }
}
