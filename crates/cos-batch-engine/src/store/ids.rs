//! Ids of jobs.

use uuid::{Builder, Uuid};

use crate::clock::UnixMillis;

/// The last millisecond a UUID of version 7 can name: 48 bits, the year 10889.
const MILLIS_MAX: u64 = (1 << 48) - 1;

/// Makes ids of jobs: UUIDs of version 7 (RFC 9562), each greater than the one before.
///
/// An id is as guessable as 74 random bits, but for ids made within one millisecond (or while the clock is behind):
/// these go up by a random step of 32 bits from the one before.
///
/// ```
/// use cos_batch_engine::store::ids::JobIds;
///
/// let mut ids = JobIds::after(None);
/// let first = ids.next(1_700_000_000_000);
/// let second = ids.next(1_600_000_000_000); // the clock went back
/// assert!(second > first);
/// ```
#[derive(Debug)]
pub struct JobIds {
    last: Option<Uuid>,
}

impl JobIds {
    /// Goes on after the last id that was made; a durable store must remember it, even when its job is purged.
    #[must_use]
    pub fn after(last: Option<Uuid>) -> Self {
        Self { last }
    }

    /// The next id.
    pub fn next(&mut self, now: UnixMillis) -> Uuid {
        let now = u64::try_from(now).unwrap_or(0).min(MILLIS_MAX);
        let fresh = at(now, random());
        let id = match self.last {
            Some(last) if fresh <= last => above(last),
            _ => fresh,
        };
        self.last = Some(id);
        id
    }
}

/// An id a little greater than `last`.
fn above(last: Uuid) -> Uuid {
    let (millis, tail) = split(last);
    let step = u128::from(random()[0]) << 24 | u128::from(random()[1]) << 16 | u128::from(random()[2]) << 8 | 1;
    match tail.checked_add(step).filter(|tail| *tail < 1 << 74) {
        Some(tail) => join(millis, tail),
        // All ids of this millisecond are used up: borrow from the next one.
        None => at((millis + 1).min(MILLIS_MAX), random()),
    }
}

/// The milliseconds, and the 74 bits that are neither time, version nor variant.
fn split(id: Uuid) -> (u64, u128) {
    let bits = id.as_u128();
    let millis = (bits >> 80) as u64;
    let high = (bits >> 64) & 0xfff;
    let low = bits & ((1 << 62) - 1);
    (millis, high << 62 | low)
}

fn join(millis: u64, tail: u128) -> Uuid {
    let high = (tail >> 62) & 0xfff;
    let low = tail & ((1 << 62) - 1);
    Uuid::from_u128(u128::from(millis) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
}

fn at(millis: u64, random: [u8; 10]) -> Uuid {
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Ten random bytes, taken from the parts of a version 4 UUID that are all random.
fn random() -> [u8; 10] {
    let bytes = Uuid::new_v4().into_bytes();
    let mut out = [0; 10];
    out[..6].copy_from_slice(&bytes[..6]);
    out[6..].copy_from_slice(&bytes[9..13]);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_go_up_whatever_the_clock_does(times in proptest::collection::vec(-5i64..5_000_000_000_000, 1..200)) {
            let mut ids = JobIds::after(None);
            let mut last = Uuid::nil();
            let mut latest = 0;
            for time in times {
                let id = ids.next(time);
                latest = latest.max(time.max(0));
                prop_assert!(id > last);
                prop_assert_eq!(id.get_version_num(), 7);
                prop_assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
                prop_assert_eq!(i64::try_from(split(id).0).unwrap(), latest);
                last = id;
            }
        }

        #[test]
        fn splitting_and_joining_are_inverse(millis in 0..=MILLIS_MAX, tail in 0u128..1 << 74) {
            prop_assert_eq!(split(join(millis, tail)), (millis, tail));
        }
    }

    #[test]
    fn a_full_millisecond_borrows_from_the_next() {
        let mut ids = JobIds::after(Some(join(7, (1 << 74) - 1)));
        assert_eq!(split(ids.next(7)).0, 8);
    }

    #[test]
    fn goes_on_after_a_restart() {
        let last = join(9_000, 5);
        assert!(JobIds::after(Some(last)).next(1) > last);
    }
}
