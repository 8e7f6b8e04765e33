//! A job as it is typed: from a form to a request, with what is wrong by field.

use cos_batch_model::{
    BucketArn, ClientRequestToken, CreateJobRequest, Days, Description, Directive, ETag, InitiateRestoreObject,
    JobTier, KeyPrefix, Lenient, Manifest, ManifestField, ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn,
    Operation, Priority, PutObjectCopy, PutObjectTagging, Report, ReportPrefix, ReportScope, RoleArn, StorageClass,
    Tag, TagKey, TagValue, ValidationError,
};

use crate::{form::Fields, words::Words};

/// Role that is sent where none is given: the API demands one, this server has no use for it.
const ROLE_DEFAULT: &str = "qcs::cam::uin/0:roleName/none";

/// Region in names of buckets: this server has none.
const REGION: &str = "local";

/// What is wrong with a field: its name in the form, and why.
pub(super) type Wrong = (&'static str, String);

/// What was typed, and what became of it.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// The request, unless something is wrong.
    pub(super) request: Option<CreateJobRequest>,
    /// By field, in the order of the form.
    pub(super) wrong: Vec<Wrong>,
}

/// Collects what is wrong while values are made.
#[derive(Default)]
struct Reader {
    wrong: Vec<Wrong>,
}

impl Reader {
    fn take<T, E: ToString>(&mut self, field: &'static str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.wrong.push((field, error.to_string()))).ok()
    }

    /// A value that may be left out.
    fn optional<T, E: ToString>(
        &mut self,
        field: &'static str,
        text: &str,
        make: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_empty() { None } else { self.take(field, make(text)) }
    }

    fn miss(&mut self, field: &'static str, text: &str) {
        self.wrong.push((field, text.to_owned()));
    }
}

/// The bucket and the key of the manifest, where both are given.
pub(super) fn manifest_of(fields: &Fields) -> Option<(&str, &str)> {
    let (bucket, key) = (fields.text("manifest_bucket"), fields.text("manifest_key"));
    (!bucket.is_empty() && !key.is_empty()).then_some((bucket, key))
}

/// Reads a form; `etag` is that of the manifest, or why it is not known.
pub(super) fn read(fields: &Fields, etag: &Result<String, String>, w: &Words) -> Draft {
    let mut reader = Reader::default();
    let operation = operation(fields, &mut reader, w);
    let manifest = manifest(fields, etag, &mut reader, w);
    let report = report(fields, &mut reader);
    let description = reader.optional("description", fields.text("description"), |text| Description::new(text));
    let text = if fields.text("priority").is_empty() { "0" } else { fields.text("priority") };
    let priority = reader.take("priority", text.parse::<Priority>());
    let role = if fields.text("role").is_empty() { ROLE_DEFAULT } else { fields.text("role") };
    let role_arn = reader.take("role", RoleArn::new(role));
    let token = reader.take("token", ClientRequestToken::new(fields.text("token")));
    let made = (|| {
        Some(CreateJobRequest {
            client_request_token: token?,
            confirmation_required: true,
            description,
            manifest: manifest?,
            operation: operation?,
            priority: priority?,
            report: report?,
            role_arn: role_arn?,
        })
    })();
    let request = made.filter(|_| reader.wrong.is_empty());
    let request = request.and_then(|request| {
        let checked = request.validate();
        reader.take("operation", checked).map(|()| request)
    });
    Draft { request, wrong: reader.wrong }
}

fn manifest(fields: &Fields, etag: &Result<String, String>, reader: &mut Reader, w: &Words) -> Option<Manifest> {
    let (bucket, key) = (fields.text("manifest_bucket"), fields.text("manifest_key"));
    if bucket.is_empty() {
        reader.miss("manifest_bucket", w.fix_manifest_bucket);
    }
    if key.is_empty() {
        reader.miss("manifest_key", w.fix_manifest_key);
    }
    let format = if fields.text("format") == "inventory" {
        ManifestFormat::InventoryReportCsv
    } else {
        ManifestFormat::BatchOperationsCsv
    };
    let text = if fields.text("fields").is_empty() { "Bucket,Key" } else { fields.text("fields") };
    let columns: Result<Vec<Lenient<ManifestField>>, ValidationError> = match format {
        // An inventory names its columns itself.
        ManifestFormat::InventoryReportCsv => Ok(Vec::new()),
        _ => text.split(',').map(|name| name.trim().parse::<ManifestField>().map(Lenient::from)).collect(),
    };
    let columns = reader.take("fields", columns);
    if bucket.is_empty() || key.is_empty() {
        return None;
    }
    let object_arn = reader.take("manifest_key", ObjectArn::for_object(REGION, bucket, key))?;
    let etag = reader.take("manifest_key", etag.clone())?;
    let e_tag = reader.take("manifest_key", ETag::new(etag))?;
    Some(Manifest {
        location: ManifestLocation { e_tag, object_arn, object_version_id: None },
        spec: ManifestSpec { fields: columns?, format: format.into() },
    })
}

fn bucket(field: &'static str, name: &str, reader: &mut Reader) -> Option<BucketArn> {
    reader.take(field, BucketArn::for_bucket(REGION, name))
}

fn operation(fields: &Fields, reader: &mut Reader, w: &Words) -> Option<Operation> {
    match fields.text("operation") {
        "copy" => {
            let name = fields.text("target");
            if name.is_empty() {
                reader.miss("target", w.fix_target);
                return None;
            }
            let target = bucket("target", name, reader);
            let from = reader.optional("prefix_from", fields.raw("prefix_from"), |text| KeyPrefix::new(text));
            let to = reader.optional("prefix_to", fields.raw("prefix_to"), |text| KeyPrefix::new(text));
            let class = reader.optional("class", fields.text("class"), str::parse::<StorageClass>);
            Some(Operation::PutObjectCopy(Box::new(PutObjectCopy {
                prefix_replace: from.is_some() || to.is_some(),
                resources_prefix: from,
                target_key_prefix: to,
                storage_class: class.map(Lenient::from),
                ..PutObjectCopy::to(target?)
            })))
        }
        "delete" => Some(Operation::DeleteObject),
        "restore" => {
            let days = fields.text("days").parse::<u16>().map_err(|_| w.fix_days.to_owned());
            let days = reader.take("days", days)?;
            let days = reader.take("days", Days::new(days));
            let tier = if fields.text("tier") == "bulk" { JobTier::Bulk } else { JobTier::Standard };
            Some(Operation::InitiateRestoreObject(InitiateRestoreObject {
                expiration_in_days: days?,
                job_tier: tier.into(),
            }))
        }
        "tag" => {
            let directive = if fields.text("tags_mode") == "add" { Directive::Add } else { Directive::Replaced };
            let tag_set = reader.take("tags", tags(fields.raw("tags"), w))?;
            if tag_set.is_empty() {
                reader.miss("tags", w.fix_tags);
            }
            Some(Operation::PutObjectTagging(PutObjectTagging { tagging_directive: Some(directive.into()), tag_set }))
        }
        _ => {
            reader.miss("operation", w.fix_operation);
            None
        }
    }
}

/// A tag in each line: `name=value`.
fn tags(text: &str, w: &Words) -> Result<Vec<Tag>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let (key, value) = line.split_once('=').ok_or_else(|| format!("{} {line}", w.fix_tag))?;
            let key = TagKey::new(key.trim()).map_err(|error| error.to_string())?;
            let value = TagValue::new(value.trim()).map_err(|error| error.to_string())?;
            Ok(Tag { key, value })
        })
        .collect()
}

fn report(fields: &Fields, reader: &mut Reader) -> Option<Report> {
    let name = fields.text("report_bucket");
    if name.is_empty() {
        return Some(Report::disabled());
    }
    let scope = match fields.text("report_scope") {
        "failed" => ReportScope::FailedTasksOnly,
        _ => ReportScope::AllTasks,
    };
    let bucket = bucket("report_bucket", name, reader);
    let prefix = reader.optional("report_prefix", fields.text("report_prefix"), |text| ReportPrefix::new(text));
    Some(Report { prefix, ..Report::to(bucket?, scope) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    const GOOD: &str = "operation=copy&manifest_bucket=a-1250000000&manifest_key=lists/all.csv&fields=Bucket,Key\
                        &target=b-1250000000&token=t&priority=7&description=night";

    fn draft(form: &str) -> Draft {
        read(&Fields::parse(form).unwrap(), &Ok("00ff".to_owned()), Lang::En.words())
    }

    #[test]
    fn a_whole_form_is_a_request_that_waits() {
        let request = draft(GOOD).request.unwrap();
        assert!(request.confirmation_required);
        assert_eq!((request.priority.get(), request.report.enabled), (7, false));
        for (more, what) in [
            ("&operation=delete", "delete"),
            ("&operation=restore&days=3&tier=bulk", "restore"),
            ("&operation=tag&tags=a%3Db%0A%0Ac%3D", "tag"),
        ] {
            let form = format!("{}{more}", GOOD.replacen("operation=copy&", "", 1));
            assert!(draft(&form).request.is_some(), "{what}: {:?}", draft(&form).wrong);
        }
    }

    #[test]
    fn what_is_wrong_is_said_at_its_field() {
        for (form, field) in [
            (GOOD.replacen("operation=copy", "operation=x", 1), "operation"),
            (GOOD.replacen("target=b-1250000000", "target=", 1), "target"),
            (GOOD.replacen("target=b-1250000000", "target=B", 1), "target"),
            (GOOD.replacen("priority=7", "priority=-1", 1), "priority"),
            (GOOD.replacen("fields=Bucket,Key", "fields=Bucket,Kex", 1), "fields"),
            (GOOD.replacen("manifest_key=lists/all.csv", "", 1), "manifest_key"),
            (GOOD.replacen("description=night", &format!("description={}", "x".repeat(257)), 1), "description"),
            (format!("{GOOD}&report_bucket=Q"), "report_bucket"),
            (format!("{}&operation=restore&days=0", GOOD.replacen("operation=copy&", "", 1)), "days"),
            (format!("{}&operation=tag&tags=x", GOOD.replacen("operation=copy&", "", 1)), "tags"),
            (format!("{}&operation=tag&tags=", GOOD.replacen("operation=copy&", "", 1)), "tags"),
        ] {
            let draft = draft(&form);
            assert!(draft.request.is_none(), "{form}");
            assert_eq!(draft.wrong.first().map(|(field, _)| *field), Some(field), "{form}: {:?}", draft.wrong);
        }
        let unknown = read(&Fields::parse(GOOD).unwrap(), &Err("it is not there".to_owned()), Lang::En.words());
        assert_eq!(unknown.wrong, [("manifest_key", "it is not there".to_owned())]);
    }
}
