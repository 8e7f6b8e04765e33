//! Which operations fail, and how.

/// How often operations on objects fail, in thousandths of them. What is left succeeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// 500 InternalError and 503 ServiceUnavailable by turns; nothing is applied.
    pub errors: u16,
    /// 503 SlowDown; nothing is applied.
    pub slow_downs: u16,
    /// The connection is cut off without an answer; nothing is applied.
    pub resets: u16,
    /// The operation is applied, and the connection is cut off without an answer.
    pub lost_answers: u16,
    /// The operation is answered 200 with an error in the body; nothing is applied.
    pub errors_in_200: u16,
    /// The operation is applied, and its answer breaks off in the middle of its body; where it has none it is lost.
    pub truncated: u16,
    /// The operation is applied and never answered; the connection stays open for as long as its client likes.
    pub hangs: u16,
    /// Not of operations, but of reads of content: the answer breaks off in the middle of its body.
    pub reads_truncated: u16,
    /// Another seed, another sequence.
    pub seed: u64,
}

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// 500 InternalError.
    InternalError,
    /// 503 ServiceUnavailable.
    ServiceUnavailable,
    /// 503 SlowDown.
    SlowDown,
    /// No answer, nothing applied.
    Reset,
    /// No answer, but applied.
    LostAnswer,
    /// 200 with an error in its body, nothing applied.
    ErrorIn200,
    /// Half an answer, but applied.
    Truncated,
    /// No answer and no end, but applied.
    Hang,
}

impl Faults {
    /// What becomes of the operation with this number.
    #[must_use]
    pub fn of(&self, number: u64) -> Option<Fault> {
        let drawn = mixed(self.seed ^ mixed(number));
        let mut left = u16::try_from(drawn % 1000).unwrap_or(0);
        let turn = if drawn & (1 << 32) == 0 { Fault::InternalError } else { Fault::ServiceUnavailable };
        let shares = [
            (self.errors, turn),
            (self.slow_downs, Fault::SlowDown),
            (self.resets, Fault::Reset),
            (self.lost_answers, Fault::LostAnswer),
            (self.errors_in_200, Fault::ErrorIn200),
            (self.truncated, Fault::Truncated),
            (self.hangs, Fault::Hang),
        ];
        for (share, fault) in shares {
            if left < share {
                return Some(fault);
            }
            left -= share;
        }
        None
    }

    /// Whether the answer to the read with this number breaks off.
    pub(crate) fn cuts_read(&self, number: u64) -> bool {
        mixed(self.seed ^ mixed(!number)) % 1000 < u64::from(self.reads_truncated)
    }
}

impl Fault {
    /// Whether the operation is applied all the same.
    pub(crate) fn is_applied(self) -> bool {
        matches!(self, Self::LostAnswer | Self::Truncated | Self::Hang)
    }
}

/// A number in which every bit depends on every bit of `number` (the finalizer of SplitMix64).
fn mixed(number: u64) -> u64 {
    let mut n = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    n = (n ^ (n >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    n ^ (n >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn faults_come_as_often_as_asked_for_and_in_the_same_order_again() {
        let faults = Faults {
            errors: 50,
            slow_downs: 20,
            resets: 10,
            lost_answers: 10,
            errors_in_200: 10,
            seed: 7,
            ..Faults::default()
        };
        let mut counts: BTreeMap<Option<Fault>, u64> = BTreeMap::new();
        for number in 0..100_000 {
            *counts.entry(faults.of(number)).or_default() += 1;
            assert_eq!(faults.of(number), faults.of(number));
        }
        let within = |fault, expected: u64| {
            let seen = counts[&fault];
            assert!(seen.abs_diff(expected) * 10 < expected, "{fault:?}: {seen}, expected about {expected}");
        };
        within(None, 90_000);
        within(Some(Fault::InternalError), 2_500);
        within(Some(Fault::ServiceUnavailable), 2_500);
        within(Some(Fault::SlowDown), 2_000);
        within(Some(Fault::Reset), 1_000);
        within(Some(Fault::LostAnswer), 1_000);
        within(Some(Fault::ErrorIn200), 1_000);
        let other = Faults { seed: 8, ..faults };
        assert!((0..1000).any(|number| faults.of(number) != other.of(number)));
    }

    #[test]
    fn without_faults_nothing_fails() {
        assert!((0..10_000).all(|number| Faults::default().of(number).is_none()));
    }
}
