//! Whether the instructions of a refusal tell what was wrong with a signature: the short form of `cargo xtask long timing`.

use std::path::Path;

use anyhow::ensure;

use super::count;

/// How often each is made in the shorter run of two.
const TIMES: u32 = 300;

/// What must take the same.
const PAIRS: [[&str; 2]; 2] = [["first-digit", "last-digit"], ["first-digit", "unknown-key"]];

/// A comparison that stops at the first difference, with what is wrong at its beginning and at its end: must be seen.
const LEAK: [&str; 2] = ["leaky-first", "leaky-last"];

/// Counts, prints what came of it, and fails if refusals differ, or if a leak that was put in is not seen.
pub(super) fn check(program: &Path) -> anyhow::Result<()> {
    let seen = |pair: [&str; 2]| -> anyhow::Result<bool> {
        let of = |name: &str| -> anyhow::Result<u64> {
            Ok(count(program, name, 2 * TIMES)?.saturating_sub(count(program, name, TIMES)?))
        };
        let [one, other] = pair;
        let counts = [of(one)?, of(other)?];
        let [first, second] = counts.map(|count| count as f64 / f64::from(TIMES));
        println!("refused for {one}: {first:.2} instructions, for {other}: {second:.2}");
        Ok(differ(counts))
    };
    for pair in PAIRS {
        ensure!(!seen(pair)?, "how long a refusal takes tells what was wrong: {} or {}", pair[0], pair[1]);
    }
    ensure!(seen(LEAK)?, "not even a comparison that stops at the first difference is seen");
    Ok(())
}

/// Whether these counts of so many tries differ. Each try is as the one before it: what differs does so in each of them, and less
/// came once, as when the system is asked for memory.
fn differ([one, other]: [u64; 2]) -> bool {
    one.abs_diff(other) >= u64::from(TIMES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_of_each_try_is_a_difference() {
        let count = 17_000 * u64::from(TIMES);
        for (more, differs) in [(0, false), (u64::from(TIMES) - 1, false), (u64::from(TIMES), true)] {
            assert_eq!([differ([count, count + more]), differ([count + more, count])], [differs; 2], "{more}");
        }
    }
}
