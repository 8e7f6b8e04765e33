//! Our requests beside those of the official Go SDK for the same calls, header by header.
//!
//! The captured requests are decoded and made again by our client: same address, keys, time and window. What differs is
//! a snapshot; why it may differ stands in [`DIFFERENCES`] and in `docs/clients.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cos_batch_client::{Client, Endpoint};
use cos_batch_model::{
    Action, CreateJobRequest, CreateJobResult, DeleteJobRequest, DeleteJobResult, DescribeJobRequest, JobStatus,
    ListJobsRequest, ListJobsResult, UpdateJobPriorityRequest, UpdateJobPriorityResult, UpdateJobStatusRequest,
};
use cos_signature::Presented;
use http::request::Parts;
use http::{HeaderMap, Request};

use crate::script::{Script, Seen};
use crate::{builder, credentials, samples};

/// What may differ, and why. The test fails for any other difference, and for one that is gone.
const DIFFERENCES: &[(&str, &str)] = &[
    ("accept-encoding", "the answers are small, and an answer that is not packed needs no limit on unpacking"),
    ("authorization", "of CreateJob only: it signs length and digest of the body"),
    ("case of header names", "it means nothing in HTTP; lower case is what HTTP/2 prescribes"),
    ("content-length", "of CreateJob only: the body has the documented order and no element that says nothing"),
    ("content-md5", "of CreateJob only: as the length"),
    ("order of headers", "it means nothing in HTTP, and signatures sort"),
    ("query", "a space is `%20`, which means a space to servers that take `+` for a plus, too"),
    ("user-agent", "each says who it is; it is not signed"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Capture {
    name: String,
    /// Names of the headers as they are spelled, by their name in lower case.
    spelled: BTreeMap<String, String>,
    parts: Parts,
    body: Vec<u8>,
}

fn captures() -> Vec<Capture> {
    let folder = root().join("fixtures/captures/cos-go-sdk");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 12);
    files.iter().map(|path| capture(path)).collect()
}

fn capture(path: &Path) -> Capture {
    let bytes = fs::read(path).unwrap();
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let mut lines = std::str::from_utf8(&bytes[..end]).unwrap().split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let mut request = Request::builder().method(first.next().unwrap()).uri(first.next().unwrap());
    let mut spelled = BTreeMap::new();
    for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
        request = request.header(name, value);
        spelled.insert(name.to_ascii_lowercase(), name.to_owned());
    }
    let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
    let parts = request.body(()).unwrap().into_parts().0;
    Capture { name, spelled, parts, body: bytes[end + 4..].to_vec() }
}

impl Capture {
    fn decode<A: Action>(&self) -> A {
        A::from_http(&self.parts, &self.body).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    /// The same call by our client, and the request that came of it.
    async fn ours(&self) -> Seen {
        let script = Script::new();
        let host = self.parts.headers["host"].to_str().unwrap();
        let presented = Presented::from_parts(&self.parts).unwrap();
        let now = presented.key_time.start();
        let keys = match presented.security_token.as_deref() {
            Some(token) => credentials().with_security_token(token),
            None => credentials(),
        };
        let client = builder(&script)
            .endpoint(Endpoint::url(&format!("http://{host}")).unwrap())
            .credentials(keys)
            .clock(move || now)
            .signature_lifetime(Duration::from_secs(presented.key_time.seconds().unsigned_abs()));
        self.call(&client.build().unwrap(), &script).await;
        script.played().remove(0)
    }

    async fn call(&self, client: &Client<Script>, script: &Script) {
        let call = self.name.split_once('-').unwrap().1;
        match call.split('-').next().unwrap() {
            "create" => {
                script.answer(&CreateJobResult { job_id: samples::job_id() });
                client.create_job(self.decode::<CreateJobRequest>()).await.map(drop)
            }
            "describe" => {
                script.answer(&samples::described(JobStatus::Active, 1));
                client.describe_job(&self.decode::<DescribeJobRequest>().job_id).await.map(drop)
            }
            "list" => {
                script.answer(&ListJobsResult::default());
                client.list_jobs(self.decode::<ListJobsRequest>()).await.map(drop)
            }
            "priority" => {
                let UpdateJobPriorityRequest { job_id, priority } = self.decode();
                script.answer(&UpdateJobPriorityResult { job_id: job_id.clone(), priority });
                client.update_job_priority(&job_id, priority).await.map(drop)
            }
            "status" => {
                script.answer(&samples::changed(JobStatus::Ready));
                client.update_job_status(self.decode::<UpdateJobStatusRequest>()).await.map(drop)
            }
            "delete" => {
                script.answer(&DeleteJobResult);
                client.delete_job(&self.decode::<DeleteJobRequest>().job_id).await
            }
            other => panic!("no call for {other}"),
        }
        .unwrap();
    }
}

fn value<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// Names in the order they are sent.
fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(http::HeaderName::as_str).collect()
}

/// What differs: the thing, theirs, ours.
fn differences(theirs: &Capture, ours: &Seen) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut compare = |what: &str, theirs: Option<&str>, ours: Option<&str>| {
        if theirs != ours {
            let text = |side: Option<&str>| side.unwrap_or("(none)").replace(env!("CARGO_PKG_VERSION"), "…");
            found.push((what.to_owned(), text(theirs), text(ours)));
        }
    };
    compare("method", Some(theirs.parts.method.as_str()), Some(ours.parts.method.as_str()));
    compare("path", Some(theirs.parts.uri.path()), Some(ours.parts.uri.path()));
    compare("query", theirs.parts.uri.query(), ours.parts.uri.query());
    let (their_names, our_names) = (names(&theirs.parts.headers), names(&ours.parts.headers));
    for name in their_names.iter().chain(&our_names).collect::<BTreeSet<_>>() {
        compare(name, value(&theirs.parts.headers, name), value(&ours.parts.headers, name));
    }
    let shared = |names: &[&str], others: &[&str]| {
        names.iter().filter(|name| others.contains(name)).copied().collect::<Vec<_>>().join(", ")
    };
    let orders = (shared(&their_names, &our_names), shared(&our_names, &their_names));
    compare("order of headers", Some(&orders.0), Some(&orders.1));
    let spelled: Vec<&str> = their_names.iter().map(|name| theirs.spelled[*name].as_str()).collect();
    // What a header map holds is in lower case, and so it is sent.
    compare("case of header names", Some(&spelled.join(", ")), Some(&their_names.join(", ")));
    found
}

#[tokio::test]
async fn our_requests_differ_from_the_sdks_only_where_there_is_a_reason() {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    for theirs in captures() {
        let ours = theirs.ours().await;
        let _ = writeln!(text, "{}", theirs.name);
        for (what, theirs, ours) in differences(&theirs, &ours) {
            let _ = writeln!(text, "  {what}\n    theirs  {theirs}\n    ours    {ours}");
            seen.insert(what);
        }
    }
    let explained: BTreeSet<String> = DIFFERENCES.iter().map(|(what, _)| (*what).to_owned()).collect();
    assert_eq!(seen, explained);
    insta::assert_snapshot!(text);
}

#[tokio::test]
async fn the_same_headers_and_parameters_are_signed() {
    for theirs in captures() {
        let ours = theirs.ours().await;
        let (their, our) = (Presented::from_parts(&theirs.parts).unwrap(), Presented::from_parts(&ours.parts).unwrap());
        assert!(our.header_list.iter().eq(their.header_list.iter()), "{}: {:?}", theirs.name, our.header_list);
        assert!(our.url_param_list.iter().eq(their.url_param_list.iter()), "{}: {:?}", theirs.name, our.url_param_list);
        assert_eq!(our.key_time, their.key_time, "{}", theirs.name);
        let (their, our) = (&theirs.parts.headers["authorization"], &ours.parts.headers["authorization"]);
        // With the same body nothing that is signed differs, be the query spelled as it may.
        assert_eq!(our == their, ours.body == theirs.body, "{}", theirs.name);
        assert!(our == their || theirs.name.contains("create"), "{}", theirs.name);
    }
}

#[tokio::test]
async fn the_bodies_mean_the_same() {
    for theirs in captures().into_iter().filter(|capture| !capture.body.is_empty()) {
        let ours = theirs.ours().await;
        let again = CreateJobRequest::from_http(&ours.parts, &ours.body).unwrap();
        assert_eq!(again, theirs.decode(), "{}", theirs.name);
    }
}

#[test]
fn the_page_on_clients_names_each_difference() {
    let page = fs::read_to_string(root().join("docs/clients.md")).unwrap().to_ascii_lowercase();
    for (what, _) in DIFFERENCES {
        assert!(page.contains(&format!("| {what} |")), "docs/clients.md says nothing about `{what}`");
    }
}
