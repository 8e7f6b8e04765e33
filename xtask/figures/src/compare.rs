//! This run against what was committed.

use crate::Report;

/// How one figure changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The row's group.
    pub group: String,
    /// The row's name.
    pub what: String,
    /// Whose figure: `ours`, or another's name.
    pub whose: String,
    /// What is counted.
    pub unit: String,
    /// The committed median, if the row is not new.
    pub before: Option<f64>,
    /// This run's median.
    pub now: f64,
}

impl Change {
    /// By how many percent it grew.
    pub fn percent(&self) -> Option<f64> {
        self.before.filter(|before| *before != 0.0).map(|before| (self.now / before - 1.0) * 100.0)
    }
}

/// Each figure of this run beside the one that was committed.
pub fn changes(before: &Report, now: &Report) -> Vec<Change> {
    let mut changes = Vec::new();
    for group in &now.groups {
        let old_group = before.groups.iter().find(|old| old.name == group.name);
        for row in &group.rows {
            let old =
                old_group.and_then(|old| old.rows.iter().find(|old| old.what == row.what && old.unit == row.unit));
            let mut change = |whose: &str, before: Option<f64>, now: f64| {
                changes.push(Change {
                    group: group.name.clone(),
                    what: row.what.clone(),
                    whose: whose.to_owned(),
                    unit: row.unit.clone(),
                    before,
                    now,
                });
            };
            change("ours", old.map(|old| old.ours.median()), row.ours.median());
            for other in &row.others {
                let before = old.and_then(|old| old.other(&other.name)).map(|old| old.spread.median());
                change(&other.name, before, other.spread.median());
            }
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Group, Row, Spread};

    #[test]
    fn figures_are_found_again_by_name() {
        let report = |ours: f64, peer: f64| {
            let row = Row::new("work", "µs", Spread::exact(ours)).peer("p", Spread::exact(peer));
            Report { groups: vec![Group { name: "codec".into(), rows: vec![row], ..Group::default() }] }
        };
        let found = changes(&report(10.0, 0.0), &report(11.0, 3.0));
        assert_eq!(found.len(), 2);
        assert!((found[0].percent().unwrap() - 10.0).abs() < 1e-9);
        assert_eq!((found[1].whose.as_str(), found[1].percent()), ("p", None));
        assert_eq!(changes(&Report::default(), &report(1.0, 1.0))[0].before, None);
    }
}
