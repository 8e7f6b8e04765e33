//! A request in parts that can be changed one by one.

use bytes::Bytes;
use cos_batch_model::*;
use cos_signature::{KeyTime, sign};
use http::{Request, header};
use http_body_util::{BodyExt, Full};

use crate::support::*;

/// The token of the temporary key.
pub(super) const TOKEN: &str = "tok/en+1=";

/// How a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Header,
    HeaderTemporary,
    Query,
    QueryTemporary,
}

impl Form {
    pub(super) const ALL: [Self; 4] = [Self::Header, Self::HeaderTemporary, Self::Query, Self::QueryTemporary];

    pub(super) fn is_temporary(self) -> bool {
        matches!(self, Self::HeaderTemporary | Self::QueryTemporary)
    }

    pub(super) fn is_query(self) -> bool {
        matches!(self, Self::Query | Self::QueryTemporary)
    }
}

/// A request: the names and values of its query as they stand in the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) form: Form,
    pub(super) method: String,
    /// What stands before the path, as in a request to a proxy.
    pub(super) authority: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
}

impl Message {
    /// The same, changed.
    pub(super) fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    pub(super) fn header(&mut self, name: &str) -> &mut String {
        let found = self.headers.iter_mut().find(|(header, _)| header == name);
        found.map(|(_, value)| value).unwrap()
    }

    pub(super) fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(header, _)| header == name)
    }
}

impl TryFrom<Message> for Request<Full<Bytes>> {
    type Error = http::Error;

    fn try_from(message: Message) -> Result<Self, http::Error> {
        let pairs: Vec<String> = message.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let separator = if pairs.is_empty() { "" } else { "?" };
        let uri = format!("{}{}{separator}{}", message.authority, message.path, pairs.join("&"));
        let builder = Request::builder().method(message.method.as_str()).uri(uri);
        let builder = message.headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value));
        builder.body(Full::new(message.body))
    }
}

/// One signed request for each action, with every parameter that the action has.
pub(super) fn messages(form: Form) -> Vec<Message> {
    let statuses = vec![JobStatus::Active, JobStatus::Ready];
    let list = ListJobsRequest {
        job_statuses: statuses,
        max_results: Some("2".parse().unwrap()),
        next_token: Some("066d919e".parse().unwrap()),
    };
    let priority = UpdateJobPriorityRequest { job_id: job_id(), priority: Priority::new(7).unwrap() };
    let status = UpdateJobStatusRequest {
        job_id: job_id(),
        requested_job_status: RequestedJobStatus::Ready,
        status_update_reason: Some(StatusUpdateReason::new("to do (now) *~'!+ 好").unwrap()),
    };
    let requests = vec![
        create(),
        for_action(&DescribeJobRequest { job_id: job_id() }),
        for_action(&list),
        for_action(&ListJobsRequest::default()),
        for_action(&priority),
        for_action(&status),
        for_action(&DeleteJobRequest { job_id: job_id() }),
    ];
    requests.into_iter().map(|request| message(form, request)).collect()
}

fn message(form: Form, mut request: Request<Full<Bytes>>) -> Message {
    let headers = request.headers_mut();
    headers.insert("user-agent", "test".parse().unwrap());
    let length = http_body::Body::size_hint(request.body()).exact().unwrap();
    if request.method() == "POST" {
        request.headers_mut().insert("content-length", length.into());
    }
    let mut credentials = credentials();
    match form {
        Form::HeaderTemporary => credentials = credentials.with_security_token(TOKEN),
        Form::QueryTemporary => append_to_query(&mut request, "x-cos-security-token=tok%2Fen%2B1%3D"),
        Form::Header | Form::Query => {}
    }
    sign(&mut request, &credentials, KeyTime::new(NOW, NOW + 3600).unwrap()).unwrap();
    if form.is_query() {
        let signature = request.headers_mut().remove(header::AUTHORIZATION).unwrap();
        append_to_query(&mut request, &signature.to_str().unwrap().replace(';', "%3B"));
    }

    let (head, body) = request.into_parts();
    let pairs = head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap());
    let headers = head.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    Message {
        form,
        method: head.method.to_string(),
        authority: String::new(),
        path: head.uri.path().to_owned(),
        query: pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: headers.collect(),
        body: now_or_never(body),
    }
}

fn append_to_query(request: &mut Request<Full<Bytes>>, more: &str) {
    let separator = if request.uri().query().is_some() { '&' } else { '?' };
    *request.uri_mut() = format!("{}{separator}{more}", request.uri()).parse().unwrap();
}

fn now_or_never(body: Full<Bytes>) -> Bytes {
    futures_util::FutureExt::now_or_never(body.collect()).unwrap().unwrap().to_bytes()
}
