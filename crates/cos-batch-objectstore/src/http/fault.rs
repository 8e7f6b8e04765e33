//! From answers and failures to errors.

use std::time::Duration;

use http::header;

use super::{
    head::Fields,
    transport::{Failure, FailureKind},
    xml,
};
use crate::{ErrorKind, StoreError};

/// Bytes of a code that is kept; real ones have some thirty.
const CODE_BYTES_MAX: usize = 64;

/// Bytes of a store's own words that are kept: enough to help, and no more than a row of a report can carry.
const MESSAGE_BYTES_MAX: usize = 512;

/// Longest wait that a store may ask for and that is kept; more would be no answer to a single request.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// What an `Error` document says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: String,
    /// Which argument is wrong (S3).
    pub(crate) argument: String,
}

/// Reads an `Error` document; none if this is another one, or none at all.
pub(crate) fn told(body: &[u8]) -> Option<Told> {
    let mut told = Told::default();
    let mut is_error = false;
    let read = xml::read(body, |path, text| match path {
        "Error/Code" => told.code = code(text),
        "Error/Message" => told.message = words(text),
        "Error/ArgumentName" => told.argument = words(text),
        "Error/RequestId" => told.request_id = words(text),
        "Error" => is_error = true,
        _ => {}
    });
    (read.is_ok() && is_error && !told.code.is_empty()).then_some(told)
}

/// A code is one word; anything else would break a report's row.
fn code(text: &str) -> String {
    let text = text.trim();
    let legal = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b' '));
    if legal && text.len() <= CODE_BYTES_MAX { text.replace(' ', "") } else { String::new() }
}

/// Somebody else's words, in one line and without control characters.
fn words(text: &str) -> String {
    let mut words: String = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    words.truncate(words.floor_char_boundary(MESSAGE_BYTES_MAX));
    words
}

/// The error of an answer with this status and body.
pub(crate) fn of_answer(status: u16, headers: &Fields, body: &[u8]) -> StoreError {
    of_told(status, headers, told(body))
}

/// The error of an answer to HEAD, which has no body: a guess, since it does not tell whether it is the store that answered.
pub(crate) fn of_head(status: u16, headers: &Fields) -> StoreError {
    let kind = if status == 404 { ErrorKind::NoSuchKey } else { of_status(status) };
    of_kind(kind, status, headers, &Told::default())
}

/// The error of an answer whose document says so, whatever its status.
pub(crate) fn of_told(status: u16, headers: &Fields, told: Option<Told>) -> StoreError {
    let told = told.unwrap_or_default();
    of_kind(kind(status, &told), status, headers, &told)
}

fn of_kind(kind: ErrorKind, status: u16, headers: &Fields, told: &Told) -> StoreError {
    let code = if told.code.is_empty() { kind.code() } else { &told.code };
    let mut message = match told.message.as_str() {
        "" if status == 0 => "the store gave no reason".to_owned(),
        "" => format!("the store answered {status} without a reason"),
        words => words.to_owned(),
    };
    if (301..=308).contains(&status)
        && let Some(place) = headers.text(&header::LOCATION)
    {
        message = format!("{message} (the store sends elsewhere, to {}: name that endpoint)", words(place));
    }
    if !told.argument.is_empty() {
        message = format!("{message} (argument {})", told.argument);
    }
    if !told.request_id.is_empty() {
        message = format!("{message} (request {})", told.request_id);
    }
    // A status of success is none of a failure.
    let status = if status < 300 { kind.status() } else { status };
    let mut error = StoreError::new(kind, message).reported(status, code);
    if error.refuses_signature() {
        // Whoever reads this may have a key of his own, for whoever asked the store.
        let message = format!("the store refused the signature it was asked with: {}", error.message());
        error = error.with_message(&message);
    }
    match retry_after(headers) {
        Some(wait) => error.with_retry_after(wait),
        None => error,
    }
}

/// Seconds that the store asks to be left alone; a date, the header's other form, no object store sends.
fn retry_after(headers: &Fields) -> Option<Duration> {
    let seconds = headers.text(&header::RETRY_AFTER)?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

/// What is to be done about an error.
fn kind(status: u16, told: &Told) -> ErrorKind {
    // S3 has no code of its own for a source that is too large for one request.
    if told.code == "InvalidRequest" && is_about_copy_size(&told.message) {
        return ErrorKind::EntityTooLarge;
    }
    match ErrorKind::of_code(&told.code) {
        Some(kind) => kind,
        // A refusal with a reason of its own: another try is as good as this one.
        None if !told.code.is_empty() && matches!(status, 404 | 409) => ErrorKind::InvalidRequest,
        None => of_status(status),
    }
}

/// Where the code says nothing, or there is none, the status does. A 404 without a code does not say that there is no object:
/// stores say so in so many words, and somebody else on the way means pages of his own.
fn of_status(status: u16) -> ErrorKind {
    match status {
        401 | 403 | 451 => ErrorKind::AccessDenied,
        404 => ErrorKind::InternalError,
        408 => ErrorKind::RequestTimeout,
        409 => ErrorKind::PathConflict,
        304 | 412 => ErrorKind::PreconditionFailed,
        413 => ErrorKind::EntityTooLarge,
        416 => ErrorKind::InvalidRange,
        429 => ErrorKind::SlowDown,
        501 | 505 => ErrorKind::NotImplemented,
        // Somebody between here and the store got no answer from it.
        502 | 504 => ErrorKind::Unreachable,
        503 => ErrorKind::ServiceUnavailable,
        507 => ErrorKind::InsufficientStorage,
        500.. | 0..300 => ErrorKind::InternalError,
        _ => ErrorKind::InvalidRequest,
    }
}

/// "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120"
fn is_about_copy_size(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("copy source") && (message.contains("larger") || message.contains("maximum allowable size"))
}

/// The error of a request without an answer.
pub(crate) fn of_failure(failure: &Failure, host: &str, of_write: bool) -> StoreError {
    let kind = match failure.kind {
        FailureKind::Unsent => ErrorKind::ServiceUnavailable,
        FailureKind::Unknown => ErrorKind::Unreachable,
        FailureKind::Unusable => unusable(of_write),
        FailureKind::Busy => ErrorKind::NoFreeConnection,
    };
    StoreError::new(kind, format!("{host}: {}", failure.reason))
}

/// An answer that does not make sense.
pub(crate) fn nonsense(what: &str, of_write: bool) -> StoreError {
    StoreError::new(unusable(of_write), format!("the store's answer cannot be used: {what}"))
}

/// A read can be asked for again; what became of a write nobody knows.
fn unusable(of_write: bool) -> ErrorKind {
    if of_write { ErrorKind::Unreachable } else { ErrorKind::InternalError }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, code: &str, message: &str) -> StoreError {
        let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        of_answer(status, &Fields::default(), body.as_bytes())
    }

    #[test]
    fn codes_have_their_kinds_and_stay_to_be_shown() {
        for (status, code, kind) in [
            (404, "NoSuchKey", ErrorKind::NoSuchKey),
            (404, "NoSuchCopySource", ErrorKind::NoSuchKey),
            (500, "KmsInternalException", ErrorKind::InternalError),
            (503, "KmsFreqControl", ErrorKind::SlowDown),
            (429, "Whatever", ErrorKind::SlowDown),
            (503, "SlowDown", ErrorKind::SlowDown),
            (503, "Odd", ErrorKind::ServiceUnavailable),
            (504, "", ErrorKind::Unreachable),
            (599, "", ErrorKind::InternalError),
            (403, "ExpiredToken", ErrorKind::AccessDenied),
            (400, "BadDigest", ErrorKind::RequestTimeout),
            (409, "UploadConflict", ErrorKind::PathConflict),
            (409, "InvalidObjectState", ErrorKind::InvalidObjectState),
            (400, "Unheard", ErrorKind::InvalidRequest),
            (400, "", ErrorKind::InvalidRequest),
            (404, "NoSuchTagSet", ErrorKind::InvalidRequest),
            (404, "", ErrorKind::InternalError),
            (409, "Unheard", ErrorKind::InvalidRequest),
            (409, "", ErrorKind::PathConflict),
            (505, "", ErrorKind::NotImplemented),
            (418, "Teapot", ErrorKind::InvalidRequest),
        ] {
            let error = error(status, code, "why");
            assert_eq!((error.kind(), error.status()), (kind, status), "{code}");
            assert_eq!(error.code(), if code.is_empty() { kind.code() } else { code });
        }
    }

    #[test]
    fn a_signature_that_is_refused_is_told_from_what_may_not_be_done() {
        let wrong = error(403, "SignatureDoesNotMatch", "it does not match");
        assert_eq!(wrong.message(), "the store refused the signature it was asked with: it does not match");
        assert!(wrong.refuses_signature() && error(403, "RequestTimeTooSkewed", "").refuses_signature());
        assert!(!error(403, "AccessDenied", "no").refuses_signature());
        assert!(!error(403, "ObjectLocked", "no").refuses_signature());
    }

    #[test]
    fn an_error_in_an_answer_of_success_is_not_shown_as_a_success() {
        let error = error(200, "InternalError", "midway");
        assert_eq!((error.kind(), error.status(), error.message()), (ErrorKind::InternalError, 500, "midway"));
    }

    #[test]
    fn the_size_of_a_copy_has_the_code_of_cos() {
        let message =
            "The specified copy source is larger than the maximum allowable size for a copy source: 5368709120";
        let too_large = error(400, "InvalidRequest", message);
        assert_eq!(too_large.kind(), ErrorKind::EntityTooLarge);
        assert_eq!(too_large.code(), "InvalidRequest");
        assert_eq!(error(400, "InvalidRequest", "no").kind(), ErrorKind::InvalidRequest);
    }

    #[test]
    fn foreign_words_cannot_break_a_row() {
        let long = "x".repeat(70);
        assert_eq!(error(500, &long, "m").code(), "InternalError");
        assert_eq!(error(500, "a,b", "m").code(), "InternalError");
        let told = error(500, "Odd", &format!("a\nb\u{1b}{}", "ä".repeat(1000)));
        assert!(told.message().starts_with("a b ää") && told.message().len() <= MESSAGE_BYTES_MAX);
        for body in ["", "no XML", "<Other/>", "<Error/>", "<html><body>Bad Gateway</body></html>"] {
            assert_eq!(super::told(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn the_wish_to_be_left_alone_is_kept() {
        for (told, wait) in
            [("7", Some(Duration::from_secs(7))), ("999999999", Some(RETRY_AFTER_MAX)), ("soon", None), ("", None)]
        {
            let fields = Fields::new(format!("retry-after: {told}\r\n").as_bytes());
            assert_eq!(of_answer(503, &fields, b"").retry_after(), wait, "{told}");
        }
    }
}
