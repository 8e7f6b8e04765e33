//! Telling apart what transports report.

use std::error::Error as StdError;
use std::io;
use std::iter::successors;
use std::time::Duration;

use http_body_util::LengthLimitError;
use hyper_util::client::legacy;

use crate::{BoxError, Error, TransportErrorKind};

/// Most errors inside one another that are looked at. Real chains have about five.
const CAUSES_MAX: usize = 16;

/// A transport's error with its kind.
pub(super) fn failure(source: BoxError) -> Error {
    Error::Transport { kind: kind(&*source), source }
}

/// The failure of an attempt that was stopped after its time.
pub(crate) fn timed_out(after: Duration) -> Error {
    let source = io::Error::new(io::ErrorKind::TimedOut, format!("the attempt was stopped after {after:?}"));
    Error::Transport { kind: TransportErrorKind::Timeout, source: source.into() }
}

/// What an error is about: the first in the chain of causes that is known says so. Whatever went wrong while connecting
/// is a matter of connecting, so that it may be repeated.
fn kind(error: &(dyn StdError + 'static)) -> TransportErrorKind {
    let causes = || successors(Some(error), |error| inside(*error)).take(CAUSES_MAX);
    let connecting = causes().any(|cause| cause.downcast_ref().is_some_and(legacy::Error::is_connect));
    if connecting {
        let is_tls = causes().any(is_tls);
        return if is_tls { TransportErrorKind::Tls } else { TransportErrorKind::Connect };
    }
    causes().find_map(known).unwrap_or(TransportErrorKind::Other)
}

/// The cause of an error. An I/O error that wraps another names as its source what is inside that one.
fn inside<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}

#[cfg(feature = "tls")]
fn is_tls(error: &(dyn StdError + 'static)) -> bool {
    error.is::<rustls::Error>()
}

#[cfg(not(feature = "tls"))]
fn is_tls(_: &(dyn StdError + 'static)) -> bool {
    false
}

fn known(error: &(dyn StdError + 'static)) -> Option<TransportErrorKind> {
    if error.is::<LengthLimitError>() {
        return Some(TransportErrorKind::TooLarge);
    }
    if error.is::<tokio::time::error::Elapsed>() {
        return Some(TransportErrorKind::Timeout);
    }
    if is_tls(error) {
        // After the handshake: the connection broke.
        return Some(TransportErrorKind::Reset);
    }
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        return of_hyper(error);
    }
    error.downcast_ref::<io::Error>().and_then(|error| of_io(error.kind()))
}

fn of_hyper(error: &hyper::Error) -> Option<TransportErrorKind> {
    if error.is_canceled() {
        // The connection ended before the request was written to it.
        Some(TransportErrorKind::Connect)
    } else if error.is_incomplete_message() || error.is_closed() {
        Some(TransportErrorKind::Reset)
    } else if error.is_timeout() {
        Some(TransportErrorKind::Timeout)
    } else if error.is_parse_too_large() {
        Some(TransportErrorKind::TooLarge)
    } else if error.is_parse() {
        Some(TransportErrorKind::Protocol)
    } else {
        None
    }
}

fn of_io(kind: io::ErrorKind) -> Option<TransportErrorKind> {
    match kind {
        // Only connecting can be refused.
        io::ErrorKind::ConnectionRefused => Some(TransportErrorKind::Connect),
        io::ErrorKind::TimedOut => Some(TransportErrorKind::Timeout),
        io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NotConnected
        | io::ErrorKind::UnexpectedEof => Some(TransportErrorKind::Reset),
        // Hyper's own for a chunked body that is not one.
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Some(TransportErrorKind::Protocol),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] BoxError);

    #[derive(Debug, thiserror::Error)]
    #[error("round")]
    struct Round;

    fn wrapped(error: impl Into<BoxError>) -> BoxError {
        Box::new(Outer(Box::new(io::Error::other(Outer(error.into())))))
    }

    #[test]
    fn the_kind_is_found_behind_what_wraps_it() {
        for (io_kind, expected) in [
            (io::ErrorKind::ConnectionRefused, TransportErrorKind::Connect),
            (io::ErrorKind::TimedOut, TransportErrorKind::Timeout),
            (io::ErrorKind::ConnectionReset, TransportErrorKind::Reset),
            (io::ErrorKind::UnexpectedEof, TransportErrorKind::Reset),
            (io::ErrorKind::InvalidData, TransportErrorKind::Protocol),
            (io::ErrorKind::PermissionDenied, TransportErrorKind::Other),
        ] {
            assert_eq!(kind(&*wrapped(io::Error::from(io_kind))), expected, "{io_kind}");
        }
        assert_eq!(kind(&*wrapped(Round)), TransportErrorKind::Other);
    }

    #[test]
    fn deep_chains_are_cut() {
        let mut error: BoxError = io::Error::from(io::ErrorKind::ConnectionReset).into();
        for _ in 0..CAUSES_MAX {
            error = Box::new(Outer(error));
        }
        assert_eq!(kind(&*error), TransportErrorKind::Other);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_secure_connection_that_breaks_later_is_a_reset() {
        let alert = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert_eq!(kind(&*wrapped(rustls::Error::DecryptError)), TransportErrorKind::Reset);
        assert_eq!(kind(&alert), TransportErrorKind::Protocol, "the first known one says");
    }
}
