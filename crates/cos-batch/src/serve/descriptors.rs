//! How many files and connections this process may have open at a time.

use cos_batch_server::listen::CONNECTIONS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the server asks for: all connections of both listeners, and what goes with them, with room.
const WANTED: u64 = 16 * 1024;

/// Descriptors that a connection takes at most: itself, the file that is read or written, its temporary one, a folder.
const PER_CONNECTION: u64 = 4;

/// Descriptors for all that is no connection: the files of operations of jobs, the database, segments of reports.
const OTHERS: u64 = 512;

/// Connections of a listener, however few descriptors there are.
const CONNECTIONS_MIN: u64 = 16;

/// Raises this process's limit as far as it may, where it is lower than what the server wants; gives how many connections
/// each of the listeners may have.
pub(super) fn connections(listeners: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let reachable = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    let limit = match current {
        Some(current) if current < reachable => {
            match setrlimit(Resource::Nofile, Rlimit { current: Some(reachable), maximum }) {
                Ok(()) => reachable,
                Err(error) => {
                    tracing::warn!(%error, current, "the limit of open files cannot be raised");
                    current
                }
            }
        }
        current => current.unwrap_or(WANTED),
    };
    let connections = share(limit, listeners as u64);
    if connections < CONNECTIONS_MAX {
        tracing::warn!(limit, connections, "few files may be open: each listener takes fewer connections at a time");
    }
    connections
}

/// How many connections each of the listeners may have under this limit.
fn share(limit: u64, listeners: u64) -> usize {
    let share = limit.saturating_sub(OTHERS) / (PER_CONNECTION * listeners.max(1));
    usize::try_from(share.max(CONNECTIONS_MIN)).map_or(CONNECTIONS_MAX, |share| share.min(CONNECTIONS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_files() {
        assert_eq!(share(WANTED, 2), CONNECTIONS_MAX);
        assert_eq!(share(u64::MAX, 1), CONNECTIONS_MAX);
        assert_eq!((share(1024, 1), share(1024, 2)), (128, 64));
        assert_eq!((share(256, 2), share(0, 0)), (16, 16));
    }
}
