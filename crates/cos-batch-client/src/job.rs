//! The common jobs, in a few lines.

use cos_batch_model::{
    BucketArn, ClientRequestToken, CreateJobRequest, Days, Directive, ETag, InitiateRestoreObject, JobTier, KeyPrefix,
    Lenient, Manifest, ManifestField, ManifestFormat, ManifestLocation, ManifestSpec, ObjectArn, Operation, Priority,
    PutObjectCopy, PutObjectTagging, Report, ReportPrefix, ReportScope, RoleArn, Tag, TagKey, TagValue,
    ValidationError,
};

use crate::BuildError;

/// Makes the request for a job (CreateJob) over a CSV manifest with the columns Bucket and Key.
///
/// Every part that is wrong is told by [`build`](Self::build), the first one first.
///
/// ```
/// use cos_batch_client::JobBuilder;
///
/// let request = JobBuilder::new("ap-guangzhou", "photos-1250000000/lists/all.csv", "2b31f8ebd02b469a2727c2894416825c")
///     .copy_to("backup-1250000000")
///     .prefix("2025/", "old/2025/")
///     .report_to("backup-1250000000", "reports")
///     .role("qcs::cam::uin/100000000001:roleName/COSBatch_QcsRole")
///     .build("every photo of 2025")?;
/// assert_eq!(request.client_request_token.as_str(), "every photo of 2025");
///
/// let wrong = JobBuilder::new("ap-guangzhou", "photos-1250000000/lists/all.csv", "2b31").restore(0).build("thaw");
/// assert!(wrong.unwrap_err().to_string().contains("ExpirationInDays"));
/// # Ok::<(), cos_batch_client::BuildError>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct JobBuilder {
    region: String,
    manifest: Result<Manifest, ValidationError>,
    operation: Option<Result<Operation, ValidationError>>,
    prefix: Option<Result<(KeyPrefix, KeyPrefix), ValidationError>>,
    report: Result<Report, ValidationError>,
    role: Option<Result<RoleArn, ValidationError>>,
    priority: Result<Priority, ValidationError>,
    confirm: bool,
}

/// A name that grants nothing, for servers that do not look at it.
const NO_ROLE: &str = "qcs::cam::uin/0:roleName/none";

/// How urgent a job is that does not say so.
const PRIORITY_DEFAULT: u32 = 10;

impl JobBuilder {
    /// A job over this manifest: `BUCKET/KEY` of a CSV file with the columns Bucket and Key, and its ETag, without which
    /// nobody could tell that the list was changed meanwhile.
    ///
    /// See [`JobBuilder`] for an example. Source: ours.
    pub fn new(region: impl Into<String>, manifest: &str, etag: &str) -> Self {
        let region = region.into();
        let (bucket, key) = manifest.split_once('/').unwrap_or((manifest, ""));
        let location = ETag::new(etag).and_then(|e_tag| {
            Ok(ManifestLocation {
                e_tag,
                object_arn: ObjectArn::for_object(&region, bucket, key)?,
                object_version_id: None,
            })
        });
        let fields = [ManifestField::Bucket, ManifestField::Key].map(Lenient::Known).to_vec();
        let spec = ManifestSpec { fields, format: Lenient::Known(ManifestFormat::BatchOperationsCsv) };
        Self {
            region,
            manifest: location.map(|location| Manifest { location, spec }),
            operation: None,
            prefix: None,
            report: Ok(Report::disabled()),
            role: None,
            priority: Priority::new(PRIORITY_DEFAULT),
            confirm: false,
        }
    }

    /// The manifest has these columns instead.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn columns(mut self, columns: impl IntoIterator<Item = ManifestField>) -> Self {
        if let Ok(manifest) = &mut self.manifest {
            manifest.spec.fields = columns.into_iter().map(Lenient::Known).collect();
        }
        self
    }

    /// Copies each object to this bucket, under its own key.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn copy_to(mut self, bucket: &str) -> Self {
        let target = BucketArn::for_bucket(&self.region, bucket);
        self.operation = Some(target.map(|target| Operation::PutObjectCopy(Box::new(PutObjectCopy::to(target)))));
        self
    }

    /// Copies have another beginning of their key: `to` in place of `from`. Goes with [`copy_to`](Self::copy_to) alone.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn prefix(mut self, from: &str, to: &str) -> Self {
        self.prefix = Some(KeyPrefix::new(from).and_then(|from| Ok((from, KeyPrefix::new(to)?))));
        self
    }

    /// Makes archived objects readable for so many days.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn restore(mut self, days: u16) -> Self {
        let restore = Days::new(days).map(|expiration_in_days| {
            let job_tier = Lenient::Known(JobTier::Standard);
            Operation::InitiateRestoreObject(InitiateRestoreObject { expiration_in_days, job_tier })
        });
        self.operation = Some(restore);
        self
    }

    /// Gives each object these tags, in place of those that it has.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn retag<'a>(mut self, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let tag = |(key, value): (&str, &str)| -> Result<Tag, ValidationError> {
            Ok(Tag { key: TagKey::new(key)?, value: TagValue::new(value)? })
        };
        let tags: Result<Vec<Tag>, ValidationError> = tags.into_iter().map(tag).collect();
        self.operation = Some(tags.map(|tag_set| {
            let tagging_directive = Some(Lenient::Known(Directive::Replaced));
            Operation::PutObjectTagging(PutObjectTagging { tagging_directive, tag_set })
        }));
        self
    }

    /// Deletes each object.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn delete(mut self) -> Self {
        self.operation = Some(Ok(Operation::DeleteObject));
        self
    }

    /// Leaves a report on all tasks in this bucket, under this prefix. Without it there is none.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn report_to(mut self, bucket: &str, prefix: &str) -> Self {
        self.report = BucketArn::for_bucket(&self.region, bucket).and_then(|bucket| {
            let prefix = Some(ReportPrefix::new(prefix)?);
            Ok(Report { prefix, ..Report::to(bucket, ReportScope::AllTasks) })
        });
        self
    }

    /// The role under which the service touches objects. The service of Tencent Cloud needs one.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn role(mut self, arn: &str) -> Self {
        self.role = Some(RoleArn::new(arn));
        self
    }

    /// How urgent it is; larger goes first, 10 if not said.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn priority(mut self, priority: u32) -> Self {
        self.priority = Priority::new(priority);
        self
    }

    /// It waits for somebody to confirm it.
    ///
    /// Source: COS Batch API, CreateJob.
    pub fn confirm_first(mut self) -> Self {
        self.confirm = true;
        self
    }

    /// The request. The token is yours: with the same token no second job is made.
    ///
    /// See [`JobBuilder`] for an example. Source: ours.
    ///
    /// # Errors
    ///
    /// [`BuildError::Missing`] without an operation; [`BuildError::Request`] for what breaks a rule of the API.
    pub fn build(self, token: &str) -> Result<CreateJobRequest, BuildError> {
        let operation = self.operation.ok_or(BuildError::Missing {
            what: "an operation (`JobBuilder::copy_to`, `restore`, `retag` or `delete`)",
        })?;
        let mut operation = operation?;
        if let Some(prefix) = self.prefix {
            let (from, to) = prefix?;
            let Operation::PutObjectCopy(copy) = &mut operation else {
                return Err(BuildError::Missing {
                    what: "`JobBuilder::copy_to` beside `prefix`: only copies have other keys",
                });
            };
            copy.prefix_replace = true;
            copy.resources_prefix = Some(from);
            copy.target_key_prefix = Some(to);
        }
        let request = CreateJobRequest {
            client_request_token: ClientRequestToken::new(token)?,
            confirmation_required: self.confirm,
            description: None,
            manifest: self.manifest?,
            operation,
            priority: self.priority?,
            report: self.report?,
            role_arn: self.role.unwrap_or_else(|| RoleArn::new(NO_ROLE))?,
        };
        request.validate()?;
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> JobBuilder {
        JobBuilder::new("local", "photos-1250000000/lists/all.csv", "2b31f8ebd02b469a2727c2894416825c")
    }

    #[test]
    fn each_job_is_what_it_says() {
        let request =
            job().copy_to("backup-1250000000").prefix("a/", "b/").confirm_first().priority(7).build("t").unwrap();
        let Operation::PutObjectCopy(copy) = &request.operation else { panic!("{request:?}") };
        assert_eq!(copy.target_resource.as_str(), "qcs::cos:local::backup-1250000000");
        assert!(copy.prefix_replace && request.confirmation_required && request.priority.get() == 7);
        let before =
            job().prefix("a/", "b/").copy_to("backup-1250000000").confirm_first().priority(7).build("t").unwrap();
        assert_eq!(before, request, "in whichever order it is said");
        let restore = job().restore(3).report_to("reports-1250000000", "r").build("t").unwrap();
        assert!(
            matches!(&restore.operation, Operation::InitiateRestoreObject(restore) if restore.expiration_in_days.get() == 3)
        );
        assert!(restore.report.enabled && restore.report.prefix.unwrap().as_str() == "r");
        let tags = job().retag([("year", "2025"), ("who", "me")]).build("t").unwrap();
        assert!(matches!(&tags.operation, Operation::PutObjectTagging(tags) if tags.tag_set.len() == 2));
        let delete = job()
            .delete()
            .columns([ManifestField::Bucket, ManifestField::Key, ManifestField::VersionId])
            .build("t")
            .unwrap();
        assert!(delete.operation == Operation::DeleteObject && delete.manifest.spec.fields.len() == 3);
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        for (builder, says) in [
            (job(), "the client needs an operation"),
            (job().copy_to("no bucket"), "BucketArn"),
            (job().retag([("", "x")]), "Key"),
            (job().delete().priority(u32::MAX), "Priority"),
            (job().delete().role(""), "RoleArn"),
            (job().delete().prefix("a/", "b/"), "`JobBuilder::copy_to` beside `prefix`"),
            (job().copy_to("backup-1250000000").prefix(&"a".repeat(2_000), "b/"), "prefix must be"),
            (job().delete().report_to("b", "r"), "BucketArn"),
            (JobBuilder::new("local", "photos-1250000000", "2b31").delete(), "ObjectArn"),
        ] {
            let error = builder.build("t").unwrap_err().to_string();
            assert!(error.contains(says), "{says}: {error}");
        }
        assert!(job().delete().build("").is_err());
    }
}
