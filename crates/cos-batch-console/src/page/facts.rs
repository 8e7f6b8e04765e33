//! What is known of a job, a line for each.

use cos_batch_engine::{JobRecord, view::JobDetails};
use cos_batch_model::{Directive, Job, KeyPrefix, Lenient, Operation, PutObjectCopy, Report, ReportScope, Tag};

use crate::{
    format::{bytes, moment},
    words::Words,
};

/// A name, and what stands beside it.
pub(super) type Fact = (&'static str, String);

/// What is known of a job. One that was made in the words of another dialect, which DescribeJob does not have, has fewer
/// lines.
pub(super) fn facts(record: &JobRecord, job: Option<&Job>, details: &JobDetails, w: &'static Words) -> Vec<Fact> {
    let mut facts = vec![(w.operation, w.operation_name(&details.operation).to_owned())];
    facts.extend(details.source_bucket.clone().map(|name| (w.source, name)));
    if let Some(job) = job {
        operation(&job.operation, &mut facts, w);
    }
    let manifest = &details.manifest;
    let size = manifest.bytes.map(|size| format!(" ({})", bytes(size))).unwrap_or_default();
    facts.push((w.manifest, format!("{}/{}{size}", manifest.bucket, manifest.key)));
    facts.extend(manifest.version_id.clone().map(|version| (w.version, version)));
    facts.push(("ETag", manifest.etag.clone()));
    if let Some(spec) = job.map(|job| &job.manifest.spec) {
        let columns: Vec<&str> = spec.fields.iter().map(Lenient::as_str).collect();
        facts.push((w.format, format!("{} {}", spec.format.as_str(), columns.join(","))));
    }
    if let Some(report) = job.map(|job| &job.report).filter(|report| report.enabled) {
        facts.push((w.report_scope, scope(report, w).to_owned()));
    }
    facts.push((w.priority, record.priority.to_string()));
    let asked = if record.spec.confirmation_required { w.confirmation_asked } else { w.confirmation_none };
    facts.push((w.confirmation, asked.to_owned()));
    facts.push((w.created, moment(&details.creation_time)));
    let suspended = job.and_then(|job| job.suspended_date.as_ref());
    facts.extend(suspended.map(|time| (w.suspended_since, moment(&time.to_string()))));
    facts.extend(details.start_time.as_deref().map(|time| (w.started, moment(time))));
    facts.extend(details.termination_date.as_deref().map(|time| (w.ended, moment(time))));
    facts.push((w.role, record.spec.role_arn.clone()));
    facts.push((w.job_token, record.token.clone()));
    facts
}

fn operation(operation: &Operation, facts: &mut Vec<Fact>, w: &'static Words) {
    match operation {
        Operation::PutObjectCopy(copy) => {
            facts.push((w.target, target(copy)));
            facts.extend(copy.storage_class.as_ref().map(|class| (w.storage_class, class.as_str().to_owned())));
            if !copy.new_object_tagging.is_empty() {
                facts.push((w.tags, tags(&copy.new_object_tagging)));
            }
        }
        Operation::InitiateRestoreObject(restore) => {
            facts.push((w.days, restore.expiration_in_days.get().to_string()));
            facts.push((w.tier, restore.job_tier.as_str().to_owned()));
        }
        Operation::PutObjectTagging(tagging) => {
            facts.push((w.tags, tags(&tagging.tag_set)));
            let adds = tagging.tagging_directive.as_ref().is_some_and(|directive| *directive == Directive::Add);
            facts.push((w.tags_mode, if adds { w.tags_add } else { w.tags_replace }.to_owned()));
        }
        _ => {}
    }
}

fn target(copy: &PutObjectCopy) -> String {
    let bucket = copy.target_resource.bucket().to_owned();
    if !copy.prefix_replace {
        return bucket;
    }
    let text = |prefix: &Option<KeyPrefix>| prefix.as_ref().map_or("", KeyPrefix::as_str).to_owned();
    format!("{bucket} ({:?} \u{2192} {:?})", text(&copy.resources_prefix), text(&copy.target_key_prefix))
}

fn tags(tags: &[Tag]) -> String {
    let pairs: Vec<String> = tags.iter().map(|tag| format!("{}={}", tag.key.as_str(), tag.value.as_str())).collect();
    pairs.join(", ")
}

fn scope(report: &Report, w: &'static Words) -> &'static str {
    match report.report_scope.as_ref().and_then(Lenient::known) {
        Some(ReportScope::FailedTasksOnly) => w.scope_failed,
        _ => w.scope_all,
    }
}
