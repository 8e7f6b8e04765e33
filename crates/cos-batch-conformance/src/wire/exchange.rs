//! What every answer is looked at for.

use bytes::Bytes;
use cos_batch_model::{ApiError, ErrorCode, action::REQUEST_ID_HEADER};
use http::{Response, header};

use crate::verdict::{Miss, Verdict, ensure, failed, refused};

/// An error answer with one of these codes.
pub(super) fn refused_with(what: &str, codes: &[ErrorCode], response: &Response<Bytes>) -> Result<ApiError, Miss> {
    let answer = if response.status().is_success() { Ok(()) } else { Err(ApiError::from_http(response)) };
    refused(what, codes, answer)
}

/// An answer that is a success.
pub(super) fn accepted(what: &str, response: &Response<Bytes>) -> Verdict {
    if response.status().is_success() {
        return Ok(());
    }
    Err(failed(format_args!("{what} succeeds"), ApiError::from_http(response)))
}

/// An answer that has the form that the API's documentation gives to all of them.
pub(super) fn has_form(what: &str, response: &Response<Bytes>) -> Verdict {
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let id = header(REQUEST_ID_HEADER.as_str());
    ensure(!id.is_empty(), format_args!("{what}: a header x-cos-request-id"), "none")?;
    if !response.body().is_empty() {
        let media = header(header::CONTENT_TYPE.as_str());
        let essence = media.split(';').next().unwrap_or_default().trim();
        let what = format_args!("{what}: Content-Type application/xml");
        ensure(essence.eq_ignore_ascii_case("application/xml"), what, format_args!("`{media}`"))?;
    }
    Ok(())
}
