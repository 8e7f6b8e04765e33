//! One quantity, measured in several rounds.

use serde::{Deserialize, Serialize};

/// What one contender took, in the order of the rounds. Contenders of one row are measured in the same rounds, one after
/// the other, so that the values of a round belong together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of the values of each round.
    pub fn new(values: impl Into<Vec<f64>>) -> Self {
        Self(values.into())
    }

    /// A quantity that does not change from round to round, such as a count.
    pub fn exact(value: f64) -> Self {
        Self(vec![value])
    }

    /// The value of each round.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The least; 0 without values.
    pub fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or_default()
    }

    /// The greatest; 0 without values.
    pub fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or_default()
    }

    /// The one in the middle, or the mean of the two there; 0 without values.
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let (half, rest) = (sorted.len() / 2, sorted.len() % 2);
        match sorted.get(half) {
            None => 0.0,
            Some(upper) if rest == 1 => *upper,
            Some(upper) => f64::midpoint(sorted[half - 1], *upper),
        }
    }

    /// How many times the other this is: the median over the rounds, each compared with the same round of the other. If
    /// one of the two has but one value, it stands for every round.
    pub fn times(&self, other: &Self) -> f64 {
        let rounds = self.0.len().max(other.0.len());
        let at = |spread: &Self, round: usize| {
            let values = &spread.0;
            values.get(round).or(if values.len() == 1 { values.first() } else { None }).copied()
        };
        let ratios: Vec<f64> = (0..rounds).filter_map(|round| Some(at(self, round)? / at(other, round)?)).collect();
        Self(ratios).median()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(Spread::new([3.0, 1.0, 2.0]).median(), 2.0);
        assert_eq!(Spread::new([4.0, 1.0, 2.0, 3.0]).median(), 2.5);
        assert_eq!(Spread::default().median(), 0.0);
        assert_eq!((Spread::new([3.0, 1.0]).min(), Spread::new([3.0, 1.0]).max()), (1.0, 3.0));
    }

    #[test]
    fn rounds_are_compared_with_the_same_round() {
        // The machine was twice as slow in the second round: the ratio does not notice.
        assert_eq!(Spread::new([1.0, 2.0]).times(&Spread::new([4.0, 8.0])), 0.25);
        assert_eq!(Spread::new([1.0, 2.0, 3.0]).times(&Spread::exact(2.0)), 1.0);
        assert_eq!(Spread::new([1.0, 2.0, 9.0]).times(&Spread::new([1.0, 2.0])), 1.0);
    }
}
