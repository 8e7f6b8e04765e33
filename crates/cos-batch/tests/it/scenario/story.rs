//! The story: `fixtures/scenario/everything.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Story {
    #[serde(rename = "object")]
    pub(crate) objects: Vec<Object>,
    #[serde(rename = "job")]
    pub(crate) jobs: Vec<Job>,
}

/// An object that is put, or what must be seen of one afterwards: what is not said is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Object {
    pub(crate) key: String,
    /// The bucket it is put into: `source` unless said otherwise; or where it is looked for: where the job put it.
    pub(crate) bucket: Option<Bucket>,
    /// The name under which the story remembers the version that was put.
    pub(crate) remember: Option<String>,
    /// The remembered version that is looked at, and not the latest.
    pub(crate) version: Option<String>,
    pub(crate) body: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) expires: Option<String>,
    pub(crate) encryption: Option<String>,
    pub(crate) user: Option<BTreeMap<String, String>>,
    pub(crate) tags: Option<BTreeMap<String, String>>,
    pub(crate) storage_class: Option<String>,
    pub(crate) canned_acl: Option<String>,
    pub(crate) grants: Option<BTreeMap<String, String>>,
    /// There must be no such object.
    #[serde(default)]
    pub(crate) gone: bool,
}

/// A job, and what must come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) name: String,
    /// Abilities of the store without which the job cannot run.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// The job is about archived objects, and is not made where there are none.
    #[serde(default)]
    pub(crate) archived: bool,
    /// The bucket that rows are in: `source` unless said otherwise.
    #[serde(default)]
    pub(crate) on: Bucket,
    pub(crate) operation: String,
    /// The report has failed tasks only.
    #[serde(default)]
    pub(crate) failed_only: bool,
    /// There is no report.
    #[serde(default)]
    pub(crate) no_report: bool,
    /// The job waits for its confirmation, and gets it.
    #[serde(default)]
    pub(crate) confirm: bool,
    /// The manifest is an inventory of the rows.
    #[serde(default)]
    pub(crate) inventory: bool,
    /// The manifest is an old version of its object; the latest is something else.
    #[serde(default)]
    pub(crate) old_manifest: bool,
    pub(crate) rows: Vec<Row>,
    #[serde(default)]
    pub(crate) then: Vec<Object>,
}

/// A row of a job's manifest, and how its task must end.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) key: String,
    pub(crate) bucket: Option<Bucket>,
    /// A version that the story remembers; where one row has one, an empty column stands for the latest.
    pub(crate) version: Option<String>,
    /// One of these; without a code any success.
    #[serde(default)]
    pub(crate) status: Vec<u16>,
    /// One of these codes, for a task that must fail.
    #[serde(default)]
    pub(crate) code: Vec<String>,
}

/// A bucket by its part in the story.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bucket {
    #[default]
    Source,
    Target,
    /// Keeps versions.
    Versions,
    /// Another account's, which this one may read.
    Lent,
    Foreign,
}

impl Bucket {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Source => "story-1250000000",
            Self::Target => "story-copies-1250000000",
            Self::Versions => "story-versions-1250000000",
            Self::Lent => "story-lent-1251111111",
            Self::Foreign => "story-1251111111",
        }
    }
}

/// Reads the story.
pub(crate) fn read() -> Story {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/scenario/everything.toml");
    toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
