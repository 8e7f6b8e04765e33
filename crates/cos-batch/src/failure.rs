//! What a failed call tells whoever typed the command: how the program ends, and what can be done.

use std::fmt;

use cos_batch_client::{Error as ClientError, TransportErrorKind};
use cos_batch_engine::view::STORE_ACCESS_DENIED;
use cos_batch_model::{ApiError, ErrorCode};

use crate::exit::{About, Error, Exit};

/// HTTP statuses that say who may do what.
const NOT_AUTHORIZED: [u16; 2] = [401, 403];

/// HTTP statuses of whoever stands before a server that it cannot reach; the API has neither.
const GATEWAY: [u16; 2] = [502, 504];

/// What helps where nobody answers.
const NO_SERVER: &str = "cos-batch serve --data DIR starts a server; --endpoint or COS_BATCH_ENDPOINT names another one, --uin and --region that of COS";

/// What helps where something answers that knows nothing of the API.
pub(crate) const STRANGER: &str = "another --endpoint or COS_BATCH_ENDPOINT: what answers there is no COS Batch server";

/// What helps where a wait was too short.
const GAVE_UP: &str = "a longer --give-up-after; the job goes on";

impl From<ClientError> for Error {
    fn from(error: ClientError) -> Self {
        let Meaning { exit, about, next } = Meaning::of(&error);
        let text = match &error {
            ClientError::Api(answer) => told(answer),
            _ => error.to_string(),
        };
        let error = Self::new(exit, text).about(about);
        match next {
            Some(next) => error.with_next(next),
            None => error,
        }
    }
}

/// The error of a call that may have made something although it failed; `next` is what to do about it, where that is so.
pub(crate) fn of_making(error: ClientError, what: &str, next: impl fmt::Display) -> Error {
    let says_so = matches!(error, ClientError::AmbiguousCreate { .. });
    if !says_so && !is_undecided(&error) {
        return error.into();
    }
    let error = Error::from(error).with_next(next);
    if says_so { error } else { error.while_doing(format!("it is not known whether {what}")) }
}

/// Whether the server may have carried the call out.
fn is_undecided(error: &ClientError) -> bool {
    match error {
        ClientError::Transport { kind, .. } => !kind.is_unsent(),
        ClientError::Decode(_) => true,
        ClientError::Api(answer) => {
            let refused = [ErrorCode::SlowDown, ErrorCode::TooManyJobs, ErrorCode::NotImplemented];
            answer.status.is_server_error() && !refused.contains(&answer.code)
        }
        _ => false,
    }
}

/// How the program ends, whom the error is about, what can be done.
struct Meaning {
    exit: Exit,
    about: About,
    next: Option<&'static str>,
}

impl Meaning {
    fn of(error: &ClientError) -> Self {
        match error {
            ClientError::Api(answer) => Self::of_answer(answer),
            ClientError::Transport { kind, .. } => {
                Self { exit: Exit::Unreachable, about: About::Server, next: Some(after_transport(*kind)) }
            }
            ClientError::Decode(_) => Self { exit: Exit::Error, about: About::Server, next: Some(STRANGER) },
            ClientError::GaveUp { .. } => Self { exit: Exit::NotFinished, about: About::Server, next: Some(GAVE_UP) },
            ClientError::AmbiguousCreate { source, .. } => Self::of(source),
            _ => Self { exit: Exit::Error, about: About::Here, next: None },
        }
    }

    fn of_answer(answer: &ApiError) -> Self {
        let status = answer.status.as_u16();
        let next = after_answer(answer);
        if answer.code.as_str() == STORE_ACCESS_DENIED {
            return Self { exit: Exit::Error, about: About::Server, next };
        }
        if NOT_AUTHORIZED.contains(&status) {
            return Self { exit: Exit::NotAuthorized, about: About::Key, next };
        }
        if GATEWAY.contains(&status) {
            return Self { exit: Exit::Unreachable, about: About::Server, next };
        }
        let exit = if answer.code == ErrorCode::NoSuchJob { Exit::NotFound } else { Exit::Error };
        let about = if is_bare(answer) || answer.status.is_server_error() { About::Server } else { About::Here };
        Self { exit, about, next }
    }
}

/// Whether an answer has no code of the API, but its status alone.
pub(crate) fn is_bare(answer: &ApiError) -> bool {
    answer.code.as_str() == format!("HTTP {}", answer.status.as_u16())
}

/// An error answer, with what is about it.
fn told(answer: &ApiError) -> String {
    let mut text = if is_bare(answer) { answer.message.clone() } else { answer.to_string() };
    let missing = answer.resource.as_deref().filter(|_| answer.code == ErrorCode::NoSuchJob);
    for (name, value) in [("resource", missing), ("request id", answer.request_id.as_deref())] {
        if let Some(value) = value {
            text.push_str(&format!("\n{name}: {value}"));
        }
    }
    text
}

/// What helps where there is no whole answer.
fn after_transport(kind: TransportErrorKind) -> &'static str {
    match kind {
        TransportErrorKind::Connect => NO_SERVER,
        TransportErrorKind::Tls => {
            "http:// where the server has no TLS; with TLS its certificate must be good for this name"
        }
        TransportErrorKind::Timeout => {
            "a longer --timeout, if the server is only slow; else its log may say what it does"
        }
        TransportErrorKind::Reset => {
            "once more; the server's log may say why it ended the connection; one that wants TLS is named with https://"
        }
        _ => STRANGER,
    }
}

/// What helps after an error answer, where something does.
fn after_answer(answer: &ApiError) -> Option<&'static str> {
    let status = answer.status.as_u16();
    Some(match &answer.code {
        ErrorCode::InvalidAccessKeyId | ErrorCode::SignatureDoesNotMatch => {
            "the key of that server, such as COS_CREDENTIALS=DIR/credentials.toml of its data folder"
        }
        ErrorCode::AccessDenied => {
            "the APPID of the key; for the bucket of another account, a [[grant]] in the server's file of keys"
        }
        ErrorCode::RequestTimeTooSkewed | ErrorCode::RequestHasExpired => "set the clock of this machine",
        ErrorCode::ExpiredToken => "get a new temporary key",
        ErrorCode::NoSuchJob => "cos-batch list shows the jobs of this account",
        ErrorCode::TooManyJobs => "cos-batch watch shows the jobs that have not ended; wait for some, or cancel them",
        ErrorCode::SlowDown => "later",
        _ if GATEWAY.contains(&status) => {
            "later; something between here and the server answers for it: see whether the server behind it runs"
        }
        ErrorCode::InternalError | ErrorCode::ServiceUnavailable => "later; the server's log may say more",
        code if code.as_str() == STORE_ACCESS_DENIED => {
            "secret_id and secret_key of that [[store]] in the server's configuration; the server's clock"
        }
        _ if is_bare(answer) => STRANGER,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: &str, status: u16) -> ClientError {
        let mut answer = ApiError::new(ErrorCode::from_wire(code), "why");
        answer.status = status.try_into().unwrap();
        ClientError::Api(answer)
    }

    #[test]
    fn codes_and_statuses_become_exit_codes() {
        for (code, status, exit) in [
            ("AccessDenied", 403, Exit::NotAuthorized),
            ("StoreAccessDenied", 403, Exit::Error),
            ("HTTP 401", 401, Exit::NotAuthorized),
            ("NoSuchJob", 404, Exit::NotFound),
            ("HTTP 404", 404, Exit::Error),
            ("NoSuchBucket", 404, Exit::Error),
            ("ServiceUnavailable", 502, Exit::Unreachable),
            ("ServiceUnavailable", 504, Exit::Unreachable),
            ("ServiceUnavailable", 500, Exit::Error),
            ("InternalError", 500, Exit::Error),
        ] {
            assert_eq!(Error::from(api(code, status)).exit(), exit, "{code} {status}");
        }
    }

    #[test]
    fn what_may_have_been_made_is_said_and_only_that() {
        let told = |error| of_making(error, "the job was made", "again").to_string();
        for (code, status, unknown) in [
            ("InternalError", 500, true),
            ("ServiceUnavailable", 502, true),
            ("SlowDown", 503, false),
            ("TooManyJobs", 500, false),
            ("NotImplemented", 501, false),
            ("InvalidArgument", 400, false),
        ] {
            let text = told(api(code, status));
            assert_eq!(text.starts_with("it is not known whether the job was made: "), unknown, "{text}");
            assert_eq!(text.ends_with("\ntry: again"), unknown, "{text}");
        }
    }
}
