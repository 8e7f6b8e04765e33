//! All groups of a run.

use serde::{Deserialize, Serialize};

use crate::{Chart, Row};

/// The groups by name, with the title of each, in the order of the page.
pub const GROUPS: [(&str, &str); 10] = [
    ("codec", "Reading and writing XML"),
    ("signature", "Signatures"),
    ("api", "The API over HTTP"),
    ("copy", "Copying objects behind HTTP"),
    ("folder", "Copying objects in a folder"),
    ("manifest", "Reading manifests"),
    ("memory", "Memory"),
    ("growth", "Growth"),
    ("start", "Starting"),
    ("nodes", "Many nodes"),
];

/// The title of a group; its name if it has none.
pub fn title(group: &str) -> &str {
    GROUPS.iter().find(|(name, _)| *name == group).map_or(group, |(_, title)| title)
}

/// What was measured, by group.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// In the order of [`GROUPS`].
    pub groups: Vec<Group>,
}

/// Rows that belong together, measured in one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// One of [`GROUPS`].
    pub name: String,
    /// Where and when.
    pub machine: Machine,
    /// Versions of what was compared with: name and version.
    #[serde(default)]
    pub versions: Vec<(String, String)>,
    /// How many times each contender of a row was measured.
    pub rounds: usize,
    /// Whether it was a short run, whose figures are not for keeping.
    #[serde(default)]
    pub quick: bool,
    /// The figures.
    pub rows: Vec<Row>,
    /// The drawings.
    #[serde(default)]
    pub charts: Vec<Chart>,
}

/// Where and when something was measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The day, in UTC: `2026-11-29`.
    pub date: String,
    /// The processor, as it names itself.
    pub processor: String,
    /// How many of them a program may use.
    pub cores: usize,
    /// Bytes of memory.
    pub memory: u64,
    /// The kernel, with its version.
    pub kernel: String,
    /// The compiler, with its version.
    pub compiler: String,
}

impl Report {
    /// Takes the groups of another run in place of those of the same name here.
    pub fn take(&mut self, other: Self) {
        self.groups.retain(|group| other.groups.iter().all(|new| new.name != group.name));
        self.groups.extend(other.groups);
        let place = |group: &Group| GROUPS.iter().position(|(name, _)| *name == group.name).unwrap_or(GROUPS.len());
        self.groups.sort_by_key(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(names: &[&str], rounds: usize) -> Report {
        let group = |name: &&str| Group { name: (*name).to_owned(), rounds, ..Group::default() };
        Report { groups: names.iter().map(group).collect() }
    }

    #[test]
    fn what_was_not_run_is_kept() {
        let mut kept = report(&["codec", "api"], 1);
        kept.take(report(&["signature", "api"], 2));
        let found: Vec<_> = kept.groups.iter().map(|group| (group.name.as_str(), group.rounds)).collect();
        assert_eq!(found, [("codec", 1), ("signature", 2), ("api", 2)]);
    }
}
