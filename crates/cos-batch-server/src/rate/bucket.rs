//! What one APPID has asked for, against what it may ask for. Pure; times are arguments.

use std::time::Duration;

use super::{Rate, WAIT_MAX};

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may go on at once.
    Now,
    /// It may go on after so long, and its place is kept.
    After(Duration),
    /// More is before it than can be waited for: it could go on only after so long.
    Never(Duration),
}

/// One APPID's account. Times are counted from any fixed moment; a time before an earlier one counts as that one.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    /// When all that was asked for so far is paid for.
    paid_until: Duration,
}

impl Bucket {
    /// Takes a request of this cost. In any span of time no more goes on than the rate times the span, one burst, and the one
    /// request that costs more than a burst.
    pub(super) fn take(&mut self, rate: Rate, cost: u32, now: Duration) -> Turn {
        let paid_until = self.paid_until.max(now);
        let burst = rate.time_of(rate.burst.get());
        let price = rate.time_of(cost);
        // What costs more than a burst begins when a whole one is there, and is paid for afterwards.
        let wait = (paid_until - now + price.min(burst)).saturating_sub(burst);
        if wait > WAIT_MAX {
            return Turn::Never(wait);
        }
        self.paid_until = paid_until + price;
        if wait.is_zero() { Turn::Now } else { Turn::After(wait) }
    }

    /// Charges what goes on already.
    pub(super) fn charge(&mut self, rate: Rate, cost: u32, now: Duration) {
        self.paid_until = self.paid_until.max(now) + rate.time_of(cost);
    }

    /// All that was asked for is paid for: from now on it counts as a new one does.
    pub(super) fn is_idle(&self, now: Duration) -> bool {
        self.paid_until <= now
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn rate(per_second: u32, burst: u32) -> Rate {
        Rate { per_second: NonZeroU32::new(per_second).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
    }

    #[test]
    fn a_burst_goes_on_at_once_and_the_next_one_waits() {
        let (mut bucket, rate) = (Bucket::default(), rate(10, 5));
        for number in 1..=5 {
            assert_eq!(bucket.take(rate, 1, SECOND), Turn::Now, "{number} of 5");
        }
        assert_eq!(bucket.take(rate, 1, SECOND), Turn::After(Duration::from_millis(100)));
        assert_eq!(bucket.take(rate, 1, SECOND), Turn::After(Duration::from_millis(200)));
    }

    #[test]
    fn one_waits_up_to_the_longest_wait_and_beyond_it_none() {
        // 999, 1,000 and 1,001 in a second, with a burst of one: after that one so many may wait as are served in a second.
        for per_second in [999, 1_000, 1_001] {
            let (mut bucket, rate) = (Bucket::default(), rate(per_second, 1));
            assert_eq!(bucket.take(rate, 1, SECOND), Turn::Now);
            for number in 1..=per_second {
                let wait = rate.time_of(1) * number;
                let expected = if wait <= WAIT_MAX { Turn::After(wait) } else { Turn::Never(wait) };
                assert_eq!(bucket.take(rate, 1, SECOND), expected, "{number} at {per_second}");
            }
            let Turn::Never(wait) = bucket.take(rate, 1, SECOND) else { panic!("{per_second}") };
            assert!(wait > WAIT_MAX);
            // Whoever was refused has taken nobody's place: the same is answered again.
            assert_eq!(bucket.take(rate, 1, SECOND), Turn::Never(wait));
        }
    }

    #[test]
    fn a_pause_fills_the_burst_and_no_more() {
        let (mut bucket, rate) = (Bucket::default(), rate(10, 3));
        for _ in 0..3 {
            bucket.take(rate, 1, Duration::ZERO);
        }
        assert_eq!(bucket.take(rate, 1, Duration::from_millis(100)), Turn::Now);
        assert!(matches!(bucket.take(rate, 1, Duration::from_millis(100)), Turn::After(_)));
        let later = Duration::from_secs(3600);
        assert!(bucket.is_idle(later));
        let at_once = (0..100).take_while(|_| bucket.take(rate, 1, later) == Turn::Now).count();
        assert_eq!(at_once, 3);
        // Nor does a clock that goes back give anything.
        assert_ne!(bucket.take(rate, 1, SECOND), Turn::Now);
    }

    #[test]
    fn what_is_charged_afterwards_makes_the_next_one_wait() {
        for (charged, next) in [(3, Turn::Now), (4, Turn::After(Duration::from_millis(100)))] {
            let (mut bucket, rate) = (Bucket::default(), rate(10, 5));
            assert_eq!(bucket.take(rate, 1, SECOND), Turn::Now);
            bucket.charge(rate, charged, SECOND);
            assert_eq!(bucket.take(rate, 1, SECOND), next, "{charged}");
        }
    }

    #[test]
    fn what_costs_more_than_a_burst_is_paid_for_afterwards() {
        for (cost, next) in [(9, Turn::Now), (10, Turn::After(Duration::from_millis(100)))] {
            let (mut bucket, rate) = (Bucket::default(), rate(10, 10));
            assert_eq!(bucket.take(rate, cost, SECOND), Turn::Now);
            assert_eq!(bucket.take(rate, 1, SECOND), next, "{cost}");
        }
        let (mut bucket, rate) = (Bucket::default(), rate(10, 10));
        assert_eq!(bucket.take(rate, 11, SECOND), Turn::Now, "what costs more than there ever is, once all is there");
        assert_eq!(bucket.take(rate, 11, SECOND * 2), Turn::After(Duration::from_millis(100)));
        assert_eq!(bucket.take(rate, 1, SECOND * 2), Turn::After(Duration::from_millis(300)));
    }
}
