//! One piece of work: what it takes us, others, and the least that it can take.

use serde::{Deserialize, Serialize};

use crate::{Goal, Spread, Verdict};

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What is done; it names the row, so no two of a group are alike.
    pub what: String,
    /// What the figures count: `µs CPU`, `requests/s`.
    pub unit: String,
    /// What it takes us.
    pub ours: Spread,
    /// What it takes others in the same run.
    #[serde(default)]
    pub others: Vec<Other>,
    /// What is to be reached.
    #[serde(default)]
    pub goals: Vec<Goal>,
}

/// Somebody or something to compare with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Other {
    /// Its name, which goals use.
    pub name: String,
    /// What it is to us.
    pub role: Role,
    /// What the work takes it.
    pub spread: Spread,
}

/// What another is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It does the same work.
    Peer,
    /// It does only what nobody can do without.
    Limit,
}

impl Row {
    /// A row without others and goals.
    pub fn new(what: impl Into<String>, unit: impl Into<String>, ours: Spread) -> Self {
        Self { what: what.into(), unit: unit.into(), ours, others: Vec::new(), goals: Vec::new() }
    }

    /// Compared with one that does the same.
    #[must_use]
    pub fn peer(mut self, name: impl Into<String>, spread: Spread) -> Self {
        self.others.push(Other { name: name.into(), role: Role::Peer, spread });
        self
    }

    /// Compared with the least that is possible.
    #[must_use]
    pub fn limit(mut self, name: impl Into<String>, spread: Spread) -> Self {
        self.others.push(Other { name: name.into(), role: Role::Limit, spread });
        self
    }

    /// With a goal.
    #[must_use]
    pub fn goal(mut self, goal: Goal) -> Self {
        self.goals.push(goal);
        self
    }

    /// The other of this name.
    pub fn other(&self, name: &str) -> Option<&Other> {
        self.others.iter().find(|other| other.name == name)
    }

    /// Whether a goal is reached.
    pub fn verdict(&self, goal: &Goal) -> Verdict {
        let other = goal.about().and_then(|name| self.other(name));
        goal.verdict(&self.ours, other.map(|other| &other.spread))
    }
}
