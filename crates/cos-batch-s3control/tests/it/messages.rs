//! Requests as clients send them.

use std::sync::Arc;

use cos_batch_engine::{
    JobRecord, JobSpec, JobState, Progress, ShardTally,
    spec::{Change, Dialect, ManifestFormat, TaskOperation},
};
use cos_batch_model::{ApiError, ErrorCode, xml::ToXml as _};
use cos_batch_s3control::{
    action::list_jobs::ListJobsResult,
    map::{self, Asker},
    request::CreateJobRequest,
};

const ACCOUNT: &str = "123456789012";

/// A bucket of somebody else, which those of this account may use.
const FOREIGN: &str = "foreign";

/// The body of a request of boto3.
pub(crate) const CREATE: &str = include_str!("../../../../fixtures/captures/s3control/create-job.xml");

/// The job that a request asks for, by somebody whose buckets are all but one.
pub(crate) fn spec(request: &CreateJobRequest) -> Result<JobSpec, ApiError> {
    map::spec(request, Asker { account: ACCOUNT, owns: &|bucket| bucket != FOREIGN })
}

/// A job that was just made.
pub(crate) fn record(spec: JobSpec) -> JobRecord {
    JobRecord {
        id: uuid::Uuid::nil(),
        tenant: "1250000000".to_owned(),
        token: "t".to_owned(),
        spec: Arc::new(spec),
        priority: 1,
        state: JobState::new(),
        version: 0,
        created_at: 0,
        progress: Progress::default(),
        shards: ShardTally::default(),
        deleted: false,
    }
}

fn read(body: &str) -> Result<CreateJobRequest, String> {
    CreateJobRequest::read(body.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn what_boto3_sends_is_a_job() {
    let request = read(CREATE).unwrap();
    let spec = spec(&request).unwrap();
    assert_eq!((spec.dialect, spec.confirmation_required), (Dialect::S3Control, false));
    assert_eq!(spec.description.as_deref(), Some("d <&> x"));
    assert_eq!((spec.manifest.bucket.as_str(), spec.manifest.key.as_str()), ("b", "m.csv"));
    assert_eq!(spec.manifest.etag, "abc");
    assert_eq!(spec.tags.iter().map(|tag| (&*tag.key, &*tag.value)).collect::<Vec<_>>(), [("t", "v")]);
    let TaskOperation::Copy(copy) = &spec.operation else { panic!("{:?}", spec.operation) };
    assert_eq!(copy.target_bucket, "dst");
    assert_eq!(copy.prefix.as_ref().map(|prefix| (&*prefix.source, &*prefix.target)), Some(("", "p/")));
    let Change::Replace(metadata) = &copy.metadata else { panic!("{:?}", copy.metadata) };
    assert_eq!(metadata.expires.as_deref(), Some("Fri, 02 Jan 2026 03:04:05 GMT"));
    assert_eq!(metadata.user.get("k1").map(String::as_str), Some("v1"));
    // What is kept of it is read again as the same.
    assert_eq!(read(&spec.request).unwrap(), request);
    assert_eq!(request.to_xml(), spec.request);
}

#[test]
fn a_job_waits_unless_it_is_told_not_to() {
    let said = |element: &str| {
        let body = CREATE.replace("<ConfirmationRequired>false</ConfirmationRequired>", element);
        spec(&read(&body).unwrap()).unwrap().confirmation_required
    };
    assert!(said("") && said("<ConfirmationRequired>true</ConfirmationRequired>"));
    assert!(!said("<ConfirmationRequired>false</ConfirmationRequired>"));
}

#[test]
fn an_inventory_says_itself_which_columns_it_has() {
    let of = |fields: &str| {
        let fields = format!("<Format>S3InventoryReport_CSV_20161130</Format>{fields}");
        let plain = "<Format>S3BatchOperations_CSV_20180820</Format>\
                     <Fields><member>Bucket</member><member>Key</member></Fields>";
        let body = CREATE.replacen(plain, &fields, 1);
        assert_ne!(body, CREATE);
        spec(&read(&body).unwrap()).map(|spec| spec.manifest.format)
    };
    assert_eq!(of(""), Ok(ManifestFormat::Inventory));
    assert_eq!(of("<Fields/>"), Ok(ManifestFormat::Inventory));
    assert_eq!(of("<Fields><member>Key</member></Fields>").unwrap_err().code, ErrorCode::InvalidArgument);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (from, to, message) in [
        ("<Priority>10</Priority>", "", "CreateJobRequest: element Priority is missing"),
        (
            "<Priority>10</Priority>",
            "<Priority></Priority>",
            "CreateJobRequest/Priority: Priority must be a whole number",
        ),
        (
            "<Priority>10</Priority>",
            "<Priority>1</Priority><Priority>1</Priority>",
            "element Priority is given more than once",
        ),
        ("<Priority>10</Priority>", "<Priority>1</Priority><Speed>1</Speed>", "unknown element Speed"),
        ("<Key>a</Key>", "<Key>a,b</Key>", "Key must be of letters, spaces, digits"),
        ("STANDARD_IA", "Standard_IA", "StorageClass must be one of"),
        ("2026-01-02T03:04:05Z", "today", "HttpExpiresDate must be a moment like"),
        (
            "</S3PutObjectCopy>",
            "</S3PutObjectCopy><S3ReplicateObject/>",
            "Operation must have exactly one of its members",
        ),
        ("<Format>Report_CSV_20180820</Format>", "", "Format is missing"),
        ("<key>k1</key>", "", "element key is missing"),
        ("123456789012", "12345678901", "RoleArn must be of the form arn:aws:iam"),
    ] {
        let body = CREATE.replacen(from, to, 1);
        assert_ne!(body, CREATE, "{from}");
        let error = read(&body).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn what_is_not_offered_is_refused_by_name() {
    for (from, to, code, message) in [
        (
            "<S3PutObjectCopy>",
            "<S3PutObjectCopy><RequesterPays>true</RequesterPays>",
            ErrorCode::NotImplemented,
            "RequesterPays",
        ),
        (
            "<S3PutObjectCopy>",
            "<S3PutObjectCopy><ObjectLockMode>GOVERNANCE</ObjectLockMode>",
            ErrorCode::NotImplemented,
            "ObjectLockMode",
        ),
        (
            "arn:aws:s3:::dst",
            "arn:aws:s3:us-east-1:123456789012:accesspoint/a",
            ErrorCode::NotImplemented,
            "access points",
        ),
        ("arn:aws:s3:::b/m.csv", "arn:aws:s3:::b", ErrorCode::InvalidArgument, "names no object"),
        ("<member>Key</member>", "", ErrorCode::InvalidArgument, "Manifest.Spec.Fields"),
        ("<TypeIdentifier>id<", "<TypeIdentifier>uri<", ErrorCode::InvalidArgument, "is no uri"),
        (
            "<Prefix>r</Prefix>",
            "<ExpectedBucketOwner>210987654321</ExpectedBucketOwner>",
            ErrorCode::AccessDenied,
            "ExpectedBucketOwner",
        ),
    ] {
        let body = CREATE.replacen(from, to, 1);
        assert_ne!(body, CREATE, "{from}");
        let error = spec(&read(&body).unwrap()).unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(message), "{error}");
    }
}

#[test]
fn operations_beyond_those_of_cos_have_their_words() {
    use cos_batch_engine::spec::ChecksumAlgorithm;
    use cos_batch_objectstore::{Retention, RetentionMode};
    let (before, rest) = CREATE.split_once("<S3PutObjectCopy>").unwrap();
    let (_, after) = rest.split_once("</S3PutObjectCopy>").unwrap();
    let asked = |text: &str| {
        let request = read(&format!("{before}{text}{after}")).unwrap();
        spec(&request).map(|spec| spec.operation).map_err(|error| (error.code, error.message))
    };
    let hold = |status| {
        asked(&format!("<S3PutObjectLegalHold><LegalHold><Status>{status}</Status></LegalHold></S3PutObjectLegalHold>"))
    };
    assert_eq!(hold("ON").unwrap(), TaskOperation::LegalHold { on: true });
    assert_eq!(hold("OFF").unwrap(), TaskOperation::LegalHold { on: false });
    let retention = |inside: &str, more: &str| {
        asked(&format!("<S3PutObjectRetention>{more}<Retention>{inside}</Retention></S3PutObjectRetention>"))
    };
    let until = "<Mode>GOVERNANCE</Mode><RetainUntilDate>2033-05-18T03:33:20Z</RetainUntilDate>";
    let set = Some(Retention { mode: RetentionMode::Governance, until: 2_000_000_000 });
    let bypass = "<BypassGovernanceRetention>true</BypassGovernanceRetention>";
    for (inside, more, retention_is, bypass_governance) in
        [(until, "", set, false), (until, bypass, set, true), ("", bypass, None, true)]
    {
        let expected = TaskOperation::Retention { retention: retention_is, bypass_governance };
        assert_eq!(retention(inside, more).unwrap(), expected);
    }
    for half in ["<Mode>COMPLIANCE</Mode>", "<RetainUntilDate>2033-05-18T03:33:20Z</RetainUntilDate>"] {
        let (code, message) = retention(half, "").unwrap_err();
        assert!(code == ErrorCode::InvalidArgument && message.contains("go together"), "{message}");
    }
    for event in ["<EventHold>ON</EventHold>", "<EventHoldDuration><Days>1</Days></EventHoldDuration>"] {
        let (code, message) = retention(event, "").unwrap_err();
        assert!(code == ErrorCode::NotImplemented && message.contains("EventHold"), "{message}");
    }
    let checksum = |inside: &str| asked(&format!("<S3ComputeObjectChecksum>{inside}</S3ComputeObjectChecksum>"));
    for (inside, algorithm) in [
        ("", ChecksumAlgorithm::Crc64Nvme),
        (
            "<ChecksumAlgorithm>SHA256</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType>",
            ChecksumAlgorithm::Sha256,
        ),
    ] {
        assert_eq!(checksum(inside).unwrap(), TaskOperation::Checksum { algorithm });
    }
    for inside in ["<ChecksumType>COMPOSITE</ChecksumType>", "<ChecksumAlgorithm>XXHASH3</ChecksumAlgorithm>"] {
        let (code, message) = checksum(inside).unwrap_err();
        assert!(code == ErrorCode::NotImplemented && message.contains("S3ComputeObjectChecksum"), "{message}");
    }
}

#[test]
fn functions_are_chosen_by_name() {
    let (before, rest) = CREATE.split_once("<S3PutObjectCopy>").unwrap();
    let (_, after) = rest.split_once("</S3PutObjectCopy>").unwrap();
    let asked = |inside: &str| {
        let request = read(&format!("{before}<LambdaInvoke>{inside}</LambdaInvoke>{after}")).unwrap();
        match spec(&request) {
            Ok(spec) => match spec.operation {
                TaskOperation::Custom(custom) => Ok((custom.kind, custom.schema.unwrap(), custom.arguments)),
                other => panic!("{other:?}"),
            },
            Err(error) => Err((error.code, error.message)),
        }
    };
    const ARN: &str = "<FunctionArn>arn:aws:lambda:us-east-1:123456789012:function:resize</FunctionArn>";
    let argument = "<UserArguments><entry><key>to</key><value>a</value></entry></UserArguments>";
    let second = "<InvocationSchemaVersion>2.0</InvocationSchemaVersion>";
    let (kind, schema, arguments) = asked(ARN).unwrap();
    assert_eq!((kind.as_str(), schema.as_str(), arguments.len()), ("resize", "1.0", 0));
    let (_, schema, arguments) = asked(&format!("{ARN}{second}{argument}")).unwrap();
    assert_eq!((schema.as_str(), arguments["to"].as_str()), ("2.0", "a"));
    for (inside, code, words) in [
        (String::new(), ErrorCode::InvalidArgument, "FunctionArn is needed"),
        (format!("{ARN}{argument}"), ErrorCode::InvalidArgument, "UserArguments need"),
        (
            format!("{ARN}<InvocationSchemaVersion>3.0</InvocationSchemaVersion>"),
            ErrorCode::InvalidArgument,
            "must be 1.0 or 2.0, not 3.0",
        ),
        (ARN.replace(":resize", ":resize:live"), ErrorCode::NotImplemented, "live"),
    ] {
        let (told, message) = asked(&inside).unwrap_err();
        assert!(told == code && message.contains(words), "{message}");
    }
    assert_eq!(asked(&ARN.replace(":resize", ":resize:$LATEST")).unwrap().0, "resize");
}

#[test]
fn what_no_store_takes_is_refused_at_once() {
    let entry = |key: &str, value: &str| format!("<entry><key>{key}</key><value>{value}</value></entry>");
    let metadata = |entries: &str| {
        let plain = entry("k1", "v1") + &entry("k2", "v2");
        let body = CREATE.replacen(&plain, entries, 1);
        assert_ne!(body, CREATE, "{plain}");
        spec(&read(&body).unwrap()).map(|_| ()).map_err(|error| (error.code, error.message))
    };
    // A value has at most 1024 characters.
    let two = entry("k", &"v".repeat(1000)) + &entry("l", &"v".repeat(1000));
    let of_bytes = |bytes: usize| metadata(&(two.clone() + &entry("m", &"v".repeat(bytes - 2003))));
    assert_eq!(of_bytes(2048), Ok(()));
    let (code, message) = of_bytes(2049).unwrap_err();
    assert_eq!(code, ErrorCode::InvalidArgument);
    assert!(message.contains("UserMetadata: keys and values have at most 2048 bytes together, not 2049"), "{message}");
    assert_eq!(metadata(&(entry("key", "1") + &entry("Kez", "2"))), Ok(()));
    let (code, message) = metadata(&(entry("key", "1") + &entry("a", "2") + &entry("Key", "3"))).unwrap_err();
    assert_eq!(code, ErrorCode::InvalidArgument);
    assert!(message.contains("UserMetadata: the key \"key\" is there twice"), "{message}");

    let tags = |keys: &[String]| {
        keys.iter().map(|key| format!("<member><Key>{key}</Key><Value/></member>")).collect::<String>()
    };
    let ten: Vec<String> = (0..10).map(|number| format!("k{number}")).collect();
    let eleven: Vec<String> = (0..11).map(|number| format!("k{number}")).collect();
    let twice = ["k".to_owned(), "l".to_owned(), "k".to_owned()];
    let (from, to) = (CREATE.find("<S3PutObjectCopy>").unwrap(), CREATE.find("</S3PutObjectCopy>").unwrap());
    for list in ["NewObjectTagging", "TagSet"] {
        let of = |keys: &[String]| {
            let list = format!("<{list}>{}</{list}>", tags(keys));
            let operation = match list.starts_with("<TagSet>") {
                true => format!("<S3PutObjectTagging>{list}</S3PutObjectTagging>"),
                false => {
                    let target = "<TargetResource>arn:aws:s3:::dst</TargetResource>";
                    format!("<S3PutObjectCopy>{target}{list}</S3PutObjectCopy>")
                }
            };
            let body = format!("{}{operation}{}", &CREATE[..from], &CREATE[to + "</S3PutObjectCopy>".len()..]);
            spec(&read(&body).unwrap()).map(|_| ()).map_err(|error| (error.code, error.message))
        };
        assert_eq!(of(&ten), Ok(()), "{list}");
        for (keys, rule) in
            [(&eleven[..], "an object has at most 10 tags, these are 11"), (&twice, "\"k\" is there twice")]
        {
            let (code, message) = of(keys).unwrap_err();
            assert_eq!(code, ErrorCode::InvalidArgument);
            assert!(message.contains(list) && message.contains(rule), "{message}");
        }
    }
}

#[test]
fn an_owner_is_expected_of_ones_own_buckets_only() {
    let report = |bucket: &str, expected: &str| {
        let expected = format!("<Prefix>r</Prefix><ExpectedBucketOwner>{expected}</ExpectedBucketOwner>");
        let body = CREATE.replacen("<Prefix>r</Prefix>", &expected, 1);
        let body =
            body.replacen("<Bucket>arn:aws:s3:::rep</Bucket>", &format!("<Bucket>arn:aws:s3:::{bucket}</Bucket>"), 1);
        assert!(body.contains(bucket), "{body}");
        spec(&read(&body).unwrap()).map(|_| ()).map_err(|error| error.code)
    };
    let generated = |bucket: &str, expected: &str| {
        let (from, to) = (CREATE.find("<Manifest>").unwrap(), CREATE.find("</Manifest>").unwrap());
        let generator = format!(
            "<ManifestGenerator><S3JobManifestGenerator><ExpectedBucketOwner>{expected}</ExpectedBucketOwner>\
             <SourceBucket>arn:aws:s3:::{bucket}</SourceBucket><EnableManifestOutput>false</EnableManifestOutput>\
             </S3JobManifestGenerator></ManifestGenerator>"
        );
        let body = format!("{}{generator}{}", &CREATE[..from], &CREATE[to + "</Manifest>".len()..]);
        spec(&read(&body).unwrap()).map(|_| ()).map_err(|error| error.code)
    };
    let other = "210987654321";
    for (bucket, expected, answer) in [
        ("own", ACCOUNT, Ok(())),
        ("own", other, Err(ErrorCode::AccessDenied)),
        (FOREIGN, ACCOUNT, Err(ErrorCode::AccessDenied)),
        (FOREIGN, other, Err(ErrorCode::AccessDenied)),
    ] {
        assert_eq!(report(bucket, expected), answer, "report in {bucket} of {expected}");
        assert_eq!(generated(bucket, expected), answer, "list of {bucket} of {expected}");
    }
}

#[test]
fn pairs_in_another_order_are_the_same_request() {
    let entry = |key: &str| format!("<entry><key>{key}</key><value>{key}</value></entry>");
    let of = |keys: [&str; 3]| {
        let body = CREATE.replacen(
            "<entry><key>k1</key><value>v1</value></entry><entry><key>k2</key><value>v2</value></entry>",
            &keys.map(entry).concat(),
            1,
        );
        assert_ne!(body, CREATE);
        read(&body).map(|request| spec(&request).unwrap().request)
    };
    assert_eq!(of(["a", "b", "c"]), of(["c", "a", "b"]));
    let error = of(["a", "b", "a"]).unwrap_err();
    assert!(error.contains("UserMetadata has a key twice"), "{error}");
}

#[test]
fn lists_name_operations_as_they_were_asked_for() {
    let listed = |body: &str| {
        let job = record(spec(&read(body).unwrap()).unwrap());
        ListJobsResult { jobs: vec![job], more: false }.to_xml()
    };
    // A date that is kept as text; something that is added to what the source has.
    let dated = CREATE.to_owned();
    assert!(dated.contains("<HttpExpiresDate>"));
    let encrypted =
        CREATE.replacen("</NewObjectMetadata>", "<SSEAlgorithm>AES256</SSEAlgorithm></NewObjectMetadata>", 1);
    let added =
        encrypted.replacen("<S3PutObjectCopy>", "<S3PutObjectCopy><MetadataDirective>COPY</MetadataDirective>", 1);
    assert_ne!(encrypted, CREATE);
    for body in [dated, added] {
        let list = listed(&body);
        assert!(list.contains("<Operation>S3PutObjectCopy</Operation>"), "{list}");
    }
}
