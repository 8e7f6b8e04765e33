//! Delete.

use super::{at, bucket::Bucket, find, kept, location::Location, sidecar, temp::Temp, versions, write};
use crate::{
    DeleteOutcome, DeleteRequest, OperationId, VersionSelector,
    fail::Fail,
    rules::{self, NULL_VERSION, Versioning},
};

pub(super) fn delete(bucket: &Bucket, request: &DeleteRequest<'_>, now: i64) -> Result<DeleteOutcome, Fail> {
    let key = request.key;
    rules::check_key(key)?;
    let versioning = bucket.versioning()?;
    match (versioning, request.version) {
        (Versioning::Off, VersionSelector::Latest) => {
            let _changing = bucket.lock(key);
            kept::check_removable(bucket, key, request.version, now)?;
            remove_current(bucket, key)?;
            Ok(DeleteOutcome::default())
        }
        (_, VersionSelector::Id(id)) => remove_version(bucket, key, id, now),
        (_, VersionSelector::Latest) => mark_deleted(bucket, key, request.operation, versioning, now),
    }
}

/// Removes the current object. What it hides goes first, so that a crash in between brings nothing old to light.
fn remove_current(bucket: &Bucket, key: &str) -> Result<(), Fail> {
    versions::drop_shadowed(bucket, key, None)?;
    if let Some(location) = Location::ordinary(bucket, key)
        && let Some(inode) = location.remove()?
    {
        sidecar::remove(bucket, key, inode);
        location.prune();
    }
    Ok(())
}

/// Moves the current object to the older versions, which is the one step that deletes it; then adds a marker.
fn mark_deleted(
    bucket: &Bucket,
    key: &str,
    operation: Option<OperationId>,
    versioning: Versioning,
    now: i64,
) -> Result<DeleteOutcome, Fail> {
    let temp = Temp::named(bucket)?;
    let keeps = versioning == Versioning::Enabled;
    let id = if keeps {
        versions::new_id(operation.map(rules::operation_version), &at::stamp(&temp.file)?)
    } else {
        NULL_VERSION.to_owned()
    };
    let outcome = DeleteOutcome { delete_marker: true, version_id: Some(id.clone()) };
    let _changing = bucket.lock(key);
    if !keeps {
        kept::check_removable(bucket, key, &write::null_version(), now)?;
    }
    let current = find::current(bucket, key, at::LOOK)?;
    let mut survey = versions::survey(bucket, key, &id, current.as_ref().map(|c| &c.stamp))?;
    // Done before: no second marker, but a new file for the one there is, which a sync that failed may have lost.
    if keeps
        && operation.is_some()
        && let Some(done) = survey.wanted.take()
    {
        done.replace(bucket, key, temp)?;
        return Ok(outcome);
    }
    match current {
        Some(current) if keeps || current.version() != NULL_VERSION => survey.archive(bucket, key, &current, true)?,
        Some(_) => {
            survey.drop_leftover(bucket, key)?;
            remove_current(bucket, key)?;
        }
        None => {}
    }
    survey.add_marker(bucket, key, &id, temp)?;
    if !keeps {
        survey.discard_null(bucket, key)?;
    }
    Ok(outcome)
}

/// Removes one version for good; the next older one takes the place of the newest.
fn remove_version(bucket: &Bucket, key: &str, id: &str, now: i64) -> Result<DeleteOutcome, Fail> {
    let mut outcome = DeleteOutcome { delete_marker: false, version_id: Some(id.to_owned()) };
    let _changing = bucket.lock(key);
    kept::check_removable(bucket, key, &VersionSelector::Id(id.to_owned()), now)?;
    let current = find::current(bucket, key, at::LOOK)?;
    let mut survey = versions::survey(bucket, key, id, current.as_ref().map(|c| &c.stamp))?;
    if let Some(current) = &current
        && current.version() == id
    {
        survey.drop_leftover(bucket, key)?;
        match survey.newest {
            Some(older) if !older.is_marker => older.promote(bucket, key)?,
            _ => remove_current(bucket, key)?,
        }
        return Ok(outcome);
    }
    let Some(wanted) = survey.wanted else { return Ok(outcome) };
    outcome.delete_marker = wanted.is_marker;
    // Without the marker that hides it, the version below is the current one again. It is put in place first: were
    // the marker gone before, nobody would ever do it.
    if let Some(below) = survey.below.filter(|below| !below.is_marker)
        && wanted.is_marker
        && current.is_none()
        && survey.newest.as_ref() == Some(&wanted)
    {
        below.promote(bucket, key)?;
    }
    wanted.discard(bucket, key)?;
    Ok(outcome)
}
