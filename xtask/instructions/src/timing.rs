//! Whether the time of a check tells what was wrong: Welch's test over very many tries of two kinds, in an order drawn at random.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use cos_signature::{Presented, Strictness, VerifyError, verify};
use http::{HeaderValue, header::AUTHORIZATION, request::Parts};

use crate::signature::{Bare, NOW, credentials, signed};

/// From this |t| on two times differ, as is usual where programs are looked at for leaks: by chance it comes once in a hundred
/// thousand runs.
pub const T_MAX: f64 = 4.5;

/// Of the times of both kinds together this share is kept, the shortest: the rest was interrupted.
const KEPT_PERCENT: usize = 90;

/// What came of two kinds of tries.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compared {
    /// Tries of each kind that count.
    pub counted: [usize; 2],
    /// Their means, in nanoseconds.
    pub means: [f64; 2],
    /// Welch's t: their difference, in units of its own standard deviation.
    pub t: f64,
}

impl Compared {
    /// Of these times in nanoseconds.
    #[must_use]
    pub fn of(times: &[Vec<u32>; 2]) -> Self {
        let mut all: Vec<u32> = times.concat();
        all.sort_unstable();
        let most = all.get(all.len() * KEPT_PERCENT / 100).copied().unwrap_or(u32::MAX);
        let moments = |times: &[u32]| {
            let kept = || times.iter().filter(|time| **time <= most).map(|time| f64::from(*time));
            let count = kept().count();
            let mean = kept().sum::<f64>() / count as f64;
            let variance = kept().map(|time| (time - mean).powi(2)).sum::<f64>() / (count as f64 - 1.0);
            (count, mean, variance / count as f64)
        };
        let [first, second] = [&times[0], &times[1]].map(|times| moments(times));
        let t = (first.1 - second.1) / (first.2 + second.2).sqrt();
        Self { counted: [first.0, second.0], means: [first.1, second.1], t }
    }

    /// Whether the times tell the kinds apart.
    #[must_use]
    pub fn differ(&self) -> bool {
        // Where nothing varies it is no number.
        self.t.is_nan() || self.t.abs() > T_MAX
    }
}

/// Numbers that look random (SplitMix64).
struct Dice(u64);

impl Dice {
    fn coin(&mut self) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::from((mixed ^ (mixed >> 31)) & (1 << 40) == 0)
    }
}

/// Tries so many times, each time one of the two kinds.
pub fn compare<T>(tries: usize, seed: u64, mut of_kind: impl FnMut(usize) -> (Duration, T)) -> Compared {
    let mut dice = Dice(seed);
    let mut times = [Vec::with_capacity(tries), Vec::with_capacity(tries)];
    // The first ones find caches empty.
    for number in 0..tries + tries / 10 {
        let kind = dice.coin();
        let (took, result) = of_kind(kind);
        black_box(result);
        if number >= tries / 10 {
            times[kind].push(u32::try_from(took.as_nanos()).unwrap_or(u32::MAX));
        }
    }
    Compared::of(&times)
}

/// A signature that is wrong in one of its digits.
///
/// # Panics
///
/// Never: what is altered is still a signature.
pub(crate) fn wrong(parts: &Parts, from_end: bool) -> Presented<'static> {
    const DIGITS: usize = 40;
    let mut parts = parts.clone();
    let value = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).expect("it is signed");
    let (_, digits) = value.split_once("q-signature=").expect("it has a signature");
    let at = value.len() - digits.len() + if from_end { DIGITS - 1 } else { 0 };
    let mut bytes = value.as_bytes().to_vec();
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    parts.headers.insert(AUTHORIZATION, HeaderValue::from_bytes(&bytes).expect("digits make a header"));
    Presented::from_parts(&parts).expect("it is a signature").into_owned()
}

/// Verifying a signature whose first digit is wrong, and one whose last is.
#[must_use]
pub fn first_or_last_digit(tries: usize, seed: u64) -> Compared {
    let (parts, credentials) = (signed(), credentials());
    let kinds = [wrong(&parts, false), wrong(&parts, true)];
    compare(tries, seed, |kind| {
        // Where it lies must not depend on the kind.
        let presented = kinds[kind].clone();
        let begin = Instant::now();
        let result = verify(&parts, &presented, Some(&credentials.secret_key), NOW + 60, Strictness::Strict);
        let took = begin.elapsed();
        assert_eq!(result, Err(VerifyError::Mismatch));
        (took, result)
    })
}

/// Verifying a wrong signature of a key that is known, and of one that is not.
#[must_use]
pub fn known_or_unknown_key(tries: usize, seed: u64) -> Compared {
    let (parts, credentials) = (signed(), credentials());
    let wrong = wrong(&parts, false);
    let secrets = [Some(&credentials.secret_key), None];
    compare(tries, seed, |kind| {
        let presented = wrong.clone();
        let begin = Instant::now();
        let result = verify(&parts, &presented, secrets[kind], NOW + 60, Strictness::Strict);
        let took = begin.elapsed();
        assert!(result.is_err());
        (took, result)
    })
}

/// A comparison that stops at the first byte that differs.
#[inline]
pub(crate) fn same_up_to_a_difference(one: &[u8; 20], other: &[u8; 20]) -> bool {
    one.iter().zip(other).all(|(one, other)| black_box(one) == black_box(other))
}

/// The same hashing, with a comparison that stops at the first byte that differs: what the test must be able to see.
#[must_use]
pub fn with_a_leak(tries: usize, seed: u64) -> Compared {
    let bare = Bare::default();
    let right = bare.derived();
    let mut kinds = [right; 2];
    kinds[0][0] ^= 1;
    kinds[1][19] ^= 1;
    compare(tries, seed, |kind| {
        let presented = kinds[kind];
        let begin = Instant::now();
        let signature = bare.derived();
        let same = same_up_to_a_difference(&signature, &presented);
        let took = begin.elapsed();
        assert!(!same);
        (took, same)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_seen_and_noise_is_not() {
        // A thousand times from 1000 to 1099 ns, and the same some nanoseconds later.
        let times = |later: u32| (0..1000).map(|number| 1000 + number * 37 % 100 + later).collect::<Vec<u32>>();
        let same = Compared::of(&[times(0), times(0)]);
        assert!(same.t == 0.0 && !same.differ(), "{same:?}");
        let noise = Compared::of(&[times(0), times(1)]);
        assert!(!noise.differ(), "{noise:?}");
        let other = Compared::of(&[times(0), times(30)]);
        assert!(other.differ() && other.t < 0.0, "{other:?}");
        // Of what was interrupted nothing counts.
        let mut interrupted = times(0);
        interrupted.extend([1_000_000; 50]);
        assert!(!Compared::of(&[interrupted, times(0)]).differ());
        assert!(Compared::of(&[vec![1; 9], vec![1; 9]]).differ(), "nothing can be said");
    }

    #[test]
    fn both_kinds_are_tried_and_each_is_what_it_says() {
        for compared in [first_or_last_digit(100, 1), known_or_unknown_key(100, 1), with_a_leak(100, 1)] {
            assert!(compared.counted.iter().all(|count| *count > 20), "{compared:?}");
            assert!(compared.means.iter().all(|mean| *mean > 0.0), "{compared:?}");
        }
    }
}
