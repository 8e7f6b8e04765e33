//! Signatures of the checks' own making: with lists, times and places that no ordinary client would choose.

use std::{fmt::Write as _, time::Duration};

use bytes::Bytes;
use cos_signature::{Credentials, KeyTime, NameList, SigningKey, canonical};
use http::{HeaderValue, Request, Uri, header, request::Parts};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::verdict::{Miss, failed};

/// How long the checks' own signatures are valid: what the official Go SDK asks for.
const LIFETIME: Duration = Duration::from_secs(3600);

/// The window that a client signs for at this time.
pub(super) fn window(now: i64) -> KeyTime {
    KeyTime::starting_at(now, LIFETIME)
}

/// What a signature says, to be changed by a check.
#[derive(Clone)]
pub(super) struct Signature {
    pub(super) key_time: String,
    pub(super) sign_time: String,
    pub(super) header_list: Vec<String>,
    pub(super) param_list: Vec<String>,
}

impl Signature {
    /// What a careful client says: the host, every `x-cos-` header, what describes the body, every parameter.
    pub(super) fn of(request: &Request<Bytes>, window: KeyTime) -> Self {
        let signed = |name: &str| name == "host" || name.starts_with("x-cos-") || name.starts_with("content-");
        let mut header_list: Vec<String> =
            request.headers().keys().map(|name| name.as_str().to_owned()).filter(|name| signed(name)).collect();
        header_list.sort();
        let query = request.uri().query().unwrap_or_default();
        let names = query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
        let mut param_list: Vec<String> = names.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect();
        param_list.sort();
        param_list.dedup();
        Self { key_time: window.to_string(), sign_time: window.to_string(), header_list, param_list }
    }

    /// The seven fields of the signature of this request.
    fn fields(&self, parts: &Parts, credentials: &Credentials) -> Result<[(&'static str, String); 7], Miss> {
        let key_time: KeyTime = self.key_time.parse().map_err(|error| failed("a time that can be signed", error))?;
        let (headers, parameters) = (self.header_list.join(";"), self.param_list.join(";"));
        let text = canonical::http_string(parts, &NameList::parse(&headers), &NameList::parse(&parameters));
        let signature = SigningKey::derive(&credentials.secret_key, key_time).signature(&text);
        Ok([
            ("q-sign-algorithm", "sha1".to_owned()),
            ("q-ak", credentials.secret_id.clone()),
            ("q-sign-time", self.sign_time.clone()),
            ("q-key-time", self.key_time.clone()),
            ("q-header-list", headers),
            ("q-url-param-list", parameters),
            ("q-signature", hex(&signature)),
        ])
    }

    /// Puts the signature into the header.
    pub(super) fn sign(&self, request: Request<Bytes>, credentials: &Credentials) -> Result<Request<Bytes>, Miss> {
        let (mut parts, body) = request.into_parts();
        let fields = self.fields(&parts, credentials)?.map(|(name, value)| format!("{name}={value}"));
        let value = HeaderValue::try_from(fields.join("&")).map_err(|error| failed("a header", error))?;
        parts.headers.insert(header::AUTHORIZATION, value);
        Ok(Request::from_parts(parts, body))
    }

    /// Puts the signature into the query.
    pub(super) fn sign_in_query(
        &self,
        request: Request<Bytes>,
        credentials: &Credentials,
    ) -> Result<Request<Bytes>, Miss> {
        let (mut parts, body) = request.into_parts();
        let mut address = parts.uri.to_string();
        for (name, value) in self.fields(&parts, credentials)? {
            let separator = if address.contains('?') { '&' } else { '?' };
            // Writing to a string does not fail.
            let _ = write!(address, "{separator}{name}={}", utf8_percent_encode(&value, NON_ALPHANUMERIC));
        }
        parts.uri = Uri::try_from(address).map_err(|error| failed("an address", error))?;
        Ok(Request::from_parts(parts, body))
    }
}

/// The signature that a request should have had, as its server would compute it from the request's own lists.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
