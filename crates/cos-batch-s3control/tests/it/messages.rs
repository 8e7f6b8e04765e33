//! Requests as clients send them.

use cos_batch_engine::spec::{Change, Dialect, ManifestFormat, TaskOperation};
use cos_batch_model::{ErrorCode, xml::ToXml as _};
use cos_batch_s3control::{map, request::CreateJobRequest};

const ACCOUNT: &str = "123456789012";

/// The body of a request of boto3.
const CREATE: &str = include_str!("../../../../fixtures/captures/s3control/create-job.xml");

fn read(body: &str) -> Result<CreateJobRequest, String> {
    CreateJobRequest::read(body.as_bytes()).map_err(|error| error.to_string())
}

#[test]
fn what_boto3_sends_is_a_job() {
    let request = read(CREATE).unwrap();
    let spec = map::spec(&request, ACCOUNT).unwrap();
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
        map::spec(&read(&body).unwrap(), ACCOUNT).unwrap().confirmation_required
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
        map::spec(&read(&body).unwrap(), ACCOUNT).map(|spec| spec.manifest.format)
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
        let error = map::spec(&read(&body).unwrap(), ACCOUNT).unwrap_err();
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
        map::spec(&request, ACCOUNT).map(|spec| spec.operation).map_err(|error| (error.code, error.message))
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
        match map::spec(&request, ACCOUNT) {
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
