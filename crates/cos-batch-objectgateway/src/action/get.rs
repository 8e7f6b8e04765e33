//! GET and HEAD Object.

use cos_batch_objectstore::{ErrorKind, ObjectMeta, StoreError, VersionSelector};
use http::{HeaderName, Response, StatusCode, header};

use super::{Answer, Call, empty, tell_checksum};
use crate::{
    body::{AnswerBody, ObjectBody},
    conditions::{self, Conditions, Verdict},
    error::{Code, Failure},
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
    if let Some(answer) = try_get(call).await? {
        return Ok(answer);
    }
    // The object was replaced between a look at it and its first bytes: that of now will do as well.
    let again = try_get(call).await?;
    again.ok_or_else(|| Failure::new(Code::PathConflict, "the object changes while it is read: try again"))
}

/// The object, unless it is another one by the time it is read.
async fn try_get(call: &Call<'_>) -> Result<Option<Response<AnswerBody>>, Failure> {
    let named = call.version();
    let meta = call.head_of(named.clone()).await?;
    if let Some(unchanged) = unchanged(call, &meta)? {
        return Ok(Some(unchanged));
    }
    // The range that goes with another object than this one does not count: then all of it is wanted.
    let range = headers::text(call.headers, "range")?
        .filter(|_| conditions::range_holds(call.headers, &meta.etag, meta.last_modified));
    let asked = range::of_get(range, meta.size)?;
    let range = asked.clone().unwrap_or(0..meta.size);
    let length = range.end - range.start;
    let (bucket, key) = call.object();
    // Where versions are kept, this one can be read to its end whatever is written meanwhile.
    let version = meta.version_id.clone().map_or(named, VersionSelector::Id);
    let mut object =
        ObjectBody { store: call.store.clone(), bucket, key, version, pin: meta.pin.clone(), range: range.clone() };
    let first = match object.next().await {
        Ok(first) => first,
        Err(error) if is_another(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut response = Response::new(object.into_body(first));
    describe(call, &meta, &mut response);
    headers::put(response.headers_mut(), header::CONTENT_LENGTH, &length.to_string());
    if asked.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let content_range = format!("bytes {}-{}/{}", range.start, range.end - 1, meta.size);
        headers::put(response.headers_mut(), header::CONTENT_RANGE, &content_range);
    }
    Ok(Some(response))
}

/// The object is not the one that was seen, which may be shorter or gone.
fn is_another(error: &StoreError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::PreconditionFailed | ErrorKind::InvalidRange | ErrorKind::NoSuchKey | ErrorKind::NoSuchVersion
    )
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
    if let Some(sum) = call.checksums.of(&meta.etag).filter(|sum| sum.size == meta.size) {
        tell_checksum(response, sum.crc);
    }
    for (parameter, header) in OVERRIDES {
        if let Some(value) = call.query.filled(parameter) {
            headers::put(response.headers_mut(), header, value);
        }
    }
}
