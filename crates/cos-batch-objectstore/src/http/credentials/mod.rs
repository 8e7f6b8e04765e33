//! What requests are signed with, and where it comes from.

mod parse;
mod sources;

use std::fmt;

use cos_signature::Credentials;

pub use self::sources::{CommandCredentials, FileCredentials, UrlCredentials};
use crate::BoxFuture;

/// Credentials and how long they last.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Key id, secret and, for temporary keys, the token.
    pub credentials: Credentials,
    /// Unix second at which they stop being valid; none: they stay valid.
    pub expires: Option<i64>,
}

/// Where credentials come from. They are asked for before the first request, and again some minutes before they expire.
pub trait CredentialsSource: Send + Sync + fmt::Debug {
    /// The credentials of now.
    ///
    /// # Errors
    /// A sentence for a person, without secrets.
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>>;
}

/// Credentials that stay as they are.
#[derive(Clone, Debug)]
pub struct StaticCredentials(Credentials);

impl StaticCredentials {
    /// These.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self(credentials)
    }
}

impl CredentialsSource for StaticCredentials {
    fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
        Box::pin(std::future::ready(Ok(Fetched { credentials: self.0.clone(), expires: None })))
    }
}
