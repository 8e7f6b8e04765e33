//! However hostile a document or an address, decoding allocates at most a stated multiple of its size.

use cos_batch_model::xml::{FromXml, Mode, from_slice};
use cos_batch_model::{
    Action, ApiError, CreateJobRequest, CreateJobResult, DescribeJobResult, ListJobsRequest, ListJobsResult,
    UpdateJobStatusRequest,
};
use http::{Request, Response};

use crate::{Cost, alone, cost};

/// Bytes allocated for each byte read, at most, over all of decoding.
const MULTIPLE: usize = 6;

/// Bytes that do not depend on the size: the reader's state, an error's message and path.
const FIXED: usize = 4 * 1024;

/// Sizes of the repeated part, each twice the one before.
const SIZES: [usize; 5] = [500, 1_000, 2_000, 4_000, 8_000];

/// Asserts the bound for one input, and that the next size costs at most twice as much as this.
fn check(name: &str, decode: impl Fn(&[u8]), make: impl Fn(usize) -> Vec<u8>) {
    let mut before: Option<Cost> = None;
    for size in SIZES {
        let input = make(size);
        let now = cost(|| decode(&input));
        let most = MULTIPLE * input.len() + FIXED;
        assert!(now.bytes <= most, "{name}, {size}: {} bytes allocated for {} bytes read", now.bytes, input.len());
        if let Some(before) = before {
            assert!(now.bytes <= 2 * before.bytes + FIXED, "{name}, {size}: {now:?} after {before:?}");
            assert!(now.calls <= 2 * before.calls + 32, "{name}, {size}: {now:?} after {before:?}");
        }
        before = Some(now);
    }
}

fn document<T: FromXml>(name: &str, make: impl Fn(usize) -> String) {
    for mode in [Mode::Strict, Mode::Lenient] {
        check(&format!("{name}, {mode:?}"), |input| drop(from_slice::<T>(input, mode)), |size| make(size).into_bytes());
    }
}

fn result(inside: &str) -> String {
    format!("<CreateJobResult>{inside}</CreateJobResult>")
}

fn job_id(inside: &str) -> String {
    result(&format!("<JobId>{inside}</JobId>"))
}

#[test]
fn texts() {
    let _alone = alone();
    document::<CreateJobResult>("plain", |size| job_id(&"j".repeat(size)));
    document::<CreateJobResult>("entities", |size| job_id(&"&amp;".repeat(size)));
    document::<CreateJobResult>("characters by number", |size| job_id(&"&#x1F600;".repeat(size)));
    document::<CreateJobResult>("CDATA", |size| job_id(&"<![CDATA[j]]>".repeat(size)));
    document::<CreateJobResult>("empty CDATA", |size| job_id(&"<![CDATA[]]>".repeat(size)));
    document::<CreateJobResult>("comments", |size| job_id(&"a<!---->".repeat(size)));
    document::<CreateJobResult>("instructions", |size| job_id(&"<?a?>".repeat(size)));
    document::<CreateJobResult>("line ends", |size| job_id(&"\r\n".repeat(size)));
    document::<CreateJobResult>("lone carriage returns", |size| job_id(&"\r".repeat(size)));
    document::<CreateJobResult>("ampersands", |size| job_id(&"&".repeat(size)));
    document::<CreateJobResult>("a long entity", |size| job_id(&format!("&{};", "e".repeat(size))));
    document::<DescribeJobResult>("an unknown value", |size| {
        format!("<DescribeJobResult><Job><Status>{}</Status></Job></DescribeJobResult>", "S".repeat(size))
    });
}

#[test]
fn structure() {
    let _alone = alone();
    document::<CreateJobResult>("attributes", |size| {
        let attributes: String = (0..size).map(|number| format!(" a{number}=''")).collect();
        format!("<CreateJobResult{attributes}/>")
    });
    document::<CreateJobResult>("namespaces", |size| {
        let attributes: String = (0..size).map(|number| format!(" xmlns:a{number}=''")).collect();
        format!("<CreateJobResult{attributes}/>")
    });
    document::<CreateJobResult>("one namespace again", |size| {
        format!("<CreateJobResult{}/>", " xmlns:a=''".repeat(size))
    });
    document::<CreateJobResult>("unknown elements", |size| result(&"<a/>".repeat(size)));
    document::<CreateJobResult>("repeated elements", |size| result(&"<JobId>a</JobId>".repeat(size)));
    document::<CreateJobResult>("depth", |size| result(&"<a>".repeat(size)));
    document::<CreateJobResult>("a long name", |size| result(&format!("<{}/>", "n".repeat(size))));
    document::<CreateJobResult>("long names inside one another", |size| {
        result(&format!("<{}>", "n".repeat(size)).repeat(14))
    });
    document::<CreateJobResult>("a wrong root", |size| format!("<{}/>", "r".repeat(size)));
    document::<CreateJobResult>("ends without beginnings", |size| result(&"</a>".repeat(size)));
    document::<CreateJobResult>("brackets", |size| "<".repeat(size));
    document::<CreateJobResult>("spaces before", |size| format!("{}<a/>", " ".repeat(size)));
    document::<CreateJobResult>("a document type", |size| format!("<!DOCTYPE {}>", "<!ENTITY a 'b'>".repeat(size)));
    document::<DescribeJobResult>("an operation's name", |size| {
        let name = "o".repeat(size);
        format!("<DescribeJobResult><Job><Operation><{name}/></Operation></Job></DescribeJobResult>")
    });
}

#[test]
fn lists() {
    let _alone = alone();
    let create = |inside: String| format!("<CreateJobRequest>{inside}</CreateJobRequest>");
    let copy = |inside: String| create(format!("<Operation><COSPutObjectCopy>{inside}</COSPutObjectCopy></Operation>"));
    document::<CreateJobRequest>("fields", |size| {
        create(format!("<Manifest><Spec><Fields>{}</Fields></Spec></Manifest>", "<member>Key</member>".repeat(size)))
    });
    document::<CreateJobRequest>("unknown fields", |size| {
        create(format!("<Manifest><Spec><Fields>{}</Fields></Spec></Manifest>", "<member>a</member>".repeat(size)))
    });
    document::<CreateJobRequest>("tags", |size| {
        let tag = "<COSTag><Key>a</Key><Value/></COSTag>";
        copy(format!("<NewObjectTagging>{}</NewObjectTagging>", tag.repeat(size)))
    });
    document::<CreateJobRequest>("metadata", |size| {
        let entry = "<member><Key>a</Key><Value/></member>";
        let list = format!("<UserMetadata>{}</UserMetadata>", entry.repeat(size));
        copy(format!("<NewObjectMetadata>{list}</NewObjectMetadata>"))
    });
    document::<CreateJobRequest>("grants", |size| {
        let grantee = "<Grantee><Identifier>a</Identifier><TypeIdentifier>ID</TypeIdentifier></Grantee>";
        let grant = format!("<COSGrant>{grantee}<Permission>READ</Permission></COSGrant>");
        copy(format!("<AccessControlGrants>{}</AccessControlGrants>", grant.repeat(size)))
    });
    document::<ListJobsResult>("jobs", |size| {
        let counts = "<NumberOfTasksFailed>0</NumberOfTasksFailed><NumberOfTasksSucceeded>0</NumberOfTasksSucceeded>\
                      <TotalNumberOfTasks>0</TotalNumberOfTasks>";
        let job = format!(
            "<member><CreationTime>2026-11-01T08:30:00Z</CreationTime><JobId>a</JobId><Operation>o</Operation>\
             <Priority>0</Priority><ProgressSummary>{counts}</ProgressSummary><Status>s</Status></member>"
        );
        format!("<ListJobsResult><Jobs>{}</Jobs></ListJobsResult>", job.repeat(size))
    });
}

fn address<A: Action>(method: &'static str) -> impl Fn(&[u8]) {
    move |input| {
        let uri = std::str::from_utf8(input).unwrap();
        let (head, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
        drop(A::from_http(&head, b""));
    }
}

/// An address as long as `http` takes: the largest size stays below its limit of 64 KiB.
fn query(piece: &'static str) -> impl Fn(usize) -> Vec<u8> {
    move |size| format!("/jobs?a={}", piece.repeat(size)).into_bytes()
}

#[test]
fn addresses() {
    let _alone = alone();
    for piece in ["a", "+", "%41", "%25+", "&a", "&b=c", "&jobStatuses=", "&&"] {
        let make = |size: usize| query(piece)(size.min(4_000));
        check(&format!("list of {piece}"), address::<ListJobsRequest>("GET"), make);
    }
    let statuses = |size: usize| format!("/jobs?jobStatuses={}", "Active,".repeat(size)).into_bytes();
    check("statuses", address::<ListJobsRequest>("GET"), statuses);
    let reason = |size: usize| {
        format!("/jobs/a/status?requestedJobStatus=Ready&statusUpdateReason={}", "%E5%A5".repeat(size)).into_bytes()
    };
    check("reason", address::<UpdateJobStatusRequest>("POST"), reason);
    let path = |size: usize| format!("/jobs/{}/status?requestedJobStatus=Ready", "%41".repeat(size)).into_bytes();
    check("path", address::<UpdateJobStatusRequest>("POST"), path);
}

#[test]
fn error_answers() {
    let _alone = alone();
    let answer = |input: &[u8]| {
        let response = Response::builder().status(500).body(bytes::Bytes::copy_from_slice(input)).unwrap();
        drop(ApiError::from_http(&response));
    };
    check("a page", answer, |size| format!("<html>{}</html>", "busy ".repeat(size)).into_bytes());
    check("a message", answer, |size| {
        format!("<Error><Code>c</Code><Message>{}</Message></Error>", "&lt;".repeat(size)).into_bytes()
    });
    check("noise", answer, |size| vec![0xff; size]);
}
