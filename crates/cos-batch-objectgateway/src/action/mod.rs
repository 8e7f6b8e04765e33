//! The actions, one file for each or for those that share a body.

mod acl;
mod bucket;
mod buckets;
mod complete;
mod copy;
mod delete;
mod delete_many;
mod get;
mod list;
mod list_parts;
mod list_uploads;
mod list_versions;
mod part;
mod put;
mod restore;
mod tagging;
mod upload;
mod versioning;

use std::sync::Arc;

use bytes::Bytes;
use cos_batch_objectstore::{ObjectMeta, VersionSelector};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    access::{Access, Caller},
    body::{self, AnswerBody, RequestBody},
    crc::{Checksums, Sum},
    error::{Code, Failure},
    headers,
    offload::Store,
    query::Query,
    request_id::Ids,
    route::Action,
    target,
    xml::{self, Node},
};

/// What stands bare where names are percent-encoded in an answer.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A request that was admitted.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a Store,
    pub(crate) access: &'a Access,
    pub(crate) checksums: &'a Arc<Checksums>,
    pub(crate) ids: &'a Ids,
    /// What errors name as what the request is about.
    pub(crate) resource: String,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) query: &'a Query,
    pub(crate) host: &'a str,
    /// The bucket stands in the path, not in the host.
    pub(crate) path_style: bool,
    /// Empty where there is none.
    pub(crate) bucket: &'a str,
    /// Empty where there is none.
    pub(crate) key: &'a str,
    pub(crate) region: &'a str,
    pub(crate) caller: &'a Caller,
    pub(crate) now: i64,
}

type Answer = Result<Response<AnswerBody>, Failure>;

/// Carries a request out.
pub(crate) async fn run(action: Action, call: &Call<'_>, body: &mut RequestBody) -> Answer {
    match action {
        Action::PutObject => return put::run(call, body).await,
        Action::UploadPart => return part::upload(call, body).await,
        Action::PutBucket => return bucket::put(call, body).await,
        Action::PutVersioning => return versioning::put(call, body).await,
        Action::DeleteMultiple => return delete_many::run(call, body).await,
        Action::PutTagging => return tagging::put(call, body).await,
        Action::PutAcl => return acl::put(call, body).await,
        Action::Restore => return restore::run(call, body).await,
        Action::CompleteUpload => return complete::run(call, body).await,
        _ => body.none().await?,
    }
    match action {
        Action::ListBuckets => buckets::list(call).await,
        Action::HeadBucket => bucket::head(call).await,
        Action::DeleteBucket => bucket::delete(call).await,
        Action::ListObjects => list::run(call).await,
        Action::ListVersions => list_versions::run(call).await,
        Action::ListUploads => list_uploads::run(call).await,
        Action::GetVersioning => versioning::get(call).await,
        Action::GetObject => get::get(call).await,
        Action::HeadObject => get::head(call).await,
        Action::CopyObject => copy::run(call).await,
        Action::DeleteObject => delete::run(call).await,
        Action::GetTagging => tagging::get(call).await,
        Action::DeleteTagging => tagging::delete(call).await,
        Action::GetAcl => acl::get(call).await,
        Action::InitiateUpload => upload::initiate(call).await,
        Action::CopyPart => part::copy(call).await,
        Action::AbortUpload => upload::abort(call).await,
        Action::ListParts => list_parts::run(call).await,
        // Those with a body, above.
        _ => Err(Failure::new(Code::InternalError, "an action without its code")),
    }
}

impl Call<'_> {
    /// Bucket and key, for a call of the store on another thread.
    fn object(&self) -> (String, String) {
        (self.bucket.to_owned(), self.key.to_owned())
    }

    /// Which version the request names.
    fn version(&self) -> VersionSelector {
        self.query.filled("versionid").map_or(VersionSelector::Latest, |id| VersionSelector::Id(id.to_owned()))
    }

    /// Attributes of the object the request is about.
    async fn head_of(&self, version: VersionSelector) -> Result<ObjectMeta, Failure> {
        let (bucket, key) = self.object();
        self.store.call(|store| async move { store.head(&bucket, &key, &version).await }).await
    }

    /// Whose the objects of the bucket are: whoever its name says, shown by his UIN where it is the caller who is known
    /// to have one.
    fn owner(&self) -> String {
        match self.owner_appid() {
            Some(appid) if self.caller.appid.as_deref() != Some(appid) => appid.to_owned(),
            _ => self.caller.owner.clone(),
        }
    }

    /// The account that ends the name of the bucket.
    fn owner_appid(&self) -> Option<&str> {
        target::appid_of(self.bucket)
    }

    /// A name as the answer writes it.
    fn shown(&self, name: &str) -> Result<String, Failure> {
        Ok(if self.query.encoding()? { encoded(name) } else { name.to_owned() })
    }
}

/// A name, percent-encoded: a space is `%20`, a slash stands bare.
fn encoded(name: &str) -> String {
    utf8_percent_encode(name, ENCODED).to_string()
}

fn empty(status: StatusCode) -> Response<AnswerBody> {
    let mut response = Response::new(body::whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

fn document(bytes: Bytes) -> Response<AnswerBody> {
    let mut response = Response::new(body::whole(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// What an entry of a listing has beside what names it. The official Go SDK has one type for all entries, and that of
/// Python plain dictionaries, so that what was listed may come back whole in a list of what is to be deleted, or of parts;
/// there it means nothing.
const LISTED: [&str; 7] = ["IsLatest", "LastModified", "Owner", "RestoreStatus", "Size", "StorageClass", "StorageTier"];

/// Refuses children of a body's element other than these: of `once` one each.
fn expect(node: &Node, once: &[&str], many: &[&str]) -> Result<(), Failure> {
    node.expect(once, many).map_err(malformed)
}

/// Reads a body that has to be there.
async fn read_xml(body: &mut RequestBody, root: &str) -> Result<Node, Failure> {
    let bytes = body.xml().await?;
    if bytes.is_empty() {
        return Err(Failure::new(Code::MissingRequestBodyError, format!("the body is missing: it must be a {root}")));
    }
    xml::read(&bytes, root).map_err(|reason| Failure::new(Code::MalformedXml, reason))
}

/// What of a body is missing or wrong.
fn malformed(message: impl Into<String>) -> Failure {
    Failure::new(Code::MalformedXml, message)
}

/// Says which version an answer is about.
fn tell_version(response: &mut Response<AnswerBody>, version: Option<&str>) {
    if let Some(version) = version {
        headers::put(response.headers_mut(), HeaderName::from_static("x-cos-version-id"), version);
    }
}

/// Says what was written, and remembers its checksum.
fn tell_content(call: &Call<'_>, response: &mut Response<AnswerBody>, etag: &str, sum: Sum) {
    call.checksums.note(etag, sum);
    headers::put(response.headers_mut(), header::ETAG, &headers::quoted(etag));
    tell_checksum(response, sum.crc);
}

fn tell_checksum(response: &mut Response<AnswerBody>, crc: u64) {
    headers::put(response.headers_mut(), HeaderName::from_static("x-cos-hash-crc64ecma"), &crc.to_string());
}
