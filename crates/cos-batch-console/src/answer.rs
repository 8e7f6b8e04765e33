//! Answers: pages, ways to other pages, files in pieces.

use std::{convert::Infallible, sync::Arc};

use askama::Template;
use bytes::Bytes;
use cos_batch_engine::{
    Engine,
    report::row::is_formula,
    view::{READ_BYTES_MAX, RowFilter, RowPlace, TaskRow},
};
use cos_batch_model::{ApiError, ErrorCode, RequestContext};
use futures_util::stream::{self, Stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The body of an answer; where it fails in the middle, the connection breaks off, so that nothing passes for whole that
/// is not.
pub type Body = UnsyncBoxBody<Bytes, ApiError>;

/// An answer.
pub(crate) type Answer = Response<Body>;

/// Bytes of an object that are read at once while it is downloaded.
const PIECE_BYTES: u64 = READ_BYTES_MAX / 4;

/// Rows that are read at once while they are downloaded.
const PIECE_ROWS: usize = 1000;

/// Left bare in queries.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A text for a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// An answer with all of this.
pub(crate) fn whole(content: impl Into<Bytes>, kind: &'static str) -> Answer {
    let mut answer =
        Response::new(Full::new(content.into()).map_err(|never: Infallible| match never {}).boxed_unsync());
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// A page.
pub(crate) fn page(template: &impl Template, status: StatusCode) -> Result<Answer, ApiError> {
    let text = template.render().map_err(|error| {
        tracing::error!(%error, "a page cannot be written");
        ApiError::new(ErrorCode::InternalError, "the page cannot be written")
    })?;
    let mut answer = whole(text, "text/html; charset=utf-8");
    *answer.status_mut() = status;
    Ok(answer)
}

/// Sends the browser to another page.
pub(crate) fn see(path: &str) -> Result<Answer, ApiError> {
    let mut answer = whole(Bytes::new(), "text/plain");
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let path = HeaderValue::try_from(path)
        .map_err(|_| ApiError::new(ErrorCode::InvalidUri, "this address cannot be gone to"))?;
    answer.headers_mut().insert(header::LOCATION, path);
    Ok(answer)
}

fn file<S>(pieces: S, kind: &'static str, name: &str) -> Answer
where
    S: Stream<Item = Result<Bytes, ApiError>> + Send + 'static,
{
    use futures_util::StreamExt as _;
    let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data)));
    let mut answer = Response::new(BodyExt::boxed_unsync(body));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = name.rsplit('/').next().unwrap_or_default();
    let disposition = format!("attachment; filename*=UTF-8''{}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    if let Ok(disposition) = HeaderValue::try_from(disposition) {
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    }
    answer
}

/// An object, piece by piece, all of the same content.
pub(crate) async fn object(
    engine: Arc<Engine>,
    context: RequestContext,
    bucket: String,
    key: String,
) -> Result<Answer, ApiError> {
    let attributes = engine.object_attributes(&context, &bucket, &key, None).await?;
    let (size, pin, name) = (attributes.size, attributes.pin, key.clone());
    let pieces = stream::try_unfold(0, move |at| {
        let (engine, context, bucket, key, pin) =
            (Arc::clone(&engine), context.clone(), bucket.clone(), key.clone(), pin.clone());
        async move {
            if at >= size {
                return Ok(None);
            }
            let range = at..size.min(at + PIECE_BYTES);
            let piece = engine.read_object(&context, &bucket, &key, None, range, Some(&pin)).await?;
            if piece.is_empty() {
                return Err(ApiError::new(ErrorCode::InternalError, "the object became shorter"));
            }
            let next = at + piece.len() as u64;
            Ok(Some((piece, next)))
        }
    });
    // Whatever it is, a browser keeps it and shows nothing of it.
    let mut answer = file(pieces, "application/octet-stream", &name);
    answer.headers_mut().insert(header::CONTENT_LENGTH, size.into());
    Ok(answer)
}

/// The failed rows of a job as CSV.
pub(crate) async fn rows(
    engine: Arc<Engine>,
    context: RequestContext,
    id: String,
    code: Option<String>,
) -> Result<Answer, ApiError> {
    let filter = RowFilter { succeeded: false, code };
    // The first page is read before anything is said, so that an error is an answer.
    let first = engine.task_rows(&context, &id, &filter, None, PIECE_ROWS).await?;
    let name = format!("failed-rows-{id}.csv");
    let start = (Some(first), None::<RowPlace>);
    let pieces = stream::try_unfold(start, move |(ready, after)| {
        let (engine, context, id, filter) = (Arc::clone(&engine), context.clone(), id.clone(), filter.clone());
        async move {
            let (page, is_first) = match (ready, after) {
                (Some(page), _) => (page, true),
                (None, Some(after)) => {
                    (engine.task_rows(&context, &id, &filter, Some(after), PIECE_ROWS).await?, false)
                }
                (None, None) => return Ok(None),
            };
            let mut text = String::new();
            if is_first {
                text.push_str("Bucket,Key,VersionId,HTTPStatusCode,ErrorCode,ResultMessage\r\n");
            }
            page.rows.iter().for_each(|row| csv_row(&mut text, row));
            let next = page.next.as_deref().map(str::parse).transpose()?;
            Ok::<_, ApiError>(Some((Bytes::from(text), (None, next))))
        }
    });
    Ok(file(pieces, "text/csv; charset=utf-8", &name))
}

/// One row. A field that a spreadsheet would take for a formula gets a quote in front.
fn csv_row(out: &mut String, row: &TaskRow) {
    let status = row.http_status_code.to_string();
    let fields = [
        row.bucket.as_str(),
        &row.key,
        row.version_id.as_deref().unwrap_or_default(),
        &status,
        row.error_code.as_deref().unwrap_or_default(),
        row.result_message.as_deref().unwrap_or_default(),
    ];
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let guard = if is_formula(field) || field.starts_with(['\t', '\r']) { "'" } else { "" };
        out.push('"');
        out.push_str(guard);
        out.push_str(&field.replace('"', "\"\""));
        out.push('"');
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_data_to_a_spreadsheet() {
        let mut out = String::new();
        let row = TaskRow {
            bucket: "b".into(),
            key: "=HYPERLINK(\"x\"),\n2".into(),
            version_id: None,
            task_status: "failed".into(),
            http_status_code: 404,
            error_code: Some("NoSuchKey".into()),
            result_message: Some("-1".into()),
        };
        csv_row(&mut out, &row);
        assert_eq!(out, "\"b\",\"'=HYPERLINK(\"\"x\"\"),\n2\",\"\",\"404\",\"NoSuchKey\",\"'-1\"\r\n");
        for (key, guarded) in [(" =1", "' =1"), ("\u{ff1d}1", "'\u{ff1d}1"), ("\tx", "'\tx"), (" x=1", " x=1")] {
            out.clear();
            csv_row(&mut out, &TaskRow { key: key.into(), ..row.clone() });
            assert!(out.starts_with(&format!("\"b\",\"{guarded}\",")), "{out}");
        }
    }

    #[test]
    fn only_what_can_be_an_address_is_gone_to() {
        assert_eq!(see("/console/jobs").unwrap().headers()[header::LOCATION], "/console/jobs");
        assert!(see("/console/\r\nx: y").is_err());
        assert_eq!(encoded("a b&c/中"), "a%20b%26c/%E4%B8%AD");
    }
}
