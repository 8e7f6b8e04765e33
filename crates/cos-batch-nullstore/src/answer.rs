//! Answers. The XML here is fixed text with names and numbers filled in; names are escaped.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    ask::Operation,
    body::Content,
    faults::Fault,
    kept::{Object, range},
};

/// An answer.
pub(crate) type Answer = Response<Content>;

/// When everything here changed last: a time that no job's constraints care about.
const CHANGED: &str = "Sat, 01 Nov 2025 08:30:00 GMT";
const CHANGED_ISO: &str = "2025-11-01T08:30:00.000Z";

/// What a copy is answered, with the element order of both APIs.
const COPIED: &[u8] = b"<CopyObjectResult><ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag>\
                        <LastModified>2025-11-01T08:30:00Z</LastModified></CopyObjectResult>";

/// ETag and size of objects that are only pretended to be there.
const PRETENDED_ETAG: &str = "\"0cc175b9c0f1b6a831c399e269772661\"";
const PRETENDED_BYTES: u64 = 1024;

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    let mut answer = Response::new(Bytes::new().into());
    *answer.status_mut() = status;
    answer
}

/// An answer with an XML document.
pub(crate) fn xml(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let bytes: Bytes = text.into();
    let mut answer = Response::new(bytes.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// An operation that went well.
pub(crate) fn operation(operation: Operation) -> Answer {
    match operation {
        Operation::Copy => xml(StatusCode::OK, Bytes::from_static(COPIED)),
        Operation::Delete => empty(StatusCode::NO_CONTENT),
        Operation::Tag => empty(StatusCode::OK),
        Operation::Restore => empty(StatusCode::ACCEPTED),
    }
}

/// What is said of an operation that went wrong; none: no answer at all.
pub(crate) fn fault(asked: Operation, fault: Fault) -> Option<Answer> {
    match fault {
        Fault::InternalError => Some(error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")),
        Fault::ServiceUnavailable => Some(error(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")),
        Fault::SlowDown => Some(error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown")),
        Fault::ErrorIn200 => Some(error(StatusCode::OK, "InternalError")),
        Fault::Truncated => match operation(asked).map(Content::broken_off) {
            answer if hyper::body::Body::is_end_stream(answer.body()) => None,
            answer => Some(answer),
        },
        Fault::Reset | Fault::LostAnswer | Fault::Hang => None,
    }
}

/// An error in the form of both APIs.
pub(crate) fn error(status: StatusCode, code: &str) -> Answer {
    let text = format!(
        "<Error><Code>{code}</Code><Message>as told</Message><Resource>null</Resource><RequestId>null</RequestId></Error>"
    );
    xml(status, text)
}

/// The attributes of an object that was put, or of one that is only pretended to be there.
pub(crate) fn head(object: Option<&Object>) -> Answer {
    let mut answer = empty(StatusCode::OK);
    let (etag, bytes) = match object {
        Some(object) => (quoted(&object.etag), object.body.len() as u64),
        None => (HeaderValue::from_static(PRETENDED_ETAG), PRETENDED_BYTES),
    };
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CONTENT_LENGTH, bytes.into());
    headers.insert(header::LAST_MODIFIED, HeaderValue::from_static(CHANGED));
    answer
}

/// The content of an object that was put.
pub(crate) fn content(object: &Object, wanted: Option<&str>) -> Answer {
    let size = object.body.len();
    let Some(wanted) = wanted else {
        let mut answer = Response::new(object.body.clone().into());
        answer.headers_mut().insert(header::ETAG, quoted(&object.etag));
        answer.headers_mut().insert(header::LAST_MODIFIED, HeaderValue::from_static(CHANGED));
        return answer;
    };
    let Some(range) = range(wanted, size) else { return error(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange") };
    let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
    let mut answer = Response::new(object.body.slice(range).into());
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, quoted(&object.etag));
    headers.insert(header::LAST_MODIFIED, HeaderValue::from_static(CHANGED));
    if let Ok(shown) = HeaderValue::from_str(&shown) {
        headers.insert(header::CONTENT_RANGE, shown);
    }
    answer
}

/// An object was put.
pub(crate) fn put(object: &Object) -> Answer {
    let mut answer = empty(StatusCode::OK);
    answer.headers_mut().insert(header::ETAG, quoted(&object.etag));
    answer
}

/// A page of kept objects, with the markers of both versions of the list.
pub(crate) fn list<'a>(bucket: &str, objects: impl Iterator<Item = (&'a str, &'a Object)>, limit: usize) -> Answer {
    let mut contents = String::new();
    let (mut last, mut more) = (String::new(), false);
    for (count, (name, object)) in objects.enumerate() {
        if count == limit {
            more = true;
            break;
        }
        last = escaped(name.split_once('/').map_or("", |(_, key)| key));
        contents.push_str(&format!(
            "<Contents><Key>{last}</Key><LastModified>{CHANGED_ISO}</LastModified><ETag>\"{}\"</ETag><Size>{}</Size>\
             <StorageClass>STANDARD</StorageClass></Contents>",
            object.etag,
            object.body.len()
        ));
    }
    let next = if more {
        format!("<NextMarker>{last}</NextMarker><NextContinuationToken>{last}</NextContinuationToken>")
    } else {
        String::new()
    };
    let bucket = escaped(bucket);
    let text = format!(
        "<ListBucketResult><Name>{bucket}</Name><IsTruncated>{more}</IsTruncated>{next}{contents}</ListBucketResult>"
    );
    xml(StatusCode::OK, text)
}

/// No tags.
pub(crate) fn tags() -> Answer {
    xml(StatusCode::OK, Bytes::from_static(b"<Tagging><TagSet></TagSet></Tagging>"))
}

fn quoted(etag: &str) -> HeaderValue {
    // Hex digits: always a legal value.
    HeaderValue::from_str(&format!("\"{etag}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
