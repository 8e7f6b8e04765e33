//! What this server offers beside the API: the engine's views, and objects. Its forms are in `docs/extension.md`.

mod query;

use std::{ops::Range, sync::Arc};

use bytes::Bytes;
use cos_batch_engine::{
    Engine,
    view::{LIST_LIMIT_MAX, ObjectName, PartName, READ_BYTES_MAX, ROWS_LIMIT_MAX, RetryRequest, RowFilter},
};
use cos_batch_model::{ApiError, BoxFuture, CreateJobRequest, ErrorCode, RequestContext, xml};
use cos_batch_server::{EXTENSION_PREFIX, Extension};
use http::{
    HeaderValue, Method, Request, Response,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use self::query::Query;

/// Most parts that completing an upload may name: what COS and S3 take.
const PARTS_MAX: usize = 10_000;

/// The views of an engine over HTTP.
pub(super) struct Views(pub(super) Arc<Engine>);

impl Extension for Views {
    fn answer<'a>(
        &'a self,
        context: &'a RequestContext,
        request: Request<Bytes>,
    ) -> BoxFuture<'a, Result<Response<Bytes>, ApiError>> {
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let path = head.uri.path().strip_prefix(EXTENSION_PREFIX).unwrap_or_default();
            let query = Query::parse(head.uri.query().unwrap_or_default())?;
            let call = Call { engine: &self.0, context, query, headers: &head.headers, body };
            let parts: Vec<&str> = path.split('/').collect();
            match (&head.method, &parts[..]) {
                (&Method::GET, ["jobs", id]) => call.job(id).await,
                (&Method::GET, ["jobs", id, "tasks"]) => call.tasks(id).await,
                (&Method::POST, ["jobs", id, "retry"]) => call.retry(id).await,
                (&Method::POST, ["validate"]) => call.validate().await,
                (&Method::POST, ["sample"]) => call.sample().await,
                (&Method::GET, ["objects"]) => call.list().await,
                (&Method::GET, ["objects", "attributes"]) => call.attributes().await,
                (&Method::GET, ["objects", "content"]) => call.read().await,
                (&Method::PUT, ["objects", "content"]) => call.write().await,
                (&Method::POST, ["uploads"]) => call.begin_upload().await,
                (&Method::PUT, ["uploads"]) => call.upload_part().await,
                (&Method::POST, ["uploads", "complete"]) => call.end_upload(true).await,
                (&Method::DELETE, ["uploads"]) => call.end_upload(false).await,
                _ => {
                    let message = format!("the extension has no {} {EXTENSION_PREFIX}{path}", head.method);
                    Err(ApiError::new(ErrorCode::NotImplemented, message))
                }
            }
        })
    }
}

/// One request on its way to the engine.
struct Call<'a> {
    engine: &'a Engine,
    context: &'a RequestContext,
    query: Query,
    headers: &'a HeaderMap,
    body: Bytes,
}

impl Call<'_> {
    async fn job(mut self, id: &str) -> Result<Response<Bytes>, ApiError> {
        self.done()?;
        json_answer(&self.engine.details(self.context, &query::decode(id)?).await?)
    }

    async fn tasks(mut self, id: &str) -> Result<Response<Bytes>, ApiError> {
        let filter = RowFilter { succeeded: self.query.flag("succeeded")?, code: self.query.text("code") };
        let after = self.query.text("after").map(|text| text.parse()).transpose()?;
        let limit = self.query.number("limit", 1..=ROWS_LIMIT_MAX as u64)?.unwrap_or(ROWS_LIMIT_MAX as u64);
        self.done()?;
        let limit = usize::try_from(limit).unwrap_or(ROWS_LIMIT_MAX);
        json_answer(&self.engine.task_rows(self.context, &query::decode(id)?, &filter, after, limit).await?)
    }

    async fn retry(mut self, id: &str) -> Result<Response<Bytes>, ApiError> {
        self.query.end()?;
        let request: RetryRequest = json_body(&self.body)?;
        json_answer(&self.engine.retry(self.context, &query::decode(id)?, request).await?)
    }

    async fn validate(mut self) -> Result<Response<Bytes>, ApiError> {
        self.query.end()?;
        json_answer(&self.engine.validate(self.context, &create_request(&self.body)?).await?)
    }

    async fn sample(mut self) -> Result<Response<Bytes>, ApiError> {
        let rows = self.query.number("rows", 1..=u64::MAX)?;
        let rows = rows.ok_or_else(|| ApiError::new(ErrorCode::InvalidArgument, "parameter rows is missing"))?;
        let place = match (self.query.text("bucket"), self.query.text("key")) {
            (Some(bucket), Some(key)) => Some(ObjectName { bucket, key }),
            (None, None) => None,
            _ => {
                let message = "bucket and key, the beginning of the new manifests' names, go together";
                return Err(ApiError::new(ErrorCode::InvalidArgument, message));
            }
        };
        self.query.end()?;
        json_answer(&self.engine.create_sampled(self.context, create_request(&self.body)?, rows, place).await?)
    }

    async fn list(mut self) -> Result<Response<Bytes>, ApiError> {
        let bucket = self.query.needed("bucket")?;
        let prefix = self.query.text("prefix").unwrap_or_default();
        let after = self.query.text("after");
        let limit = self.query.number("limit", 1..=LIST_LIMIT_MAX as u64)?.unwrap_or(LIST_LIMIT_MAX as u64);
        self.done()?;
        let limit = usize::try_from(limit).unwrap_or(LIST_LIMIT_MAX);
        json_answer(&self.engine.list_objects(self.context, &bucket, &prefix, after.as_deref(), limit).await?)
    }

    async fn attributes(mut self) -> Result<Response<Bytes>, ApiError> {
        let (bucket, key, version) =
            (self.query.needed("bucket")?, self.query.needed("key")?, self.query.text("version"));
        self.done()?;
        json_answer(&self.engine.object_attributes(self.context, &bucket, &key, version.as_deref()).await?)
    }

    async fn read(mut self) -> Result<Response<Bytes>, ApiError> {
        let (bucket, key, version) =
            (self.query.needed("bucket")?, self.query.needed("key")?, self.query.text("version"));
        let pin = self.query.text("pin");
        let start = self.query.number("start", 0..=u64::MAX)?.unwrap_or(0);
        let end = self.query.number("end", 0..=u64::MAX)?.unwrap_or(start.saturating_add(READ_BYTES_MAX));
        self.done()?;
        let range = Range { start, end };
        let read = self.engine.read_object(self.context, &bucket, &key, version.as_deref(), range, pin.as_deref());
        let mut answer = Response::new(read.await?);
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        Ok(answer)
    }

    async fn write(mut self) -> Result<Response<Bytes>, ApiError> {
        let (bucket, key) = (self.query.needed("bucket")?, self.query.needed("key")?);
        self.query.end()?;
        let kind = self.content_type();
        json_answer(&self.engine.write_object(self.context, &bucket, &key, self.body, kind.as_deref()).await?)
    }

    async fn begin_upload(mut self) -> Result<Response<Bytes>, ApiError> {
        let (bucket, key) = (self.query.needed("bucket")?, self.query.needed("key")?);
        let kind = self.query.text("contentType");
        self.done()?;
        let id = self.engine.begin_upload(self.context, &bucket, &key, kind.as_deref()).await?;
        json_answer(&json!({ "Upload": id }))
    }

    async fn upload_part(mut self) -> Result<Response<Bytes>, ApiError> {
        let (bucket, key) = (self.query.needed("bucket")?, self.query.needed("key")?);
        let id = self.query.needed("upload")?;
        let number = self.query.number("number", 1..=PARTS_MAX as u64)?.unwrap_or(1);
        self.query.end()?;
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        json_answer(&self.engine.upload_part(self.context, (&bucket, &key, &id), number, self.body).await?)
    }

    async fn end_upload(mut self, complete: bool) -> Result<Response<Bytes>, ApiError> {
        let (bucket, key) = (self.query.needed("bucket")?, self.query.needed("key")?);
        let id = self.query.needed("upload")?;
        let parts = if complete {
            self.query.end()?;
            let parts: Vec<PartName> = json_body(&self.body)?;
            if parts.len() > PARTS_MAX {
                let message = format!("an object has at most {PARTS_MAX} parts, not {}", parts.len());
                return Err(ApiError::new(ErrorCode::InvalidArgument, message));
            }
            Some(parts)
        } else {
            self.done()?;
            None
        };
        let written = self.engine.end_upload(self.context, (&bucket, &key, &id), parts).await?;
        written.map_or_else(|| json_answer(&json!({})), |written| json_answer(&written))
    }

    /// What a body is said to be, if it is said in a way that can be kept.
    fn content_type(&self) -> Option<String> {
        self.headers.get(CONTENT_TYPE)?.to_str().ok().map(str::to_owned)
    }

    /// The whole query was read, and there is no body.
    fn done(&mut self) -> Result<(), ApiError> {
        if !self.body.is_empty() {
            return Err(ApiError::new(ErrorCode::InvalidRequest, "this request has no body: send none"));
        }
        self.query.end()
    }
}

fn json_answer<T: Serialize>(value: &T) -> Result<Response<Bytes>, ApiError> {
    let text = serde_json::to_vec(value)
        .map_err(|error| ApiError::new(ErrorCode::InternalError, format!("the answer has no form: {error}")))?;
    let mut answer = Response::new(Bytes::from(text));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(answer)
}

/// A CreateJobRequest, as strictly read as that of the API.
fn create_request(body: &[u8]) -> Result<CreateJobRequest, ApiError> {
    if body.len() > xml::MAX_REQUEST_BYTES {
        let message = format!("a CreateJobRequest has at most {} bytes, not {}", xml::MAX_REQUEST_BYTES, body.len());
        return Err(ApiError::new(ErrorCode::XmlSizeLimit, message));
    }
    let request: CreateJobRequest = xml::from_slice(body, xml::Mode::Strict)?;
    request.validate()?;
    Ok(request)
}

fn json_body<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let wrong = |error| ApiError::new(ErrorCode::InvalidRequest, format!("the body is not the JSON expected: {error}"));
    serde_json::from_slice(body).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use cos_batch_server::EXTENSION_BODY_BYTES_MAX;

    use super::*;

    #[test]
    fn the_page_has_these_numbers() {
        let page = include_str!("../../../../../docs/extension.md");
        let mebibytes = |bytes: u64| format!("{} MiB", bytes >> 20);
        for words in [
            format!("`limit` (1 to {LIST_LIMIT_MAX}, {LIST_LIMIT_MAX} if absent)"),
            format!("most tasks, 1 to {ROWS_LIMIT_MAX}, {ROWS_LIMIT_MAX} if absent"),
            format!("(not included), at most {}", mebibytes(READ_BYTES_MAX)),
            format!("writes the body, up to {}, as an object", mebibytes(EXTENSION_BODY_BYTES_MAX as u64)),
            format!("writes the body, up to {}, as a part", mebibytes(EXTENSION_BODY_BYTES_MAX as u64)),
            format!("`number` (1 to {PARTS_MAX}, 1 if absent)"),
        ] {
            assert!(page.contains(&words), "{words}");
        }
    }
}
