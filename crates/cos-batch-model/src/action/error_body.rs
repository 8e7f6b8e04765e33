//! The `Error` body and the answer around it.

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};

use super::{REQUEST_ID_HEADER, TRACE_ID_HEADER, XML_MEDIA_TYPE};
use crate::validation::shorten;
use crate::xml::{self, Decoder, Encoder, FromXml, Mode, Slot, ToXml, XmlElement};
use crate::{ApiError, DecodeError, ErrorCode};

/// What an `Error` body may say. Every part may be missing: proxies write such bodies too.
#[derive(Default)]
struct ErrorBody {
    code: Option<String>,
    message: Option<String>,
    resource: Option<String>,
    request_id: Option<String>,
    trace_id: Option<String>,
}

impl XmlElement for ErrorBody {
    const ELEMENT: &'static str = ApiError::ELEMENT;
}

impl FromXml for ErrorBody {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let mut code = Slot::Absent;
        let mut message = Slot::Absent;
        let mut resource = Slot::Absent;
        let mut request_id = Slot::Absent;
        let mut trace_id = Slot::Absent;
        while let Some(child) = decoder.child()? {
            match child.name() {
                "Code" => decoder.string(&mut code, &child)?,
                "Message" => decoder.string(&mut message, &child)?,
                "Resource" => decoder.string(&mut resource, &child)?,
                "RequestId" => decoder.string(&mut request_id, &child)?,
                "TraceId" => decoder.string(&mut trace_id, &child)?,
                _ => decoder.unknown(&child)?,
            }
        }
        Ok(Self {
            code: code.optional_text(),
            message: message.optional_text(),
            resource: resource.optional_text(),
            request_id: request_id.optional_text(),
            trace_id: trace_id.optional_text(),
        })
    }
}

impl XmlElement for ApiError {
    const ELEMENT: &'static str = "Error";
}

impl ToXml for ApiError {
    fn write<'a>(&self, encoder: Encoder<'a>) -> Encoder<'a> {
        encoder
            .text("Code", self.code.as_str())
            .text("Message", &self.message)
            .optional_text("Resource", self.resource.as_deref())
            .optional_text("RequestId", self.request_id.as_deref())
            .optional_text("TraceId", self.trace_id.as_deref())
    }
}

impl ApiError {
    /// The answer with the error's status and body; the ids also go into their headers.
    pub fn to_http(&self) -> Response<Bytes> {
        let mut response = Response::new(xml::to_bytes_declared(self));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, XML_MEDIA_TYPE);
        for (name, id) in [(REQUEST_ID_HEADER, &self.request_id), (TRACE_ID_HEADER, &self.trace_id)] {
            if let Some(Ok(value)) = id.as_deref().map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
        response
    }

    /// Reads an answer that is no success. Always gives an error with the answer's own status:
    /// without a readable body the code is taken from the status, and ids that the body does
    /// not have are taken from the headers.
    pub fn from_http(response: &Response<Bytes>) -> Self {
        let status = response.status();
        let header = |name: HeaderName| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned()).filter(|text| !text.is_empty())
        };
        let body = xml::from_slice(response.body(), Mode::Lenient)
            .unwrap_or_else(|error| ErrorBody { message: Some(unreadable(response, &error)), ..ErrorBody::default() });
        Self {
            code: match body.code {
                Some(code) if !code.trim_ascii().is_empty() => ErrorCode::from_wire(&code),
                _ => ErrorCode::assumed(status),
            },
            message: body.message.unwrap_or_else(|| format!("the server answered {status} and did not say why")),
            status,
            resource: body.resource,
            request_id: body.request_id.or_else(|| header(REQUEST_ID_HEADER)),
            trace_id: body.trace_id.or_else(|| header(TRACE_ID_HEADER)),
        }
    }
}

/// Most bytes of an unreadable body that are looked at for the message.
const LOOKED_AT_BYTES: usize = 256;

fn unreadable(response: &Response<Bytes>, error: &DecodeError) -> String {
    let status = response.status();
    let body = response.body().trim_ascii();
    if body.is_empty() {
        return format!("the server answered {status} without a body");
    }
    let beginning = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT_BYTES)]);
    let beginning = shorten(&beginning);
    format!("the server answered {status} with a body that is no error document ({error}); it begins `{beginning}`")
}
