//! What `cos-batch serve` offers beside the API, as a command asks for it.

use std::time::Duration;

use bytes::Bytes;
use cos_batch_client::{Client, Error as ClientError, ExtensionRequest};
use cos_batch_engine::view::{
    JobDetails, ObjectAttributes, ObjectPage, PartName, READ_BYTES_MAX, RetryRequest, RetryResult, SampleResult,
    TaskPage, Validation, Written,
};
use cos_batch_model::{ApiError, ErrorCode, JobId};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    connection::Connection,
    exit::{About, Error, Exit},
    failure::{STRANGER, of_making},
};

/// What helps where a server has the API alone.
const OTHER_SERVERS: &str = "--endpoint or COS_BATCH_ENDPOINT of a cos-batch serve; create, describe, list, wait and others go \
                             with every server of the API";

/// Bare in the values of a query.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The HTTP status of what is not there.
const NOT_FOUND: u16 = 404;

/// The server's extension.
pub(crate) struct Remote<'a> {
    client: &'a Client,
    /// What the command wants of it, for the error where there is none.
    wanted: &'static str,
    /// Longest time for what reads or writes a whole manifest at the server.
    long: Duration,
}

/// An object of some bucket, pinned to its content.
pub(crate) struct Pinned {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) attributes: ObjectAttributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Upload {
    upload: String,
}

impl<'a> Remote<'a> {
    /// Asks for this: "views of jobs", say.
    pub(crate) fn new(client: &'a Client, connection: &Connection, wanted: &'static str) -> Self {
        Self { client, wanted, long: connection.timeout_long() }
    }

    /// A job in full; none if the server has no such view.
    pub(crate) async fn details_if_any(&self, job: &JobId) -> Result<Option<JobDetails>, Error> {
        let request = ExtensionRequest::get(format!("/-/jobs/{}", value(job.as_str())));
        match self.client.extension(request).await {
            Ok(answer) => read(answer.body()).map(Some),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A job in full.
    pub(crate) async fn details(&self, job: &JobId) -> Result<JobDetails, Error> {
        self.json(ExtensionRequest::get(format!("/-/jobs/{}", value(job.as_str())))).await
    }

    /// A page of a job's tasks.
    pub(crate) async fn tasks(
        &self,
        job: &JobId,
        succeeded: bool,
        code: Option<&str>,
        after: Option<&str>,
        limit: u64,
    ) -> Result<TaskPage, Error> {
        let path = format!("/-/jobs/{}/tasks", value(job.as_str()));
        let limit = limit.to_string();
        let succeeded = if succeeded { "true" } else { "" };
        let query = [
            ("succeeded", succeeded),
            ("code", code.unwrap_or_default()),
            ("after", after.unwrap_or_default()),
            ("limit", &limit),
        ];
        self.json(ExtensionRequest::get(address(&path, &query))).await
    }

    /// A new job of a job's failed tasks.
    pub(crate) async fn retry(&self, job: &JobId, request: &RetryRequest) -> Result<RetryResult, Error> {
        let mut call = with_json(Method::POST, format!("/-/jobs/{}/retry", value(job.as_str())), request)?;
        // The token makes it safe.
        call.timeout = Some(self.long);
        let again = format!("the same again with --token {}: no second job is made", request.client_request_token);
        self.making(call, "the new job was made", &again).await
    }

    /// What can be known of a job before it is made.
    pub(crate) async fn validate(&self, request: Bytes) -> Result<Validation, Error> {
        let call = ExtensionRequest {
            method: Method::POST,
            body: request,
            content_type: Some("application/xml"),
            timeout: Some(self.long),
            ..ExtensionRequest::get("/-/validate")
        };
        self.json(call).await
    }

    /// Two jobs: one over so many rows, one over the rest.
    pub(crate) async fn sample(
        &self,
        request: Bytes,
        rows: u64,
        to: Option<(&str, &str)>,
    ) -> Result<SampleResult, Error> {
        let (bucket, key) = to.unwrap_or_default();
        let rows = rows.to_string();
        let query = [("rows", rows.as_str()), ("bucket", bucket), ("key", key)];
        let call = ExtensionRequest {
            method: Method::POST,
            body: request,
            content_type: Some("application/xml"),
            // A second one is refused, since the token is used; which jobs the first one made is then not known.
            repeatable: false,
            timeout: Some(self.long),
            ..ExtensionRequest::get(address("/-/sample", &query))
        };
        self.making(call, "the two jobs were made", "cos-batch list shows whether they are there").await
    }

    /// A page of a bucket's objects.
    pub(crate) async fn list(&self, bucket: &str, prefix: &str, after: Option<&str>) -> Result<ObjectPage, Error> {
        let query = [("bucket", bucket), ("prefix", prefix), ("after", after.unwrap_or_default())];
        self.json(ExtensionRequest::get(address("/-/objects", &query))).await
    }

    /// An object as it is now; none if there is none.
    pub(crate) async fn find(&self, bucket: &str, key: &str) -> Result<Option<Pinned>, Error> {
        let query = [("bucket", bucket), ("key", key)];
        match self.client.extension(ExtensionRequest::get(address("/-/objects/attributes", &query))).await {
            Ok(answer) => {
                let attributes = read(answer.body())?;
                Ok(Some(Pinned { bucket: bucket.to_owned(), key: key.to_owned(), attributes }))
            }
            Err(error) if error.api().is_some_and(is_no_object) => Ok(None),
            Err(error) => Err(self.explained(error)),
        }
    }

    /// The next bytes of an object from `start` on.
    pub(crate) async fn piece(&self, object: &Pinned, start: u64) -> Result<Bytes, Error> {
        let end = start.saturating_add(READ_BYTES_MAX).to_string();
        let version = object.attributes.version_id.as_deref().unwrap_or_default();
        let query = [
            ("bucket", object.bucket.as_str()),
            ("key", &object.key),
            ("version", version),
            ("start", &start.to_string()),
            ("end", &end),
            ("pin", &object.attributes.pin),
        ];
        let request = ExtensionRequest::get(address("/-/objects/content", &query));
        let answer = self.client.extension(request).await.map_err(|error| self.explained(error))?;
        Ok(answer.into_body())
    }

    /// A whole object, which must have at most so many bytes.
    pub(crate) async fn whole(&self, object: &Pinned, most: u64) -> Result<Vec<u8>, Error> {
        let (name, size) = (format!("{}/{}", object.bucket, object.key), object.attributes.size);
        if size > most {
            return Err(Error::other(format!(
                "{name} has {size} bytes, more than {most}, the most that is read at once"
            )));
        }
        let mut body = Vec::new();
        while (body.len() as u64) < size {
            let piece = self.piece(object, body.len() as u64).await?;
            if piece.is_empty() {
                return Err(Error::other(format!("{name} became shorter while it was read")));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    /// Writes an object in one piece.
    pub(crate) async fn write(&self, bucket: &str, key: &str, body: Bytes) -> Result<Written, Error> {
        let call = ExtensionRequest {
            method: Method::PUT,
            body,
            content_type: Some("text/csv"),
            ..ExtensionRequest::get(address("/-/objects/content", &[("bucket", bucket), ("key", key)]))
        };
        self.json(call).await
    }

    /// Begins an object in parts.
    pub(crate) async fn begin_upload(&self, bucket: &str, key: &str) -> Result<String, Error> {
        let query = [("bucket", bucket), ("key", key), ("contentType", "text/csv")];
        let call = ExtensionRequest {
            method: Method::POST,
            repeatable: false,
            ..ExtensionRequest::get(address("/-/uploads", &query))
        };
        Ok(self.json::<Upload>(call).await?.upload)
    }

    /// Writes one part.
    pub(crate) async fn upload_part(
        &self,
        (bucket, key, upload): (&str, &str, &str),
        number: u16,
        body: Bytes,
    ) -> Result<Written, Error> {
        let number = number.to_string();
        let query = [("bucket", bucket), ("key", key), ("upload", upload), ("number", &number)];
        let call =
            ExtensionRequest { method: Method::PUT, body, ..ExtensionRequest::get(address("/-/uploads", &query)) };
        self.json(call).await
    }

    /// Puts the object together.
    pub(crate) async fn complete_upload(
        &self,
        (bucket, key, upload): (&str, &str, &str),
        parts: &[PartName],
    ) -> Result<Written, Error> {
        let query = [("bucket", bucket), ("key", key), ("upload", upload)];
        let mut call = with_json(Method::POST, address("/-/uploads/complete", &query), parts)?;
        call.repeatable = false;
        call.timeout = Some(self.long);
        self.json(call).await
    }

    /// Drops an upload.
    pub(crate) async fn abort_upload(&self, (bucket, key, upload): (&str, &str, &str)) -> Result<(), Error> {
        let query = [("bucket", bucket), ("key", key), ("upload", upload)];
        let call = ExtensionRequest { method: Method::DELETE, ..ExtensionRequest::get(address("/-/uploads", &query)) };
        self.client.extension(call).await.map(drop).map_err(|error| self.explained(error))
    }

    async fn json<T: DeserializeOwned>(&self, request: ExtensionRequest) -> Result<T, Error> {
        let answer = self.client.extension(request).await.map_err(|error| self.explained(error))?;
        read(answer.body())
    }

    /// The same for what makes something; `next` is what to do where it is not known whether it did.
    async fn making<T: DeserializeOwned>(&self, request: ExtensionRequest, what: &str, next: &str) -> Result<T, Error> {
        match self.client.extension(request).await {
            Ok(answer) => read(answer.body()),
            Err(error) if is_missing(&error) => Err(self.explained(error)),
            Err(error) => Err(of_making(error, what, next)),
        }
    }

    /// An error, and that there is no extension where it says so.
    fn explained(&self, error: ClientError) -> Error {
        if is_missing(&error) {
            let code = error.api().map_or("", |error| error.code.as_str());
            let text = format!("the server has no {} (it answers {code}): it is not a cos-batch server", self.wanted);
            return Error::other(text).about(About::Server).with_next(OTHER_SERVERS);
        }
        if error.api().is_some_and(is_no_object) {
            return Error::new(Exit::Error, error);
        }
        error.into()
    }
}

/// Whether an error says that the server knows no such request. Jobs and objects that are not there have codes of their
/// own; any other 404 comes from a server that has no such path.
fn is_missing(error: &ClientError) -> bool {
    error.api().is_some_and(|error| match error.code {
        ErrorCode::NotImplemented | ErrorCode::InvalidUri | ErrorCode::MethodNotAllowed => true,
        ErrorCode::NoSuchJob => false,
        _ => error.status.as_u16() == NOT_FOUND && !is_no_object(error),
    })
}

fn is_no_object(error: &ApiError) -> bool {
    ["NoSuchKey", "NoSuchBucket", "NoSuchVersion", "NoSuchUpload"].contains(&error.code.as_str())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| {
        Error::other(format!("the answer cannot be read: {error}")).about(About::Server).with_next(STRANGER)
    })
}

fn with_json<T: Serialize + ?Sized>(method: Method, address: String, body: &T) -> Result<ExtensionRequest, Error> {
    let body = serde_json::to_vec(body).map_err(Error::other)?.into();
    Ok(ExtensionRequest { method, body, content_type: Some("application/json"), ..ExtensionRequest::get(address) })
}

fn value(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// Path and query; parameters without a value are left out.
fn address(path: &str, query: &[(&str, &str)]) -> String {
    let pairs = query.iter().filter(|(_, text)| !text.is_empty());
    let pairs: Vec<String> = pairs.map(|(name, text)| format!("{name}={}", value(text))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_encoded() {
        let shown = address("/-/objects", &[("bucket", "a-1"), ("prefix", "a/b +%é"), ("after", "")]);
        assert_eq!(shown, "/-/objects?bucket=a-1&prefix=a%2Fb%20%2B%25%C3%A9");
        assert_eq!(address("/-/x", &[("a", "")]), "/-/x");
    }

    #[test]
    fn a_server_without_extension_is_told_apart_from_one_without_the_job() {
        let missing = |code: &str, status: u16| {
            let mut error = ApiError::new(ErrorCode::from_wire(code), "");
            error.status = status.try_into().unwrap();
            is_missing(&ClientError::Api(error))
        };
        for (code, status) in
            [("NotImplemented", 501), ("InvalidURI", 400), ("MethodNotAllowed", 405), ("HTTP 404", 404)]
        {
            assert!(missing(code, status), "{code}");
        }
        for (code, status) in [("NoSuchJob", 404), ("NoSuchKey", 404), ("AccessDenied", 403), ("InternalError", 500)] {
            assert!(!missing(code, status), "{code}");
        }
    }
}
