//! How many files and connections this process may have open at a time.

use cos_batch_server::listen::CONNECTIONS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the server asks for at least: room for connections of both listeners, and for what goes with them.
const WANTED: u64 = 16 * 1024;

/// Descriptors that a connection takes at most: itself, the file that is read or written, its temporary one, a folder.
const PER_CONNECTION: u64 = 4;

/// Descriptors for all that is no connection and no operation of a job: the database, segments of reports, manifests.
const OTHERS: u64 = 448;

/// Connections of a listener, however few descriptors there are.
const CONNECTIONS_MIN: u64 = 16;

/// Raises this process's limit as far as it may, where it is lower than what the server wants; gives how many connections
/// each of the listeners may have, beside so many descriptors for the operations of jobs. Warns where it is too low even so.
pub(super) fn connections(listeners: u64, operations: u64) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = wanted(listeners, operations);
    let reachable = maximum.map_or(wanted, |maximum| maximum.min(wanted));
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
        current => current.unwrap_or(wanted),
    };
    let connections = share(limit, listeners, operations);
    let least = needed(listeners, operations, CONNECTIONS_MIN);
    if limit < least {
        tracing::warn!(
            limit,
            least,
            operations,
            "too few files may be open for what is configured: raise the limit of open files"
        );
    } else if connections < CONNECTIONS_MAX {
        tracing::warn!(limit, connections, "few files may be open: each listener takes fewer connections at a time");
    }
    connections
}

/// How many descriptors are taken with so many connections of each listener.
fn needed(listeners: u64, operations: u64, connections: u64) -> u64 {
    OTHERS.saturating_add(operations).saturating_add(PER_CONNECTION * listeners.max(1) * connections)
}

/// How many descriptors to ask for.
fn wanted(listeners: u64, operations: u64) -> u64 {
    needed(listeners, operations, CONNECTIONS_MAX as u64).max(WANTED)
}

/// How many connections each of the listeners may have under this limit.
fn share(limit: u64, listeners: u64, operations: u64) -> usize {
    let share = limit.saturating_sub(needed(listeners, operations, 0)) / (PER_CONNECTION * listeners.max(1));
    usize::try_from(share.max(CONNECTIONS_MIN)).map_or(CONNECTIONS_MAX, |share| share.min(CONNECTIONS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_room_for_files() {
        assert_eq!(share(WANTED, 2, 64), CONNECTIONS_MAX);
        assert_eq!(share(u64::MAX, 1, 64), CONNECTIONS_MAX);
        assert_eq!((share(1024, 1, 64), share(1024, 2, 64)), (128, 64));
        assert_eq!((share(256, 2, 64), share(0, 0, 0)), (16, 16));
    }

    #[test]
    fn what_is_configured_for_jobs_is_asked_for_and_left_to_them() {
        assert_eq!(wanted(2, 64), WANTED);
        assert_eq!(wanted(2, 40_000), 40_000 + 448 + 2 * 4 * 900);
        assert_eq!(share(wanted(2, 40_000), 2, 40_000), CONNECTIONS_MAX);
        assert_eq!((share(4096, 1, 3000), share(4096, 1, 5000)), (162, 16));
        assert!(4096 < needed(1, 5000, CONNECTIONS_MIN));
        assert_eq!(wanted(1, u64::MAX), u64::MAX);
    }
}
