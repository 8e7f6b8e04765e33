//! What keeps an object from being removed: a legal hold, and a retention until some moment.
//!
//! The rules are those of S3 Object Lock, for one version of an object. They hold for every object of the stores of this
//! crate, whose buckets need not be told to allow it.

use serde::{Deserialize, Serialize};

use crate::{ErrorKind, VersionSelector, fail::Fail};

/// How strict a retention is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetentionMode {
    /// Whoever asks for it by name may end or shorten it.
    #[serde(rename = "GOVERNANCE")]
    Governance,
    /// Nobody may end or shorten it.
    #[serde(rename = "COMPLIANCE")]
    Compliance,
}

impl RetentionMode {
    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Governance => "GOVERNANCE",
            Self::Compliance => "COMPLIANCE",
        }
    }

    /// The mode of this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Governance, Self::Compliance].into_iter().find(|mode| mode.name() == name)
    }
}

/// Until when an object is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// How strictly.
    pub mode: RetentionMode,
    /// Unix second from which on the object may be removed.
    pub until: i64,
}

/// All that keeps an object from being removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectLock {
    /// It must not be removed until somebody says otherwise.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub legal_hold: bool,
    /// It must not be removed before some moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// A legal hold that is laid on an object or taken off it.
#[derive(Clone, Debug)]
pub struct LegalHoldRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// Whether the object is held from now on.
    pub on: bool,
}

/// A retention that is set, changed or ended.
#[derive(Clone, Debug)]
pub struct RetentionRequest<'a> {
    /// Bucket with its appid suffix.
    pub bucket: &'a str,
    /// Object key.
    pub key: &'a str,
    /// Which version.
    pub version: &'a VersionSelector,
    /// What holds from now on; none: nothing.
    pub retention: Option<Retention>,
    /// May end or shorten a retention of the mode [`RetentionMode::Governance`].
    pub bypass_governance: bool,
}

impl ObjectLock {
    /// Refuses to remove, or to write over, what is kept.
    pub(crate) fn check_removable(&self, now: i64) -> Result<(), Fail> {
        if self.legal_hold {
            return Err(Fail::new(ErrorKind::AccessDenied, "the object is under a legal hold"));
        }
        match self.running(now) {
            Some(Retention { mode, until }) => {
                let reason = format!("the object is kept ({}) until the Unix second {until}", mode.name());
                Err(Fail::new(ErrorKind::AccessDenied, reason))
            }
            None => Ok(()),
        }
    }

    /// The retention that has not run out.
    fn running(&self, now: i64) -> Option<Retention> {
        self.retention.filter(|retention| retention.until > now)
    }

    /// Sets, changes or ends the retention.
    pub(crate) fn set_retention(&mut self, request: &RetentionRequest<'_>, now: i64) -> Result<(), Fail> {
        if let Some(new) = request.retention
            && new.until <= now
        {
            let reason = format!("an object is kept until a moment that is to come, not {}", new.until);
            return Err(Fail::new(ErrorKind::InvalidArgument, reason));
        }
        if let Some(old) = self.running(now) {
            let as_strict = |new: Retention| {
                new.until >= old.until && (new.mode == old.mode || new.mode == RetentionMode::Compliance)
            };
            let may = request.bypass_governance && old.mode == RetentionMode::Governance;
            if !may && !request.retention.is_some_and(as_strict) {
                let reason = match old.mode {
                    RetentionMode::Compliance => "a retention in the mode COMPLIANCE is neither ended nor shortened",
                    RetentionMode::Governance => {
                        "a retention in the mode GOVERNANCE is ended or shortened only by a request that says so"
                    }
                };
                return Err(Fail::new(ErrorKind::AccessDenied, reason));
            }
        }
        self.retention = request.retention;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_000;
    const LATER: i64 = 2_000;

    fn set(
        lock: &mut ObjectLock,
        retention: Option<(RetentionMode, i64)>,
        bypass_governance: bool,
    ) -> Result<(), ErrorKind> {
        let retention = retention.map(|(mode, until)| Retention { mode, until });
        let request =
            RetentionRequest { bucket: "b", key: "k", version: &VersionSelector::Latest, retention, bypass_governance };
        lock.set_retention(&request, NOW).map_err(|fail| fail.kind)
    }

    fn kept(mode: RetentionMode) -> ObjectLock {
        ObjectLock { legal_hold: false, retention: Some(Retention { mode, until: LATER }) }
    }

    #[test]
    fn what_is_kept_is_not_removed_until_its_moment() {
        assert_eq!(ObjectLock::default().check_removable(NOW), Ok(()));
        let held = ObjectLock { legal_hold: true, retention: None };
        assert_eq!(held.check_removable(i64::MAX).unwrap_err().kind, ErrorKind::AccessDenied);
        for mode in [RetentionMode::Governance, RetentionMode::Compliance] {
            assert_eq!(kept(mode).check_removable(LATER - 1).unwrap_err().kind, ErrorKind::AccessDenied);
            assert_eq!(kept(mode).check_removable(LATER), Ok(()));
        }
    }

    #[test]
    fn a_retention_gets_weaker_only_where_it_may() {
        use RetentionMode::{Compliance, Governance};
        let denied = Err(ErrorKind::AccessDenied);
        for (old, new, bypass, expected) in [
            (Governance, Some((Governance, LATER)), false, Ok(())),
            (Governance, Some((Governance, LATER + 1)), false, Ok(())),
            (Governance, Some((Compliance, LATER)), false, Ok(())),
            (Governance, Some((Governance, LATER - 1)), false, denied),
            (Governance, None, false, denied),
            (Governance, Some((Governance, LATER - 1)), true, Ok(())),
            (Governance, None, true, Ok(())),
            (Compliance, Some((Compliance, LATER)), false, Ok(())),
            (Compliance, Some((Compliance, LATER - 1)), true, denied),
            (Compliance, Some((Governance, LATER + 1)), true, denied),
            (Compliance, None, true, denied),
        ] {
            let mut lock = kept(old);
            assert_eq!(set(&mut lock, new, bypass), expected, "{old:?} {new:?} {bypass}");
            let is = lock.retention.map(|retention| (retention.mode, retention.until));
            assert_eq!(is, if expected.is_ok() { new } else { Some((old, LATER)) });
        }
        let mut over = ObjectLock { legal_hold: true, retention: Some(Retention { mode: Compliance, until: NOW }) };
        assert_eq!(set(&mut over, Some((Governance, NOW)), false), Err(ErrorKind::InvalidArgument));
        assert_eq!(set(&mut over, None, false), Ok(()));
        assert!(over.legal_hold);
    }
}
