//! What must hold at the end.

use std::collections::BTreeMap;

use bytes::Bytes;
use cos_batch_engine::{JobRecord, JobStore as _};
use cos_batch_model::JobStatus;
use cos_batch_objectstore::Tag;
use md5::{Digest as _, Md5};
use uuid::Uuid;

use crate::{
    Fault,
    plan::{JobPlan, Work},
    user::{TAG, content, key},
    world::{SOURCE, TARGET, World},
};

/// How a row ended, as its report says: with success, or with this code.
type Told = BTreeMap<u32, Result<(), String>>;

/// Holds what is left of one job against its plan.
pub(crate) async fn judge(world: &World, number: usize, plan: &JobPlan, id: Uuid) {
    // It is in memory, and never fails.
    let Ok(Some(record)) = world.jobs.get(id).await else {
        return world.violated(format!("job {number} is gone"));
    };
    let told = match report(world, id).await {
        Ok(told) => told,
        Err(rule) => return world.violated(format!("job {number}: {rule}")),
    };
    for rule in books(number, plan, &record, told.as_ref()) {
        world.violated(format!("job {number}, {}: {rule}", record.state.status));
    }
    for (row, how) in told.iter().flatten() {
        if how.as_ref().is_err_and(|code| is_passing(code)) {
            // Nobody knows whether it was done.
            continue;
        }
        if let Err(rule) = object(world, number, plan.work, *row, how.is_ok()).await {
            world.violated(format!("job {number}, row {row}: {rule}"));
        }
    }
    if record.state.status == JobStatus::Complete && !plan.all_tasks {
        for row in (0..plan.rows()).filter(|row| !plan.is_missing(*row)) {
            if let Err(rule) = object(world, number, plan.work, row, true).await {
                world.violated(format!("job {number}, row {row}: {rule}"));
            }
        }
    }
    // Without faults nothing is done twice.
    if !world.has_met(&Fault::ALL) {
        for row in 0..plan.rows() {
            let times = world.witness.times(number, row);
            if times > 1 {
                world.violated(format!("job {number}, row {row}: worked on {times} times without need"));
            }
        }
    }
}

/// Whether it is the code of something that may be otherwise at the next try.
fn is_passing(code: &str) -> bool {
    ["Unreachable", "InternalError", "SlowDown"].contains(&code)
}

/// The counts, and the rows of the report.
fn books(number: usize, plan: &JobPlan, record: &JobRecord, told: Option<&Told>) -> Vec<String> {
    let (status, progress) = (record.state.status, record.progress);
    let mut broken = Vec::new();
    let mut hold = |holds: bool, rule: String| {
        if !holds {
            broken.push(rule);
        }
    };
    let fails = |row: &u32| plan.is_missing(*row) && plan.work != Work::Delete;
    match status {
        JobStatus::Complete => {
            let failed = (0..plan.rows()).filter(fails).count() as u64;
            let wanted = (u64::from(plan.rows()), u64::from(plan.rows()) - failed, failed);
            let counted = (progress.total, progress.succeeded, progress.failed);
            hold(counted == wanted, format!("total, succeeded and failed are {counted:?}, not {wanted:?}"));
        }
        JobStatus::Cancelled => hold(plan.fate != crate::plan::Fate::Runs, "nobody cancelled it".to_owned()),
        _ => hold(false, format!("it did not end well: {:?}", record.state.failures)),
    }
    let Some(told) = told else {
        hold(progress.total == 0 || status != JobStatus::Complete, "it has no report".to_owned());
        hold(progress.executed() == 0, format!("it has no report, but executed {}", progress.executed()));
        return broken;
    };
    let succeeded = told.values().filter(|how| how.is_ok()).count() as u64;
    let failed = told.len() as u64 - succeeded;
    if plan.all_tasks {
        hold(succeeded == progress.succeeded, format!("{succeeded} reported, {} counted", progress.succeeded));
    } else {
        hold(succeeded == 0, format!("{succeeded} succeeded tasks are reported"));
    }
    hold(failed == progress.failed, format!("{failed} failed reported, {} counted", progress.failed));
    for (row, how) in told {
        hold(*row < plan.rows(), format!("row {row} of job {number} is none"));
        match how {
            Ok(()) => hold(!fails(row), format!("row {row} cannot have succeeded")),
            // What was being tried again when the job was cancelled ends as the last try did.
            Err(code) if status == JobStatus::Cancelled && is_passing(code) => {}
            Err(code) => hold(fails(row) && code == "NoSuchKey", format!("row {row} failed: {code}")),
        }
    }
    broken
}

/// What became of an object.
async fn object(world: &World, number: usize, work: Work, row: u32, succeeded: bool) -> Result<(), String> {
    let key = key(number, row);
    let source = world.content(SOURCE, &key).await;
    let original = Bytes::from(content(number, row));
    let is_original = |object: &Option<(Bytes, Vec<Tag>)>| object.as_ref().is_some_and(|(body, _)| *body == original);
    match work {
        Work::Copy => {
            let copy = world.content(TARGET, &key).await;
            if is_original(&copy) == succeeded {
                return Ok(());
            }
            Err(format!("it succeeded: {succeeded}, and its copy is {copy:?}"))
        }
        Work::Delete if source.is_some() => Err("it was deleted, and is there".to_owned()),
        Work::Delete => Ok(()),
        Work::Tag => {
            let tagged = source.is_some_and(|(_, tags)| tags.iter().any(|tag| tag.key == TAG.0 && tag.value == TAG.1));
            if tagged == succeeded { Ok(()) } else { Err(format!("it succeeded: {succeeded}, it is tagged: {tagged}")) }
        }
    }
}

/// The job's report; none: there is none.
async fn report(world: &World, id: Uuid) -> Result<Option<Told>, String> {
    let Some((list, _)) = world.content(TARGET, &format!("job-{id}/manifest.json")).await else { return Ok(None) };
    let list: serde_json::Value = serde_json::from_slice(&list).map_err(|error| format!("manifest.json: {error}"))?;
    let mut told = Told::new();
    let files = list["Results"].as_array().ok_or("manifest.json has no Results")?;
    for file in files {
        let name = file["Key"].as_str().ok_or("a result without a key")?;
        let (body, _) = world.content(TARGET, name).await.ok_or_else(|| format!("{name} is not there"))?;
        if file["MD5Checksum"] != hex::encode(Md5::digest(&body)) {
            return Err(format!("{name} has another MD5 than the manifest says"));
        }
        let text = str::from_utf8(&body).map_err(|error| format!("{name}: {error}"))?;
        for line in text.lines() {
            let fields: Vec<_> = line.splitn(7, ',').collect();
            let [_, key, _, status, _, code, _] = fields[..] else { return Err(format!("{name}: {line}")) };
            let row = key.rsplit('/').next().and_then(|row| row.parse().ok());
            let row: u32 = row.ok_or_else(|| format!("{name}: {line}"))?;
            let how = if status == "succeeded" { Ok(()) } else { Err(code.to_owned()) };
            if told.insert(row, how).is_some() {
                return Err(format!("row {row} is reported twice"));
            }
        }
    }
    Ok(Some(told))
}
