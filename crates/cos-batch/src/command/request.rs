//! A job from flags.

use clap::{Args, ValueEnum};
use cos_batch_model::{
    BucketArn, ClientRequestToken, CreateJobRequest, Days, Description, Directive, ETag, InitiateRestoreObject,
    JobTier, KeyPrefix, Lenient, Manifest, ManifestField, ManifestFormat, ManifestLocation, ManifestSpec, MetadataKey,
    MetadataValue, NewObjectMetadata, ObjectArn, ObjectVersionId, Operation, Priority, PutObjectCopy, PutObjectTagging,
    Report, ReportPrefix, ReportScope, RoleArn, StorageClass, Tag, TagKey, TagValue, UserMetadata, ValidationError,
    bucket_appid,
};

use crate::{connection::Connection, exit::Error};

/// Role sent where none is given: the API demands one, `cos-batch serve` has no use for it.
const ROLE_DEFAULT: &str = "qcs::cam::uin/0:roleName/none";

/// The flags below: a file has all that they say.
pub(super) const FLAGS: [&str; 23] = [
    "operation",
    "manifest",
    "etag",
    "manifest_version",
    "fields",
    "format",
    "target",
    "prefix_from",
    "prefix_to",
    "storage_class",
    "meta",
    "tag",
    "add",
    "days",
    "tier",
    "report_bucket",
    "report_prefix",
    "report_scope",
    "priority",
    "description",
    "confirm_required",
    "role",
    "token",
];

/// What a job is to do.
#[derive(Args, Debug)]
#[command(next_help_heading = "Job")]
pub(crate) struct Request {
    /// What is done to each object
    #[arg(long, value_enum, required_unless_present = "file", value_name = "KIND")]
    operation: Option<Kind>,
    /// The list of objects: BUCKET/KEY, or a name that begins with qcs::cos:
    #[arg(long, required_unless_present = "file", value_name = "OBJECT")]
    manifest: Option<String>,
    /// ETag of the manifest: for an ordinary object the MD5 of its content in hexadecimal digits
    #[arg(long, required_unless_present = "file", value_name = "ETAG")]
    etag: Option<ETag>,
    /// Version of the manifest
    #[arg(long, value_name = "ID")]
    manifest_version: Option<ObjectVersionId>,
    /// Columns of the manifest: Bucket, Key, VersionId, Ignore
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "Bucket,Key")]
    fields: Vec<ManifestField>,
    /// Format of the manifest: COSBatchOperations_CSV_V1 or COSInventoryReport_CSV_V1
    #[arg(long, value_name = "FORMAT", default_value = "COSBatchOperations_CSV_V1")]
    format: ManifestFormat,
    /// copy: bucket that the copies go to
    #[arg(long, value_name = "BUCKET")]
    target: Option<String>,
    /// copy: beginning of keys that is replaced
    #[arg(long, value_name = "PREFIX", requires = "prefix_to")]
    prefix_from: Option<KeyPrefix>,
    /// copy: what takes its place
    #[arg(long, value_name = "PREFIX")]
    prefix_to: Option<KeyPrefix>,
    /// copy: storage class of the copies, such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<StorageClass>,
    /// copy: metadata of the copies; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// copy, tag: a tag; may be given several times
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    tag: Vec<(String, String)>,
    /// copy, tag: add --meta and --tag to what objects have, instead of replacing it
    #[arg(long)]
    add: bool,
    /// restore: how long objects stay readable, 1 to 365 days
    #[arg(long, value_name = "DAYS")]
    days: Option<Days>,
    /// restore: Standard or Bulk [default: Standard]
    #[arg(long, value_name = "TIER")]
    tier: Option<JobTier>,
    /// Bucket that the completion report goes to; without it there is none
    #[arg(long, value_name = "BUCKET")]
    report_bucket: Option<String>,
    /// Beginning of the report's keys
    #[arg(long, value_name = "PREFIX", requires = "report_bucket")]
    report_prefix: Option<ReportPrefix>,
    /// Which tasks the report has
    #[arg(long, value_enum, value_name = "SCOPE", requires = "report_bucket")]
    report_scope: Option<Scope>,
    /// How urgent the job is, 0 to 2147483647; higher goes first
    #[arg(long, value_name = "NUMBER", default_value = "0", allow_negative_numbers = true)]
    priority: Priority,
    /// Words about the job, at most 256 bytes
    #[arg(long, value_name = "TEXT")]
    description: Option<Description>,
    /// Let the job wait for `cos-batch confirm` before it runs
    #[arg(long)]
    confirm_required: bool,
    /// Role that the service of Tencent Cloud takes on; `cos-batch serve` needs none
    #[arg(long, value_name = "ROLE")]
    role: Option<RoleArn>,
    /// Token that keeps the same job from being made twice [default: a random one]
    #[arg(long, value_name = "TOKEN")]
    token: Option<ClientRequestToken>,
}

/// Kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Copy it to the bucket --target
    Copy,
    /// Delete it
    Delete,
    /// Make an archived object readable for --days
    Restore,
    /// Set its tags
    Tag,
}

/// Which tasks a report has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Scope {
    /// All of them
    All,
    /// Those that failed
    Failed,
}

impl Request {
    /// The request that these flags stand for.
    pub(super) fn build(&self, connection: &Connection) -> Result<CreateJobRequest, Error> {
        let region = connection.region();
        let missing = |flag: &str| Error::usage(format!("{flag} is missing"));
        let kind = self.operation.ok_or_else(|| missing("--operation"))?;
        let manifest = self.manifest.as_deref().ok_or_else(|| missing("--manifest"))?;
        let role = match &self.role {
            Some(role) => role.clone(),
            None if connection.is_cloud() => {
                return Err(Error::usage(
                    "--role is missing: the service of Tencent Cloud takes on a role for the job",
                ));
            }
            None => RoleArn::new(ROLE_DEFAULT).map_err(Error::usage)?,
        };
        self.check_flags(kind)?;
        let request = CreateJobRequest {
            client_request_token: match &self.token {
                Some(token) => token.clone(),
                None => ClientRequestToken::new(uuid::Uuid::new_v4().to_string()).map_err(Error::other)?,
            },
            confirmation_required: self.confirm_required,
            description: self.description.clone(),
            manifest: Manifest {
                location: ManifestLocation {
                    e_tag: self.etag.clone().ok_or_else(|| missing("--etag"))?,
                    object_arn: object(region, manifest)?,
                    object_version_id: self.manifest_version.clone(),
                },
                spec: ManifestSpec { fields: self.columns(), format: self.format.into() },
            },
            operation: self.operation(kind, region)?,
            priority: self.priority,
            report: self.report(region)?,
            role_arn: role,
        };
        request.validate().map_err(Error::usage)?;
        Ok(request)
    }

    /// An inventory names its columns itself.
    fn columns(&self) -> Vec<Lenient<ManifestField>> {
        match self.format {
            ManifestFormat::InventoryReportCsv => Vec::new(),
            _ => self.fields.iter().copied().map(Lenient::from).collect(),
        }
    }

    /// A flag that would have no effect is a mistake.
    fn check_flags(&self, kind: Kind) -> Result<(), Error> {
        use Kind::{Copy, Restore, Tag};
        let flags: [(&str, bool, &[Kind]); 9] = [
            ("--target", self.target.is_some(), &[Copy]),
            ("--prefix-from", self.prefix_from.is_some(), &[Copy]),
            ("--prefix-to", self.prefix_to.is_some(), &[Copy]),
            ("--storage-class", self.storage_class.is_some(), &[Copy]),
            ("--meta", !self.meta.is_empty(), &[Copy]),
            ("--tag", !self.tag.is_empty(), &[Copy, Tag]),
            ("--add", self.add, &[Copy, Tag]),
            ("--days", self.days.is_some(), &[Restore]),
            ("--tier", self.tier.is_some(), &[Restore]),
        ];
        match flags.iter().find(|(_, given, kinds)| *given && !kinds.contains(&kind)) {
            Some((flag, ..)) => Err(Error::usage(format!("{flag} does not go with --operation {}", kind.name()))),
            None if kind == Copy && self.target.is_none() => Err(Error::usage("--operation copy needs --target")),
            None if kind == Restore && self.days.is_none() => Err(Error::usage("--operation restore needs --days")),
            None if kind == Tag && self.tag.is_empty() => Err(Error::usage("--operation tag needs --tag")),
            None => Ok(()),
        }
    }

    fn operation(&self, kind: Kind, region: &str) -> Result<Operation, Error> {
        let directive = if self.add { Directive::Add } else { Directive::Replaced };
        let directive = |is_used: bool| is_used.then_some(Lenient::Known(directive));
        Ok(match kind {
            Kind::Delete => Operation::DeleteObject,
            Kind::Tag => Operation::PutObjectTagging(PutObjectTagging {
                tagging_directive: directive(true),
                tag_set: self.tags()?,
            }),
            Kind::Restore => Operation::InitiateRestoreObject(InitiateRestoreObject {
                expiration_in_days: self.days.ok_or_else(|| Error::usage("--days is missing"))?,
                job_tier: self.tier.unwrap_or(JobTier::Standard).into(),
            }),
            Kind::Copy => Operation::PutObjectCopy(Box::new(PutObjectCopy {
                prefix_replace: self.prefix_to.is_some(),
                resources_prefix: self.prefix_from.clone(),
                target_key_prefix: self.prefix_to.clone(),
                metadata_directive: directive(!self.meta.is_empty()),
                new_object_metadata: self.metadata()?,
                tagging_directive: directive(!self.tag.is_empty()),
                new_object_tagging: self.tags()?,
                storage_class: self.storage_class.map(Lenient::from),
                ..PutObjectCopy::to(bucket("--target", region, self.target.as_deref().unwrap_or_default())?)
            })),
        })
    }

    fn metadata(&self) -> Result<Option<NewObjectMetadata>, Error> {
        if self.meta.is_empty() {
            return Ok(None);
        }
        let entry = |(key, value): &(String, String)| {
            Ok(UserMetadata { key: MetadataKey::new(key.as_str())?, value: MetadataValue::new(value.as_str())? })
        };
        let user_metadata = self.meta.iter().map(entry).collect::<Result<_, ValidationError>>();
        let user_metadata = user_metadata.map_err(|error| Error::usage(format!("--meta: {error}")))?;
        Ok(Some(NewObjectMetadata { user_metadata, ..NewObjectMetadata::default() }))
    }

    fn tags(&self) -> Result<Vec<Tag>, Error> {
        let tag = |(key, value): &(String, String)| {
            Ok(Tag { key: TagKey::new(key.as_str())?, value: TagValue::new(value.as_str())? })
        };
        let tags = self.tag.iter().map(tag).collect::<Result<_, ValidationError>>();
        tags.map_err(|error| Error::usage(format!("--tag: {error}")))
    }

    fn report(&self, region: &str) -> Result<Report, Error> {
        let Some(name) = &self.report_bucket else { return Ok(Report::disabled()) };
        let scope = match self.report_scope {
            Some(Scope::Failed) => ReportScope::FailedTasksOnly,
            Some(Scope::All) | None => ReportScope::AllTasks,
        };
        Ok(Report { prefix: self.report_prefix.clone(), ..Report::to(bucket("--report-bucket", region, name)?, scope) })
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Tag => "tag",
        }
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A bucket by its plain or its full name.
fn bucket(flag: &str, region: &str, name: &str) -> Result<BucketArn, Error> {
    let arn = if name.starts_with("qcs::") {
        BucketArn::new(name)
    } else {
        has_appid(flag, name)?;
        BucketArn::for_bucket(region, name)
    };
    arn.map_err(|error| Error::usage(format!("{flag} {name}: {error}")))
}

/// What is most often wrong with a plain name, said of that and not of the full name that it would become.
fn has_appid(flag: &str, bucket: &str) -> Result<(), Error> {
    if bucket_appid(bucket).is_some() {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{flag} {bucket}: a bucket's name ends with the APPID of its owner, as in NAME-1250000000"
    )))
}

/// An object by its plain or its full name.
fn object(region: &str, name: &str) -> Result<ObjectArn, Error> {
    let arn = if name.starts_with("qcs::") {
        ObjectArn::new(name)
    } else {
        let (bucket, key) = name
            .split_once('/')
            .ok_or_else(|| Error::usage(format!("--manifest {name}: write BUCKET/KEY, or a name with qcs::cos:")))?;
        has_appid("--manifest", bucket)?;
        ObjectArn::for_object(region, bucket, key)
    };
    arn.map_err(|error| Error::usage(format!("--manifest {name}: {error}")))
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, Command};

    use super::*;

    #[test]
    fn a_file_excludes_every_flag_for_a_job() {
        let command = Request::augment_args(Command::new("x"));
        let flags: Vec<&str> = command.get_arguments().map(|argument| argument.get_id().as_str()).collect();
        assert_eq!(flags, FLAGS);
    }
}
