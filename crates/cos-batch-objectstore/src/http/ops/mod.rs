//! The methods of the trait, a file for each group: which request, and what its answer means.

mod acl;
mod bucket;
mod copy;
mod list;
mod multipart;
mod object;
mod tags;

use super::{call::Answer, fault, xml};
use crate::{ErrorKind, StoreError, VersionSelector};

/// Reads the document of an answer of success, which has this root. One that says that there was an error after all is that
/// error: stores begin to answer before they are done. Any other, like a page for people from somebody on the way, is no answer,
/// and above all not an empty one.
fn document(answer: &Answer, root: &str, mut at_end: impl FnMut(&str, &str)) -> Result<(), StoreError> {
    let mut is_error = false;
    let mut is_expected = false;
    let read = xml::read(&answer.body, |path, text| {
        // The root is the last to end.
        is_error = path == "Error";
        is_expected = path == root;
        at_end(path, text);
    });
    if read.is_ok() && is_error {
        return Err(fault::of_told(answer.status, &answer.headers, fault::told(&answer.body)));
    }
    read.map_err(|reason| fault::nonsense(&reason))?;
    if is_expected { Ok(()) } else { Err(fault::nonsense(&format!("its root is not {root}"))) }
}

/// An id that no version can have is refused before anybody is asked.
fn check_version(version: &VersionSelector) -> Result<(), StoreError> {
    match version {
        VersionSelector::Id(id) if id.is_empty() => {
            Err(StoreError::new(ErrorKind::NoSuchVersion, "the object has no version with an empty id"))
        }
        _ => Ok(()),
    }
}

/// What an error means for a request that names this version.
fn with_version(error: StoreError, version: &VersionSelector) -> StoreError {
    let by_id = matches!(version, VersionSelector::Id(_));
    match error.kind() {
        // S3 says so of an id that is none of its own.
        ErrorKind::InvalidArgument if by_id => error.with_kind(ErrorKind::NoSuchVersion),
        // S3 says so of a delete marker that is named by its id.
        _ if by_id && error.status() == 405 => error.with_kind(ErrorKind::NoSuchKey),
        _ => error,
    }
}

/// The id of a version that was made; `null` is what a write makes while no versions are kept.
fn made_version(id: Option<&str>) -> Option<String> {
    id.filter(|id| !id.is_empty() && *id != crate::rules::NULL_VERSION).map(str::to_owned)
}
