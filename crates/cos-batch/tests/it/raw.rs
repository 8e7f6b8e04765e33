//! Requests made by hand, to be able to make them wrong.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use cos_batch_engine::{Clock as _, SystemClock};
use cos_batch_model::{ActionOutput as _, DescribeJobResult, ResponseError};
use cos_signature::{Credentials, KeyTime, sign};
use http::{HeaderValue, Request, Response};
use md5::Digest as _;

use crate::{
    left,
    support::{Place, Server},
};

/// The account of the generated key.
pub(crate) const APPID: &str = "1250000000";

/// An answer as it came.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Who asks whom.
pub(crate) struct Caller {
    address: String,
    appid: String,
    credentials: Credentials,
}

impl Caller {
    /// The owner of the place's key.
    pub(crate) fn new(server: &Server, place: &Place) -> Self {
        let file: toml::Table = std::fs::read_to_string(place.key_file()).unwrap().parse().unwrap();
        let text = |name: &str| file["key"][0][name].as_str().unwrap().to_owned();
        Self::with_key(server, APPID, &text("secret_id"), &text("secret_key"))
    }

    /// The owner of another key.
    pub(crate) fn with_key(server: &Server, appid: &str, id: &str, secret: &str) -> Self {
        Self {
            address: server.endpoint.trim_start_matches("http://").to_owned(),
            appid: appid.to_owned(),
            credentials: Credentials::new(id, secret),
        }
    }

    /// A request of this caller, not yet signed. A body comes with its length and its MD5.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.address);
        request = request.header("x-cos-appid", &self.appid);
        if !body.is_empty() {
            request = request.header("content-type", "application/xml").header("content-length", body.len());
            request = request.header("content-md5", STANDARD.encode(md5::Md5::digest(body)));
        }
        request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
    }

    /// Signs it for the next minutes.
    pub(crate) fn sign(&self, request: &mut Request<Bytes>) {
        self.sign_at(request, 0);
    }

    /// Signs it as if it were so many seconds later.
    pub(crate) fn sign_at(&self, request: &mut Request<Bytes>, later: i64) {
        let now = SystemClock.now() / 1000 + later;
        sign(request, &self.credentials, KeyTime::new(now - 60, now + 600).unwrap()).unwrap();
    }

    /// Sends what is to be sent, and reads until the server closes the connection.
    pub(crate) fn send(&self, mut request: Request<Bytes>) -> Answer {
        request.headers_mut().insert("connection", HeaderValue::from_static("close"));
        let mut text = format!("{} {} HTTP/1.1\r\n", request.method(), request.uri()).into_bytes();
        for (name, value) in request.headers() {
            text.extend_from_slice(name.as_str().as_bytes());
            text.extend_from_slice(b": ");
            text.extend_from_slice(value.as_bytes());
            text.extend_from_slice(b"\r\n");
        }
        text.extend_from_slice(b"\r\n");
        text.extend_from_slice(request.body());
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // A server may answer and close before it has read all.
        let _ = stream.write_all(&text);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        left::told("answers", &answer);
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
    }
}

impl Answer {
    /// The job that it says was made.
    #[track_caller]
    pub(crate) fn job(&self) -> String {
        let id = self.body.split_once("<JobId>").and_then(|(_, rest)| rest.split_once("</JobId>"));
        id.unwrap_or_else(|| panic!("no job: {}", self.body)).0.to_owned()
    }

    /// Status, code and message of an error answer, which must say the same in all its places.
    pub(crate) fn error(&self) -> String {
        let id = self.head.lines().find_map(|line| line.strip_prefix("x-cos-request-id: ")).unwrap();
        assert!(self.head.contains("content-type: application/xml"), "{}", self.head);
        let response = Response::builder().status(self.status).body(Bytes::from(self.body.clone())).unwrap();
        let Err(ResponseError::Api(error)) = DescribeJobResult::from_http(&response) else {
            panic!("no error: {}", self.body)
        };
        assert_eq!(error.request_id.as_deref(), Some(id), "{}", self.body);
        assert_eq!(error.code.status().as_u16(), self.status, "{}", self.body);
        format!("{} {}: {}", self.status, error.code, error.message)
    }
}
