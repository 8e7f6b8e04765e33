//! How many operations in a second a store takes: a token bucket.

use std::{num::NonZeroU32, time::Instant};

/// So many seconds' worth of operations may come at once.
const BURST_SECONDS: f64 = 0.1;

/// Operations that may come now.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    left: f64,
    last: Option<Instant>,
}

impl Bucket {
    /// Takes one at most so often in a second; false: there is none to take.
    pub(crate) fn take(&mut self, most: NonZeroU32, now: Instant) -> bool {
        let rate = f64::from(most.get());
        let burst = (rate * BURST_SECONDS).max(1.0);
        let passed = self.last.map_or(BURST_SECONDS, |last| now.saturating_duration_since(last).as_secs_f64());
        self.last = Some(now);
        self.left = (self.left + passed * rate).min(burst);
        let some = self.left >= 1.0;
        if some {
            self.left -= 1.0;
        }
        some
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_many_in_a_second_whoever_asks_how_often() {
        let (mut bucket, begin, most) = (Bucket::default(), Instant::now(), NonZeroU32::new(100).unwrap());
        let taken = (0..10_000).filter(|millis| bucket.take(most, begin + Duration::from_millis(*millis))).count();
        assert!((990..=1010).contains(&taken), "{taken}");
        // What nobody took is not saved for later.
        let later = begin + Duration::from_secs(100);
        assert_eq!((0..50).filter(|_| bucket.take(most, later)).count(), 10);
    }
}
