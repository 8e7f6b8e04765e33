//! A cap on operations per second.

use std::{num::NonZeroU32, time::Duration};

/// Operations that may begin at once after a pause are those of this time, at least one: enough that a timer that comes
/// late costs nothing, too little to be felt by a store.
pub const BURST: Duration = Duration::from_millis(100);

/// Counts operations against a rate. In any span of time no more begin than the rate times the span, and one burst.
///
/// Times are counted from any fixed moment; a time before an earlier one counts as that one.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    /// Time of one operation.
    each: Duration,
    /// When all that was taken so far is paid for.
    paid_until: Duration,
}

impl TokenBucket {
    /// At most so many operations per second.
    #[must_use]
    pub fn new(per_second: NonZeroU32) -> Self {
        // Rounded up: never faster than asked for.
        let nanos = 1_000_000_000_u64.div_ceil(u64::from(per_second.get()));
        Self { each: Duration::from_nanos(nanos), paid_until: Duration::ZERO }
    }

    /// Takes one operation, or tells how long to wait before the next try.
    ///
    /// # Errors
    /// The time until one may be taken, if nobody else takes it.
    pub fn take(&mut self, now: Duration) -> Result<(), Duration> {
        let paid_until = self.paid_until.max(now);
        let ahead = paid_until - now;
        // Whoever has paid for no time beyond the burst may begin one.
        let allowed = BURST.saturating_sub(self.each);
        if ahead > allowed {
            return Err(ahead - allowed);
        }
        self.paid_until = paid_until + self.each;
        Ok(())
    }

    /// All that was taken is paid for: from now on it counts as a new one does.
    #[must_use]
    pub fn is_idle(&self, now: Duration) -> bool {
        self.paid_until <= now
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bucket(per_second: u32) -> TokenBucket {
        TokenBucket::new(NonZeroU32::new(per_second).unwrap())
    }

    #[test]
    fn one_after_another_at_the_rate() {
        let mut bucket = bucket(2);
        assert_eq!(bucket.take(Duration::ZERO), Ok(()));
        assert_eq!(bucket.take(Duration::ZERO), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(Duration::from_millis(499)), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(Duration::from_millis(500)), Ok(()));
        // A pause is not saved up.
        assert_eq!(bucket.take(Duration::from_secs(3600)), Ok(()));
        assert!(bucket.take(Duration::from_secs(3600)).is_err());
        // Nor does a clock that goes back give anything.
        assert!(bucket.take(Duration::from_secs(1)).is_err());
    }

    #[test]
    fn a_tenth_of_a_second_may_begin_at_once() {
        let mut bucket = bucket(1000);
        let at_once = (0..1000).take_while(|_| bucket.take(Duration::from_secs(1)).is_ok()).count();
        assert_eq!(at_once, 100);
    }

    proptest! {
        /// Whoever waits as told gets one; never more than the rate and a burst in any span.
        #[test]
        fn never_more_than_the_rate(per_second in 1u32..5000, pauses in prop::collection::vec(0u64..50_000_000, 1..300)) {
            let mut bucket = bucket(per_second);
            let mut now = Duration::from_secs(1);
            let mut taken = Vec::new();
            for pause in pauses {
                now += Duration::from_nanos(pause);
                if let Err(wait) = bucket.take(now) {
                    prop_assert!(wait > Duration::ZERO);
                    now += wait;
                    prop_assert_eq!(bucket.take(now), Ok(()));
                }
                taken.push(now);
            }
            let burst = (f64::from(per_second) * BURST.as_secs_f64()).max(1.0);
            for (first, from) in taken.iter().enumerate() {
                for (count, until) in taken[first..].iter().enumerate() {
                    let most = (*until - *from).as_secs_f64() * f64::from(per_second) + burst + 1e-6;
                    prop_assert!((count + 1) as f64 <= most, "{} in {:?}", count + 1, *until - *from);
                }
            }
        }
    }
}
