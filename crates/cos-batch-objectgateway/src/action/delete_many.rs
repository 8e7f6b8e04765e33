//! Delete Multiple Objects.

use cos_batch_objectstore::{DeleteOutcome, ErrorKind, VersionSelector};

use tokio::time::Instant;

use super::{Answer, Call, LISTED, delete::delete, document, expect, malformed, read_xml};
use crate::{
    body::RequestBody,
    error::{Code, Failure},
    limits::{DELETE_KEYS_MAX, DELETE_MANY_TIME},
    xml::{Document, Node},
};

/// What is to be deleted, and what came of it.
struct Deletion {
    key: String,
    version: Option<String>,
    outcome: Result<DeleteOutcome, Failure>,
}

pub(super) async fn run(call: &Call<'_>, body: &mut RequestBody) -> Answer {
    if !body.has_digest() {
        return Err(Failure::new(Code::InvalidRequest, "Content-MD5 is missing: a DELETE of many needs it"));
    }
    let root = read_xml(body, "Delete").await?;
    expect(&root, &["Quiet"], &["Object"])?;
    let quiet = match root.text_of("Quiet").map(str::trim) {
        None | Some("false") => false,
        Some("true") => true,
        Some(other) => return Err(malformed(format!("Quiet must be true or false, not {other:?}"))),
    };
    let wanted = root.children("Object").map(wanted).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() || wanted.len() > DELETE_KEYS_MAX {
        return Err(malformed(format!("a Delete has 1–{DELETE_KEYS_MAX} objects, not {}", wanted.len())));
    }
    let mut done = Vec::with_capacity(wanted.len());
    let started = Instant::now();
    for (key, version) in wanted {
        if started.elapsed() > DELETE_MANY_TIME {
            let seconds = DELETE_MANY_TIME.as_secs();
            let message = format!("not deleted: the keys before this one took more than {seconds} seconds");
            let outcome = Err(Failure::new(Code::ServiceUnavailable, message));
            done.push(Deletion { key, version, outcome });
            continue;
        }
        let selector = version.clone().map_or(VersionSelector::Latest, VersionSelector::Id);
        let outcome = delete(call.store, call.bucket.to_owned(), key.clone(), selector).await;
        if let Err(error) = &outcome
            && error.kind() == ErrorKind::NoSuchBucket
        {
            // That is not a matter of this key.
            return Err(error.clone().into());
        }
        done.push(Deletion { key, version, outcome: outcome.map_err(Failure::from) });
    }
    Ok(document(Document::whole("DeleteResult", |result| {
        for deletion in &done {
            show(result, deletion, quiet);
        }
    })))
}

fn wanted(object: &Node) -> Result<(String, Option<String>), Failure> {
    let known = [&["ETag", "Key", "PartNumber", "VersionId"], &LISTED[..]].concat();
    expect(object, &known, &[])?;
    let key = object.text_of("Key").filter(|key| !key.is_empty());
    let key = key.ok_or_else(|| malformed("each Object needs one Key, which is not empty"))?;
    let version = object.text_of("VersionId").filter(|id| !id.is_empty());
    Ok((key.to_owned(), version.map(str::to_owned)))
}

fn show(result: &mut Document, deletion: &Deletion, quiet: bool) {
    let Deletion { key, version, outcome } = deletion;
    match outcome {
        Ok(_) if quiet => {}
        Ok(outcome) => result.element("Deleted", |deleted| {
            deleted.text("Key", key);
            if outcome.delete_marker {
                deleted.value("DeleteMarker", true);
                if let Some(id) = &outcome.version_id {
                    deleted.text("DeleteMarkerVersionId", id);
                }
            }
            if let Some(id) = version {
                deleted.text("VersionId", id);
            }
        }),
        Err(failure) => result.element("Error", |error| {
            error.text("Key", key);
            if let Some(id) = version {
                error.text("VersionId", id);
            }
            error.text("Code", failure.code);
            error.text("Message", &failure.message);
        }),
    }
}
