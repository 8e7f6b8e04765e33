//! One request to a store, from its parts to its answer.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderName, Method, header};
use md5::{Digest, Md5};
use tokio::sync::mpsc;

use super::{
    Inner, Style, encoding, fault,
    head::{Fields, Head, Lines},
    signer::BodyBinding,
    transport::{Content, Destination, Failure, Lane, Outgoing, Pace, Terms},
};
use crate::{ErrorKind, StoreError, VersionSelector, fail::Fail, rules};

/// Bytes of an answer's document at most, where it is not a listing: an error, the result of a copy, ten tags, a hundred grants.
pub(crate) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// Bytes of a page of a listing at most: 1,000 entries, each with a key three times as long when it is encoded, and a few hundred
/// bytes of attributes.
pub(crate) const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");

/// A request in the making.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: Method,
    pub(crate) bucket: &'a str,
    /// Of no bucket at all.
    service: bool,
    pub(crate) key: Option<&'a str>,
    query: String,
    pub(crate) lines: Lines,
    body: Content,
    terms: Terms,
    binding: BodyBinding,
}

/// An answer of success.
#[derive(Debug)]
pub(crate) struct Answer {
    /// To a request that changes something: what cannot be understood leaves open whether it was carried out.
    of_write: bool,
    pub(crate) status: u16,
    pub(crate) fields: Fields,
    pub(crate) body: Bytes,
}

impl Answer {
    /// The text of a header.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.fields.text(name)
    }

    /// It does not make sense.
    pub(crate) fn nonsense(&self, what: &str) -> StoreError {
        fault::nonsense(what, self.of_write)
    }

    /// The ETag without its quotes.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.header(&header::ETAG).map(unquoted)
    }
}

/// An ETag without its quotes.
pub(crate) fn unquoted(etag: &str) -> &str {
    let etag = etag.trim();
    etag.strip_prefix('"').and_then(|etag| etag.strip_suffix('"')).unwrap_or(etag)
}

/// A request that lacks nothing but its signature.
#[derive(Debug)]
struct Made {
    head: Head,
    content: Content,
    binding: BodyBinding,
    terms: Terms,
    about: About,
}

/// What has to be known of a request when it is answered.
#[derive(Debug)]
struct About {
    /// Whom it goes to, where that is not the endpoint itself.
    of_bucket: Option<String>,
    is_head: bool,
    /// It changes something.
    of_write: bool,
}

impl<'a> Call<'a> {
    /// About the account.
    pub(crate) fn service(method: Method) -> Self {
        Self { service: true, ..Self::bucket(method, "") }
    }

    /// About a bucket.
    pub(crate) fn bucket(method: Method, bucket: &'a str) -> Self {
        let repeatable = method == Method::GET || method == Method::HEAD;
        Self {
            method,
            bucket,
            service: false,
            key: None,
            query: String::new(),
            lines: Lines::new(),
            body: Content::Whole(Bytes::new()),
            terms: Terms { answer_max: DOCUMENT_BYTES_MAX, repeatable, lane: Lane::Operation, pace: Pace::Short },
            binding: BodyBinding::Hash,
        }
    }

    /// About an object.
    pub(crate) fn object(method: Method, bucket: &'a str, key: &'a str) -> Self {
        Self { key: Some(key), ..Self::bucket(method, bucket) }
    }

    /// Adds a parameter without a value.
    pub(crate) fn flag(mut self, name: &str) -> Self {
        self.separate();
        self.query.push_str(name);
        self
    }

    /// Adds a parameter.
    pub(crate) fn parameter(mut self, name: &str, value: &str) -> Self {
        self.separate();
        self.query.push_str(name);
        self.query.push('=');
        encoding::write_value(&mut self.query, value);
        self
    }

    /// Adds the parameter that names a version.
    pub(crate) fn version(self, version: &VersionSelector) -> Self {
        match version {
            VersionSelector::Latest => self,
            VersionSelector::Id(id) => self.parameter("versionId", id),
        }
    }

    fn separate(&mut self) {
        if !self.query.is_empty() {
            self.query.push('&');
        }
    }

    /// Sets a header; what a header cannot carry is refused by its name.
    pub(crate) fn header(&mut self, name: &HeaderName, value: &str) -> Result<(), StoreError> {
        if self.lines.add(name, value) { Ok(()) } else { Err(unspeakable(name.as_str())) }
    }

    /// Sets the body of a message.
    pub(crate) fn document(mut self, body: String) -> Self {
        self.lines.add_word(&header::CONTENT_TYPE, "application/xml");
        self.with_body(Bytes::from(body))
    }

    /// Sets the content of an object.
    pub(crate) fn content(mut self, body: Bytes) -> Self {
        self.binding = BodyBinding::Transport;
        self.apart().with_content().with_body(body)
    }

    /// Sets the content of an object, or of a part, that comes in pieces. Nothing can be computed from it beforehand.
    pub(crate) fn pieces(mut self, size: u64, pieces: mpsc::Receiver<Bytes>) -> Self {
        self.binding = BodyBinding::None;
        self.body = Content::Pieces { size, pieces };
        self.apart().with_content()
    }

    fn with_body(mut self, body: Bytes) -> Self {
        let digest = BASE64_STANDARD.encode(Md5::digest(&body));
        self.lines.add_token(&CONTENT_MD5, &digest);
        self.body = Content::Whole(body);
        self
    }

    /// Says that sending it again does no harm, even if it was carried out the first time.
    pub(crate) fn repeatable(mut self) -> Self {
        self.terms.repeatable = true;
        self
    }

    /// Says how many bytes the answer may have.
    pub(crate) fn answer_max(mut self, bytes: usize) -> Self {
        self.terms.answer_max = bytes;
        self
    }

    /// Says that content goes over the way.
    pub(crate) fn with_content(mut self) -> Self {
        self.terms.pace = Pace::Content;
        self
    }

    /// Says that the store has to work for it.
    pub(crate) fn with_work(mut self) -> Self {
        self.terms.pace = Pace::Work;
        self
    }

    /// Says that it is no operation of a job.
    pub(crate) fn apart(mut self) -> Self {
        self.terms.lane = Lane::Apart;
        self
    }
}

/// Control characters have no form in a header.
fn unspeakable(name: &str) -> StoreError {
    let reason = format!("{name} has a control character, which no header can carry");
    StoreError::new(ErrorKind::InvalidArgument, reason)
}

impl Inner {
    /// Sends a request about a bucket or an object and takes in its answer. An answer that is no success is an error, which names
    /// bucket and key.
    // Not an `async fn`, and neither is the next: its future would hold the call twice, beside the request that is made of it.
    pub(crate) fn send<'s>(&'s self, call: Call<'s>) -> impl Future<Output = Result<Answer, StoreError>> + 's {
        let (bucket, key) = (call.bucket, call.key);
        let made = self.made(call);
        async move {
            let exchanged = match made {
                Ok(made) => self.exchange(made).await,
                Err(error) => Err(error),
            };
            exchanged.map_err(|error| about(error, bucket, key))
        }
    }

    /// The same where an answer of success has nothing to say: what it says all the same is looked at, since stores tell late
    /// failures so, and since somebody on the way may have answered in their place.
    pub(crate) fn order<'s>(&'s self, call: Call<'s>) -> impl Future<Output = Result<Answer, StoreError>> + 's {
        let (bucket, key) = (call.bucket, call.key);
        let sent = self.send(call);
        async move {
            let answer = sent.await?;
            super::ops::no_document(&answer).map_err(|error| about(error, bucket, key))?;
            Ok(answer)
        }
    }

    /// Makes all of a request but its signature.
    fn made(&self, call: Call<'_>) -> Result<Made, StoreError> {
        self.check(&call).map_err(|fail| StoreError::new(fail.kind, fail.reason))?;
        let wire_bucket = self.wire_bucket(call.bucket);
        let of_bucket = match call.service || self.style == Style::Path {
            true => None,
            false => Some(format!("{wire_bucket}.{}", self.endpoint.host())),
        };
        let host = of_bucket.as_deref().unwrap_or(self.endpoint.host());
        let target = self.target(&call, wire_bucket);
        let origin = match self.transport.wants_absolute_targets() {
            true => format!("http://{host}"),
            false => String::new(),
        };
        let mut lines = call.lines;
        if !lines.add(&header::HOST, host) {
            return Err(unspeakable("host"));
        }
        let length = match &call.body {
            Content::Whole(body) => body.len() as u64,
            Content::Pieces { size, .. } => *size,
        };
        if length > 0 || call.method == Method::PUT || call.method == Method::POST {
            lines.add_number(&header::CONTENT_LENGTH, length);
        }
        let is_head = call.method == Method::HEAD;
        let of_write = !is_head && call.method != Method::GET;
        let head = Head { method: call.method, origin, target, lines };
        let binding = match call.binding {
            BodyBinding::Transport if !self.endpoint.is_https() => BodyBinding::Hash,
            binding => binding,
        };
        let about = About { of_bucket, is_head, of_write };
        Ok(Made { head, content: call.body, binding, terms: call.terms, about })
    }

    /// Signs a request, sends it and takes in its answer; without names in the error.
    async fn exchange(&self, made: Made) -> Result<Answer, StoreError> {
        let Made { mut head, content, binding, terms, about } = made;
        let deadline = self.transport.deadline(terms.pace);
        let body: &[u8] = match &content {
            Content::Whole(body) => body,
            Content::Pieces { .. } => b"",
        };
        let signed = self.transport.prepared(self.signer.sign(&mut head, body, binding)).await;
        signed.map_err(|failure| self.failed(&about, &failure))??;
        if let Some(authorization) = self.transport.proxy_authorization() {
            head.lines.add_token(&header::PROXY_AUTHORIZATION, authorization);
        }
        let to = Destination { scheme: self.endpoint.scheme(), host: self.host(&about) };
        let mut request = Outgoing::new(head, content);
        let sent = self.transport.send(to, &mut request, terms, deadline).await;
        let (status, fields, body) = sent.map_err(|failure| self.failed(&about, &failure))?;
        if !(200..300).contains(&status) {
            return Err(match about.is_head {
                true => fault::of_head(status, &fields),
                false => fault::of_answer(status, &fields, &body),
            });
        }
        Ok(Answer { of_write: about.of_write, status, fields, body })
    }

    /// Whom a request goes to.
    fn host<'h>(&'h self, about: &'h About) -> &'h str {
        about.of_bucket.as_deref().unwrap_or(self.endpoint.host())
    }

    fn failed(&self, about: &About, failure: &Failure) -> StoreError {
        fault::of_failure(failure, self.host(about), about.of_write)
    }

    /// Names from users are looked at before anything is made of them.
    fn check(&self, call: &Call<'_>) -> Result<(), Fail> {
        if !call.service && !rules::is_bucket_name(call.bucket) {
            return Err(Fail::new(ErrorKind::NoSuchBucket, "no bucket can have this name"));
        }
        if let Some(key) = call.key {
            self.check_key(key)?;
        }
        Ok(())
    }

    pub(crate) fn check_key(&self, key: &str) -> Result<(), Fail> {
        let max = self.dialect.key_bytes_max();
        if (1..=max).contains(&key.len()) {
            return Ok(());
        }
        let reason = format!("a key has 1–{max} bytes, this one has {}", key.len());
        Err(Fail::new(ErrorKind::InvalidObjectName, reason))
    }

    /// Path and query, of visible ASCII alone: whatever else there is in a name is percent-encoded.
    fn target(&self, call: &Call<'_>, bucket: &str) -> String {
        let key_bytes = call.key.map_or(0, str::len);
        let mut path = String::with_capacity(bucket.len() + 2 * key_bytes + call.query.len() + 8);
        path.push('/');
        if self.style == Style::Path && !call.service {
            path.push_str(bucket);
            path.push('/');
        }
        if let Some(key) = call.key {
            self.dialect.write_key(&mut path, key);
        }
        if !call.query.is_empty() {
            path.push('?');
            path.push_str(&call.query);
        }
        path
    }
}

/// The error with the names of bucket and key, as a caller knows them.
fn about(error: StoreError, bucket: &str, key: Option<&str>) -> StoreError {
    let fail = Fail::new(error.kind(), error.message().to_owned());
    let named = match key {
        Some(key) => fail.about(bucket, key),
        None => fail.about_bucket(bucket),
    };
    error.with_message(named.message())
}
