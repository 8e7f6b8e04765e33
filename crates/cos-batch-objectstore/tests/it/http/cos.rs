//! The requests of the COS dialect as they go over the wire: their form, and that COS's own rules for signatures accept them.

use bytes::Bytes;
use cos_batch_objectstore::{
    AclRequest, CompleteRequest, CompletedPart, Conditions, CopyRequest, CopySource, DeleteRequest, Directive, Grant,
    HttpDialect, HttpStore, ListRequest, ListVersionsRequest, Metadata, MultipartRequest, ObjectStore as _,
    PartCopyRequest, PutRequest, RestoreOutcome, RestoreRequest, RestoreTier, StaticCredentials, StorageClass, Tag,
    TagRequest, UploadId, VersionSelector,
};
use cos_signature::{Presented, Strictness, verify};

use super::{
    script::{Script, Then, answer},
    signed::{credentials, now},
};

const LATEST: &VersionSelector = &VersionSelector::Latest;
const HOST: &str = "b-125.cos.ap-guangzhou.myqcloud.com";

/// A store at the address of COS, which is reached through a proxy that is ours, with one answer.
async fn store(told: String) -> (Script, HttpStore) {
    let script = Script::start([(told, Then::Keep)]).await;
    let store = HttpStore::builder(HttpDialect::Cos, "http://cos.ap-guangzhou.myqcloud.com")
        .proxy(format!("http://{}", script.address))
        .credentials(StaticCredentials::new(credentials().with_security_token("token")))
        .build()
        .unwrap();
    (script, store)
}

/// The one request that was seen: its first line without the host, its headers without those of every request, its body. Its
/// signature must be one that a strict verifier accepts.
fn seen(script: &Script) -> (String, Vec<String>, String) {
    let requests = script.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let mut builder = http::Request::builder().method(method).uri(target);
    let mut headers = Vec::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
        builder = builder.header(name, value);
        if !["host", "authorization", "content-length", "x-cos-security-token"].contains(&name) {
            headers.push(line.to_owned());
        }
    }
    headers.sort();
    let (parts, ()) = builder.body(()).unwrap().into_parts();
    assert_eq!(parts.headers["x-cos-security-token"], "token");
    let presented = Presented::from_parts(&parts).unwrap();
    verify(&parts, &presented, Some(&credentials().secret_key), now(), Strictness::Strict).unwrap();
    let path = target.strip_prefix("http://").unwrap();
    let host = path.split('/').next().unwrap();
    assert_eq!(parts.headers["host"], host);
    assert!(host == HOST || host == "cos.ap-guangzhou.myqcloud.com");
    (format!("{method} {}", &path[host.len()..]), headers, body.to_owned())
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

#[tokio::test]
async fn a_put_has_its_attributes_in_headers() {
    let (script, store) = store(answer("200 OK", "etag: \"e\"\r\nx-cos-version-id: v1\r\n", "")).await;
    let request = PutRequest {
        metadata: Metadata {
            content_type: Some("image/jpeg".into()),
            server_side_encryption: Some("cos/kms".into()),
            user: [("Camera".to_owned(), " Ö 1 ".to_owned())].into(),
            ..Metadata::default()
        },
        tags: vec![tag("b", "2 &"), tag("a", "1")],
        storage_class: StorageClass::new("MAZ_STANDARD_IA"),
        ..PutRequest::new("b-125", "d/a b+c.txt", Bytes::from_static(b"hello"))
    };
    let outcome = store.put(request).await.unwrap();
    assert_eq!((outcome.etag.as_str(), outcome.version_id.as_deref()), ("e", Some("v1")));
    let (line, headers, body) = seen(&script);
    assert_eq!((line.as_str(), body.as_str()), ("PUT /d/a%20b%2Bc.txt", "hello"));
    assert_eq!(
        headers,
        [
            "content-md5: XUFAKrxLKna5cZ2REBfFkg==",
            "content-type: image/jpeg",
            "x-cos-meta-camera: Ö 1",
            "x-cos-server-side-encryption: cos/kms",
            "x-cos-storage-class: MAZ_STANDARD_IA",
            "x-cos-tagging: a=1&b=2%20%26",
        ]
    );
}

#[tokio::test]
async fn a_copy_names_its_source_by_host_and_its_conditions() {
    let done = "<CopyObjectResult><ETag>\"e\"</ETag><CRC64>1</CRC64><LastModified>2026-11-01T08:30:00Z</LastModified>\
                <VersionId>v2</VersionId></CopyObjectResult>";
    let (script, store) = store(answer("200 OK", "", done)).await;
    let version = VersionSelector::Id("v/1".into());
    let grants = [
        Grant { grantee: "qcs::cam::uin/1:uin/2".into(), permission: "READ".into() },
        Grant { grantee: "qcs::cam::uin/1:uin/3".into(), permission: "READ".into() },
        Grant { grantee: "http://cam.qcloud.com/groups/global/AllUsers".into(), permission: "READ".into() },
    ];
    let metadata = Metadata { cache_control: Some("no-cache".into()), ..Metadata::default() };
    let request = CopyRequest {
        source: CopySource { bucket: "src-125", key: "in/ä/./x", version: &version },
        target_bucket: "b-125",
        target_key: "out/x",
        metadata: Directive::Replace(&metadata),
        tags: Directive::Replace(&[]),
        grants: Directive::Replace(&grants),
        canned_acl: None,
        storage_class: Some(StorageClass::new("ARCHIVE")),
        conditions: Conditions { modified_since: None, unmodified_since: Some(784_111_777) },
        operation: None,
    };
    assert_eq!(store.copy(request).await.unwrap().version_id.as_deref(), Some("v2"));
    let (line, headers, body) = seen(&script);
    assert_eq!((line.as_str(), body.as_str()), ("PUT /out/x", ""));
    assert_eq!(
        headers,
        [
            "cache-control: no-cache",
            "content-type: application/octet-stream",
            "x-cos-acl: public-read",
            "x-cos-copy-source-if-unmodified-since: Sun, 06 Nov 1994 08:49:37 GMT",
            "x-cos-copy-source: src-125.cos.ap-guangzhou.myqcloud.com/in/%C3%A4/./x?versionId=v%2F1",
            "x-cos-grant-read: id=\"qcs::cam::uin/1:uin/2\", id=\"qcs::cam::uin/1:uin/3\"",
            "x-cos-metadata-directive: Replaced",
            "x-cos-storage-class: ARCHIVE",
            "x-cos-tagging-directive: Replaced",
        ]
    );
}

#[tokio::test]
async fn a_restore_has_the_parameters_of_cos() {
    for (status, outcome) in [("202 Accepted", RestoreOutcome::Started), ("200 OK", RestoreOutcome::Extended)] {
        let (script, store) = store(answer(status, "", "")).await;
        let version = VersionSelector::Id("v1".into());
        let request = RestoreRequest { bucket: "b-125", key: "k", version: &version, days: 7, tier: RestoreTier::Bulk };
        assert_eq!(store.restore(request).await.unwrap(), outcome);
        let (line, _, body) = seen(&script);
        assert_eq!(line, "POST /k?restore&versionId=v1");
        let parameters = "<CASJobParameters><Tier>Bulk</Tier></CASJobParameters>";
        assert_eq!(body, format!("<RestoreRequest><Days>7</Days>{parameters}</RestoreRequest>"));
    }
}

#[tokio::test]
async fn the_other_requests() {
    let (script, s) = store(answer("200 OK", "", "")).await;
    let tags = [tag("k", "<v>")];
    let request = TagRequest { bucket: "b-125", key: "k", version: LATEST, tags: Directive::Replace(&tags) };
    s.put_tags(request).await.unwrap();
    let (line, headers, body) = seen(&script);
    assert_eq!(line, "PUT /k?tagging");
    assert_eq!(headers[1], "content-type: application/xml");
    assert_eq!(body, "<Tagging><TagSet><Tag><Key>k</Key><Value>&lt;v&gt;</Value></Tag></TagSet></Tagging>");

    let (script, s) =
        store("HTTP/1.1 204 No Content\r\nx-cos-delete-marker: true\r\nx-cos-version-id: m1\r\n\r\n".into()).await;
    let request = DeleteRequest { bucket: "b-125", key: "/k", version: LATEST, operation: None };
    let outcome = s.delete(request).await.unwrap();
    assert_eq!((outcome.delete_marker, outcome.version_id.as_deref()), (true, Some("m1")));
    assert_eq!(seen(&script).0, "DELETE //k");

    let (script, s) = store(answer("200 OK", "", "")).await;
    let request = AclRequest { bucket: "b-125", key: "k", version: LATEST, grants: &[], canned_acl: None };
    s.put_acl(request).await.unwrap();
    assert_eq!(seen(&script).1, ["x-cos-acl: default"]);

    let page = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextMarker>in/b%2B</NextMarker>\
                <Contents><Key>in/a%20b+</Key><LastModified>2026-11-01T08:30:00.000Z</LastModified><ETag>&quot;5d&quot;</ETag>\
                <Size>5</Size><StorageClass>ARCHIVE</StorageClass></Contents></ListBucketResult>";
    let (script, s) = store(answer("200 OK", "", page)).await;
    let found = s.list(ListRequest { bucket: "b-125", prefix: "in/", after: Some("in/a"), limit: 1 }).await.unwrap();
    assert_eq!(seen(&script).0, "GET /?encoding-type=url&max-keys=1&prefix=in%2F&marker=in%2Fa");
    assert_eq!((found.objects[0].0.as_str(), found.next.as_deref()), ("in/a b+", Some("in/a b+")));
    assert_eq!((found.objects[0].1.size, found.objects[0].1.storage_class.0.as_str()), (5, "ARCHIVE"));

    let page = "<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>k</Key><VersionId/><IsLatest>true</IsLatest>\
                <LastModified>2026-11-01T08:30:00.000Z</LastModified><ETag>\"5d\"</ETag><Size>5</Size></Version></ListVersionsResult>";
    let (script, s) = store(answer("200 OK", "", page)).await;
    let after = Some(("a", "v"));
    let request = ListVersionsRequest { bucket: "b-125", prefix: "", after, limit: 9 };
    let found = s.list_versions(request).await.unwrap();
    assert_eq!(seen(&script).0, "GET /?versions&encoding-type=url&max-keys=9&key-marker=a&version-id-marker=v");
    assert_eq!(found.versions[0].version_id, "null");
}

#[tokio::test]
async fn an_upload_in_parts() {
    let upload = UploadId { bucket: "b-125", key: "k", id: "u/1" };
    let begun =
        "<InitiateMultipartUploadResult><Bucket>b-125</Bucket><UploadId>u/1</UploadId></InitiateMultipartUploadResult>";
    let (script, s) = store(answer("200 OK", "", begun)).await;
    let request = MultipartRequest {
        bucket: "b-125",
        key: "k",
        metadata: Metadata::default(),
        tags: Vec::new(),
        storage_class: StorageClass::default(),
        grants: Vec::new(),
        canned_acl: Some("private"),
        operation: None,
    };
    assert_eq!(s.create_multipart(request).await.unwrap(), "u/1");
    let (line, headers, _) = seen(&script);
    assert_eq!(line, "POST /k?uploads");
    assert_eq!(headers, ["content-type: application/octet-stream", "x-cos-acl: private"]);

    let (script, s) = store(answer("200 OK", "", "<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>")).await;
    let source = CopySource { bucket: "src-125", key: "a", version: LATEST };
    let request = PartCopyRequest { upload, number: 2, source, range: Some(5..10), source_etag: Some("e") };
    assert_eq!(s.upload_part_copy(request).await.unwrap().etag, "p");
    let (line, headers, _) = seen(&script);
    assert_eq!(line, "PUT /k?partNumber=2&uploadId=u%2F1");
    let expected = [
        "x-cos-copy-source-if-match: \"e\"",
        "x-cos-copy-source-range: bytes=5-9",
        "x-cos-copy-source: src-125.cos.ap-guangzhou.myqcloud.com/a",
    ];
    assert_eq!(headers, expected);

    let done = "<CompleteMultipartUploadResult xmlns=\"http://www.qcloud.com/document/product/436/7751\"><ETag>\"x-1\"</ETag>\
                </CompleteMultipartUploadResult>";
    let (script, s) = store(answer("200 OK", "x-cos-version-id: v9\r\n", done)).await;
    let parts = [CompletedPart { number: 2, etag: "p".into() }];
    let outcome = s.complete_multipart(CompleteRequest { upload, parts: &parts }).await.unwrap();
    assert_eq!((outcome.etag.as_str(), outcome.version_id.as_deref()), ("x-1", Some("v9")));
    let (line, _, body) = seen(&script);
    assert_eq!(line, "POST /k?uploadId=u%2F1");
    let part = "<Part><PartNumber>2</PartNumber><ETag>&quot;p&quot;</ETag></Part>";
    assert_eq!(body, format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>"));
}
