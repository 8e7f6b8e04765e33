//! How the C library keeps memory.
//!
//! That of GNU has up to eight places for each processor, and gives every thread one of them. What is freed in one is of no use to
//! threads of another. So a server with many threads comes to hold, in each, the most that was ever held there, and the more the
//! longer its jobs are. With one place for each processor, and large buffers given back to the system, that stays flat.

use std::{env, ffi::OsStr, io, os::unix::process::CommandExt as _, process::Command, thread::available_parallelism};

/// How the library is told the number of places, by whoever starts a program (mallopt(3)).
const PLACES: &str = "MALLOC_ARENA_MAX";

/// How it is told from which size on a buffer is the system's again once it is freed, in bytes.
const LARGE: &str = "MALLOC_MMAP_THRESHOLD_";

/// Where the library begins. Left to itself it moves up to 32 MiB, with what was freed.
const LARGE_BYTES: &str = "131072";

/// Another way to tell it.
const TUNABLES: &str = "GLIBC_TUNABLES";

/// The program itself, also where its file was replaced meanwhile.
const SELF: &str = "/proc/self/exe";

/// Starts the program anew, in the same process, with one place for each processor; does nothing where somebody has told the
/// library already, or where it is another one. The library listens at its start only.
///
/// Nothing may have been opened or started before. Returns, if the program is not started anew, with the reason.
pub(crate) fn bound() -> Option<io::Error> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) || is_told(|name| env::var_os(name).is_some()) {
        return None;
    }
    let places = available_parallelism().map_or(1, usize::from);
    let mut words = env::args_os();
    let mut again = Command::new(SELF);
    again.arg0(words.next().unwrap_or_else(|| OsStr::new(SELF).to_owned())).args(words);
    Some(again.env(PLACES, places.to_string()).env(LARGE, LARGE_BYTES).exec())
}

/// Whether one of the variables is there.
fn is_told(is_there: impl Fn(&str) -> bool) -> bool {
    [PLACES, LARGE, TUNABLES].into_iter().any(is_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_told_it_is_obeyed() {
        assert!(!is_told(|_| false));
        for said in ["MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"] {
            assert!(is_told(|name| name == said));
        }
    }
}
