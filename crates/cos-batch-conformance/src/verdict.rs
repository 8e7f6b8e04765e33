//! What a single check comes to.

use std::fmt::{Debug, Display};

use cos_batch_model::{ApiError, ErrorCode};

/// Why a check did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Miss {
    Failed { expected: String, found: String },
    Skipped { why: String },
}

pub(crate) type Verdict = Result<(), Miss>;

pub(crate) fn failed(expected: impl Display, found: impl Display) -> Miss {
    Miss::Failed { expected: expected.to_string(), found: found.to_string() }
}

pub(crate) fn skipped(why: impl Display) -> Miss {
    Miss::Skipped { why: why.to_string() }
}

/// The condition holds.
pub(crate) fn ensure(holds: bool, expected: impl Display, found: impl Display) -> Verdict {
    if holds { Ok(()) } else { Err(failed(expected, found)) }
}

/// What was found is what was expected.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, expected: &T, found: &T) -> Verdict {
    ensure(expected == found, format_args!("{what}: {expected:?}"), format_args!("{found:?}"))
}

/// The call succeeds.
pub(crate) fn succeeds<T>(what: &str, result: Result<T, ApiError>) -> Result<T, Miss> {
    result.map_err(|error| failed(format_args!("{what} succeeds"), error))
}

/// The call is refused with one of these codes, and with the status that belongs to it.
pub(crate) fn refused<T>(what: &str, codes: &[ErrorCode], result: Result<T, ApiError>) -> Result<ApiError, Miss> {
    let names: Vec<_> = codes.iter().map(|code| format!("{code} ({})", code.status().as_u16())).collect();
    let expected = format!("{what} is refused with {}", names.join(" or "));
    match result {
        Err(error) if codes.contains(&error.code) && error.status == error.code.status() => Ok(error),
        Err(error) => Err(failed(expected, error)),
        Ok(_) => Err(failed(expected, "it succeeds")),
    }
}
