//! Who may use which bucket.
//!
//! The tenant of a job is an APPID. A bucket belongs to the APPID that ends its name (`photos-1250000000`), or to the
//! owner it is given here; everybody else needs a grant. Nothing a user writes into a request or a manifest reaches a
//! bucket without passing [`Access::allows`].

use std::collections::BTreeMap;

use cos_batch_model::bucket_appid;

/// What is to be done in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Read objects.
    Read,
    /// Write objects, their tags and their restore state.
    Write,
    /// Delete objects.
    Delete,
}

impl Right {
    /// A word for messages and configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
        }
    }
}

/// Owners and grants beyond what buckets' names say.
#[derive(Clone, Debug, Default)]
pub struct Access {
    owners: BTreeMap<String, String>,
    grants: BTreeMap<(String, String), Vec<Right>>,
}

impl Access {
    /// The names of buckets decide alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The bucket belongs to this APPID, whatever its name says.
    #[must_use]
    pub fn owner(mut self, bucket: impl Into<String>, appid: impl Into<String>) -> Self {
        self.owners.insert(bucket.into(), appid.into());
        self
    }

    /// This APPID may use the bucket of another so.
    #[must_use]
    pub fn grant(mut self, bucket: impl Into<String>, appid: impl Into<String>, right: Right) -> Self {
        self.grants.entry((bucket.into(), appid.into())).or_default().push(right);
        self
    }

    /// Does the bucket belong to this APPID?
    #[must_use]
    pub fn owns(&self, appid: &str, bucket: &str) -> bool {
        let owner = self.owners.get(bucket).map(String::as_str).or_else(|| bucket_appid(bucket));
        owner == Some(appid)
    }

    /// May this APPID do that in this bucket?
    #[must_use]
    pub fn allows(&self, appid: &str, bucket: &str, right: Right) -> bool {
        self.owns(appid, bucket)
            || self.grants.get(&(bucket.to_owned(), appid.to_owned())).is_some_and(|rights| rights.contains(&right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_owners_and_grants() {
        let access = Access::new().owner("plain", "7").owner("moved-1", "2").grant("a-1", "9", Right::Read);
        assert!(access.allows("1", "a-1", Right::Delete));
        assert!(!access.allows("2", "a-1", Right::Read));
        assert!(!access.allows("1", "a-b-11", Right::Read), "the whole of what follows the last hyphen counts");
        assert!(access.allows("7", "plain", Right::Write));
        assert!(!access.allows("plain", "plain", Right::Read));
        assert!(access.allows("2", "moved-1", Right::Read));
        assert!(!access.allows("1", "moved-1", Right::Read), "a configured owner replaces the name's");
        assert!(access.allows("9", "a-1", Right::Read) && !access.owns("9", "a-1"));
        assert!(!access.allows("9", "a-1", Right::Write));
        assert!(!access.allows("", "", Right::Read));
    }
}
