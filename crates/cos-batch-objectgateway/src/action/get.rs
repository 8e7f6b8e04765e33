//! GET and HEAD Object.

use cos_batch_objectstore::ObjectMeta;
use http::{HeaderName, Response, StatusCode, header};

use super::{Answer, Call, empty};
use crate::{
    body::{AnswerBody, ObjectBody},
    conditions::{self, Conditions, Verdict},
    error::Failure,
    headers, range, time,
};

/// Parameters of a request that set a header of its answer.
const OVERRIDES: [(&str, HeaderName); 6] = [
    ("response-cache-control", header::CACHE_CONTROL),
    ("response-content-disposition", header::CONTENT_DISPOSITION),
    ("response-content-encoding", header::CONTENT_ENCODING),
    ("response-content-language", header::CONTENT_LANGUAGE),
    ("response-content-type", header::CONTENT_TYPE),
    ("response-expires", header::EXPIRES),
];

pub(super) async fn head(call: &Call<'_>) -> Answer {
    let meta = call.head_of(call.version()).await?;
    if let Some(unchanged) = unchanged(call, &meta)? {
        return Ok(unchanged);
    }
    let mut response = empty(StatusCode::OK);
    describe(call, &meta, &mut response);
    headers::put(response.headers_mut(), header::CONTENT_LENGTH, &meta.size.to_string());
    Ok(response)
}

pub(super) async fn get(call: &Call<'_>) -> Answer {
    let version = call.version();
    let meta = call.head_of(version.clone()).await?;
    if let Some(unchanged) = unchanged(call, &meta)? {
        return Ok(unchanged);
    }
    let asked = range::of_get(headers::text(call.headers, "range")?, meta.size)?;
    let range = asked.clone().unwrap_or(0..meta.size);
    let length = range.end - range.start;
    let (bucket, key) = call.object();
    let mut object =
        ObjectBody { store: call.store.clone(), bucket, key, version, pin: meta.pin.clone(), range: range.clone() };
    let first = object.next().await?;
    let mut response = Response::new(object.into_body(first));
    describe(call, &meta, &mut response);
    headers::put(response.headers_mut(), header::CONTENT_LENGTH, &length.to_string());
    if asked.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size);
        headers::put(response.headers_mut(), header::CONTENT_RANGE, &content_range);
    }
    Ok(response)
}

/// The answer to a client that has the object, if it does.
fn unchanged(call: &Call<'_>, meta: &ObjectMeta) -> Result<Option<Response<AnswerBody>>, Failure> {
    match Conditions::of(call.headers).verdict(&meta.etag, meta.last_modified) {
        Verdict::Met => Ok(None),
        Verdict::Failed => Err(conditions::failed()),
        Verdict::NotModified => {
            let mut response = empty(StatusCode::NOT_MODIFIED);
            headers::put(response.headers_mut(), header::ETAG, &headers::quoted(&meta.etag));
            headers::put(response.headers_mut(), header::LAST_MODIFIED, &time::http(meta.last_modified));
            Ok(Some(response))
        }
    }
}

fn describe(call: &Call<'_>, meta: &ObjectMeta, response: &mut Response<AnswerBody>) {
    headers::describe(meta, response.headers_mut());
    for (parameter, header) in OVERRIDES {
        if let Some(value) = call.query.filled(parameter) {
            headers::put(response.headers_mut(), header, value);
        }
    }
}
