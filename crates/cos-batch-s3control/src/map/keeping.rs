//! Legal holds, retentions and checksums.

use cos_batch_engine::spec::{ChecksumAlgorithm, TaskOperation};
use cos_batch_model::{ApiError, Timestamp};
use cos_batch_objectstore::{Retention, RetentionMode};

use super::{invalid, missing};
use crate::shape::Structure;

/// What checksums are computed with where the request does not say: what S3 gives new objects.
const ALGORITHM_DEFAULT: ChecksumAlgorithm = ChecksumAlgorithm::Crc64Nvme;

/// What S3PutObjectLegalHold asks for.
pub(super) fn legal_hold(asked: &Structure) -> Result<TaskOperation, ApiError> {
    let status = asked.structure("LegalHold").and_then(|hold| hold.text("Status"));
    let status = status.ok_or_else(|| invalid("S3PutObjectLegalHold: LegalHold with a Status is needed"))?;
    Ok(TaskOperation::LegalHold { on: status == "ON" })
}

/// What S3PutObjectRetention asks for.
pub(super) fn retention(asked: &Structure) -> Result<TaskOperation, ApiError> {
    let new = asked.structure("Retention");
    let new = new.ok_or_else(|| invalid("S3PutObjectRetention: Retention is needed, empty to end one"))?;
    if let Some(name) = ["EventHold", "EventHoldDuration"].iter().find(|name| new.get(name).is_some()) {
        return Err(missing(format!("S3PutObjectRetention with {name}")));
    }
    let retention = match (new.text("Mode").and_then(RetentionMode::of_name), new.time("RetainUntilDate")) {
        (None, None) => None,
        (Some(mode), Some(until)) => Some(Retention { mode, until: Timestamp::unix_seconds(until) }),
        _ => return Err(invalid("Retention: Mode and RetainUntilDate go together")),
    };
    Ok(TaskOperation::Retention { retention, bypass_governance: asked.flag("BypassGovernanceRetention") })
}

/// What S3ComputeObjectChecksum asks for.
pub(super) fn checksum(asked: &Structure) -> Result<TaskOperation, ApiError> {
    if asked.text("ChecksumType") == Some("COMPOSITE") {
        return Err(missing("S3ComputeObjectChecksum with the ChecksumType COMPOSITE; FULL_OBJECT is there"));
    }
    let algorithm = match asked.text("ChecksumAlgorithm") {
        None => ALGORITHM_DEFAULT,
        Some(name) => ChecksumAlgorithm::of_name(name)
            .ok_or_else(|| missing(format!("S3ComputeObjectChecksum with the ChecksumAlgorithm {name}")))?,
    };
    Ok(TaskOperation::Checksum { algorithm })
}
