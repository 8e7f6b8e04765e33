//! The methods of the trait, a file for each group: which request, and what its answer means.

mod acl;
mod bucket;
mod copy;
mod list;
mod lock;
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
        return Err(fault::of_told(answer.status, &answer.fields, fault::told(&answer.body)));
    }
    read.map_err(|reason| answer.nonsense(&reason))?;
    if is_expected { Ok(()) } else { Err(answer.nonsense(&format!("its root is not {root}"))) }
}

/// Looks at an answer of success that need not have a document. Stores may send one that nobody asks for; a page for people is
/// from somebody on the way, and tells nothing about what the store did.
pub(super) fn no_document(answer: &Answer) -> Result<(), StoreError> {
    if answer.body.trim_ascii().is_empty() {
        return Ok(());
    }
    let mut root = String::new();
    xml::read(&answer.body, |path, _| path.clone_into(&mut root)).map_err(|reason| answer.nonsense(&reason))?;
    match root.as_str() {
        "Error" => Err(fault::of_told(answer.status, &answer.fields, fault::told(&answer.body))),
        page if page.eq_ignore_ascii_case("html") => Err(answer.nonsense("a page for people")),
        _ => Ok(()),
    }
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
    // S3 says so of an id that is none of its own: "Invalid version id specified". Other arguments can be wrong, too.
    let about_version =
        || error.code() == "InvalidArgument" && error.message().to_ascii_lowercase().contains("version");
    if by_id && error.kind() == ErrorKind::InvalidArgument && about_version() {
        return error.with_kind(ErrorKind::NoSuchVersion);
    }
    error
}

/// The same for a request that reads an object or its tags.
fn with_read_version(error: StoreError, version: &VersionSelector) -> StoreError {
    // S3 says so of a delete marker that is named by its id.
    if matches!(version, VersionSelector::Id(_)) && error.code() == "MethodNotAllowed" {
        return error.with_kind(ErrorKind::NoSuchKey);
    }
    with_version(error, version)
}

/// The id of a version that was made; `null` is what a write makes while no versions are kept.
fn made_version(id: Option<&str>) -> Option<String> {
    id.filter(|id| !id.is_empty() && *id != crate::rules::NULL_VERSION).map(str::to_owned)
}
