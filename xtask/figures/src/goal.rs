//! What a row is to reach.

use serde::{Deserialize, Serialize};

use crate::{Spread, number::number};

/// A bound of our figure, alone or against another's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Ours is at most so many times another's: of costs.
    AtMostTimes {
        /// How many times.
        factor: f64,
        /// Whose.
        of: String,
    },
    /// Ours is at least so many times another's: of rates.
    AtLeastTimes {
        /// How many times.
        factor: f64,
        /// Whose.
        of: String,
    },
    /// Another's is at least so many times ours: of costs.
    TimesLess {
        /// How many times.
        factor: f64,
        /// Than whose.
        than: String,
    },
    /// Ours is at most this, in the row's unit.
    AtMost(f64),
    /// Ours is at least this, in the row's unit.
    AtLeast(f64),
}

/// Whether a goal was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was.
    Reached,
    /// It was not.
    Missed,
    /// The one to compare with was not measured.
    Unknown,
}

impl Verdict {
    /// As the page has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Missed => "**missed**",
            Self::Unknown => "not compared",
        }
    }
}

impl Goal {
    /// Ours at most so many times another's.
    pub fn at_most_times(factor: f64, of: impl Into<String>) -> Self {
        Self::AtMostTimes { factor, of: of.into() }
    }

    /// Ours at least so many times another's.
    pub fn at_least_times(factor: f64, of: impl Into<String>) -> Self {
        Self::AtLeastTimes { factor, of: of.into() }
    }

    /// Ours so many times less than another's.
    pub fn times_less(factor: f64, than: impl Into<String>) -> Self {
        Self::TimesLess { factor, than: than.into() }
    }

    /// The other that it speaks of.
    pub fn about(&self) -> Option<&str> {
        match self {
            Self::AtMostTimes { of, .. } | Self::AtLeastTimes { of, .. } => Some(of),
            Self::TimesLess { than, .. } => Some(than),
            Self::AtMost(_) | Self::AtLeast(_) => None,
        }
    }

    /// In words.
    pub fn words(&self, unit: &str) -> String {
        match self {
            Self::AtMostTimes { factor, .. } => format!("at most {}×", number(*factor)),
            Self::AtLeastTimes { factor, .. } => format!("at least {}×", number(*factor)),
            Self::TimesLess { factor, .. } => format!("at least {}× less", number(*factor)),
            Self::AtMost(value) => format!("at most {} {unit}", number(*value)),
            Self::AtLeast(value) => format!("at least {} {unit}", number(*value)),
        }
    }

    /// Whether our figure reaches it, beside that of the one it is [about](Self::about).
    pub fn verdict(&self, ours: &Spread, other: Option<&Spread>) -> Verdict {
        let times = other.map(|other| ours.times(other));
        let reached = match self {
            Self::AtMostTimes { factor, .. } => times.map(|times| times <= *factor),
            Self::AtLeastTimes { factor, .. } => times.map(|times| times >= *factor),
            Self::TimesLess { factor, .. } => times.map(|times| times * factor <= 1.0),
            Self::AtMost(value) => Some(ours.median() <= *value),
            Self::AtLeast(value) => Some(ours.median() >= *value),
        };
        match reached {
            Some(true) => Verdict::Reached,
            Some(false) => Verdict::Missed,
            None => Verdict::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_reached_up_to_their_edge_and_no_further() {
        let cases = [
            (Goal::times_less(4.0, "p"), Verdict::Reached),
            (Goal::times_less(4.01, "p"), Verdict::Missed),
            (Goal::at_most_times(1.25, "l"), Verdict::Reached),
            (Goal::at_most_times(1.24, "l"), Verdict::Missed),
            (Goal::at_least_times(0.25, "p"), Verdict::Reached),
            (Goal::at_least_times(0.26, "p"), Verdict::Missed),
            (Goal::AtMost(10.0), Verdict::Reached),
            (Goal::AtMost(9.9), Verdict::Missed),
            (Goal::AtLeast(10.0), Verdict::Reached),
            (Goal::AtLeast(10.1), Verdict::Missed),
            (Goal::at_most_times(1.0, "nobody"), Verdict::Unknown),
        ];
        let (peer, limit) = (Spread::exact(40.0), Spread::exact(8.0));
        for (goal, verdict) in cases {
            let other = match goal.about() {
                Some("p") => Some(&peer),
                Some("l") => Some(&limit),
                _ => None,
            };
            assert_eq!(goal.verdict(&Spread::exact(10.0), other), verdict, "{goal:?}");
        }
    }
}
