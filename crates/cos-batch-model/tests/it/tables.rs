//! The closed lists of the protocol, written out again from its pages: what a list in the code loses, gains or spells
//! otherwise, shows here.

use std::{collections::BTreeSet, fmt::Debug};

use cos_batch_model::{
    ActionName, CannedAcl, Directive, ErrorCode, GranteeType, JobStatus, JobTier, ManifestField, ManifestFormat,
    OperationKind, Permission, ReportFormat, ReportScope, RequestedJobStatus, SseAlgorithm, StorageClass, WireEnum,
};

/// The values, each as `Name` or as `Name=spelling`, in the documented order.
fn is<T: WireEnum + Debug>(field: &str, all: &[T], expected: &str) {
    assert_eq!(T::FIELD, field);
    let expected: Vec<(&str, &str)> =
        expected.split_whitespace().map(|value| value.split_once('=').unwrap_or((value, value))).collect();
    let found: Vec<(String, &str)> = all.iter().map(|value| (format!("{value:?}"), value.wire_name())).collect();
    let found: Vec<(&str, &str)> = found.iter().map(|(name, wire)| (name.as_str(), *wire)).collect();
    assert_eq!(found, expected, "{field}");
    assert_eq!(T::ALLOWED, expected.iter().map(|(_, wire)| *wire).collect::<Vec<_>>(), "{field}");
    for (value, (_, wire)) in all.iter().zip(&expected) {
        assert_eq!(T::from_wire_name(wire), Some(*value), "{field}");
        for other in
            [wire.to_lowercase(), wire.to_uppercase(), format!("{wire} "), format!(" {wire}"), wire[1..].into()]
        {
            assert!(T::from_wire_name(&other).is_none_or(|_| other == *wire), "{field}: {other:?}");
        }
    }
}

#[test]
fn every_closed_list_has_its_values_and_spellings() {
    is("action", ActionName::ALL, "CreateJob DescribeJob ListJobs UpdateJobPriority UpdateJobStatus DeleteJob");
    is(
        "Status",
        JobStatus::ALL,
        "Active Cancelled Cancelling Complete Completing Failed Failing New Paused Pausing Preparing Ready Suspended",
    );
    is("requestedJobStatus", RequestedJobStatus::ALL, "Cancelled Ready");
    is(
        "Format",
        ManifestFormat::ALL,
        "BatchOperationsCsv=COSBatchOperations_CSV_V1 InventoryReportCsv=COSInventoryReport_CSV_V1",
    );
    is("Fields", ManifestField::ALL, "Ignore Bucket Key VersionId");
    is(
        "Operation",
        OperationKind::ALL,
        "PutObjectCopy=COSPutObjectCopy InitiateRestoreObject=COSInitiateRestoreObject DeleteObject=COSDeleteObject \
         PutObjectTagging=COSPutObjectTagging",
    );
    is("directive", Directive::ALL, "Copy Replaced Add");
    is("CannedAccessControlList", CannedAcl::ALL, "Private=private PublicRead=public-read");
    is("Permission", Permission::ALL, "Read=READ Write=WRITE FullControl=FULL_CONTROL");
    is("TypeIdentifier", GranteeType::ALL, "Id=ID");
    is("SSEAlgorithm", SseAlgorithm::ALL, "Aes256=AES256");
    is(
        "StorageClass",
        StorageClass::ALL,
        "Standard=STANDARD StandardIa=STANDARD_IA IntelligentTiering=INTELLIGENT_TIERING Archive=ARCHIVE \
         DeepArchive=DEEP_ARCHIVE MazStandard=MAZ_STANDARD MazStandardIa=MAZ_STANDARD_IA \
         MazIntelligentTiering=MAZ_INTELLIGENT_TIERING",
    );
    is("JobTier", JobTier::ALL, "Bulk Standard");
    is("Format", ReportFormat::ALL, "ReportCsvV1=Report_CSV_V1");
    is("ReportScope", ReportScope::ALL, "AllTasks FailedTasksOnly");
}

/// The page that people look codes up on.
#[test]
fn the_page_has_each_error_code_with_its_status_and_no_other() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md")).unwrap();
    let table = page.split("\n## Errors\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let mut on_page = BTreeSet::new();
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let mut cells = row.split('|').skip(1).map(str::trim);
        let (codes, status) = (cells.next().unwrap(), cells.next().unwrap());
        on_page.extend(codes.split(", ").map(|code| (code.trim_matches('`').to_owned(), status.to_owned())));
    }
    let status = |code: &ErrorCode| code.status().as_u16().to_string();
    let known: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| (code.as_str().to_owned(), status(code))).collect();
    assert_eq!(on_page, known);
}
