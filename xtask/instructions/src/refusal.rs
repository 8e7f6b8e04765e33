//! Refusals of a signature whose instructions are held against each other: if one took more than another, its time would tell what
//! was wrong. Other than in [`timing`](crate::timing) the answer does not depend on how busy a machine is.
//!
//! How many instructions a copy or a search of some bytes takes depends on where they lie. So whatever the kind, a program that
//! makes refusals sets aside the same memory in the same order.

use std::hint::black_box;

use cos_signature::{Strictness, VerifyError, verify};

use crate::{
    signature::{Bare, NOW, credentials, signed},
    timing::{same_up_to_a_difference, wrong},
};

/// Makes a refusal so many times; false if there is none of this name. The last two are not made by us: they tell what was wrong.
pub(crate) fn refuse(name: &str, times: u32) -> bool {
    match name {
        "first-digit" => verified(false, true, &VerifyError::Mismatch, times),
        "last-digit" => verified(true, true, &VerifyError::Mismatch, times),
        "unknown-key" => verified(false, false, &VerifyError::UnknownKey, times),
        "leaky-first" => leaky(0, times),
        "leaky-last" => leaky(19, times),
        _ => return false,
    }
    true
}

fn verified(from_end: bool, known: bool, error: &VerifyError, times: u32) {
    let (parts, secret) = (signed(), credentials().secret_key);
    let presented = wrong(&parts, from_end);
    for _ in 0..times {
        let secret = black_box(known.then_some(&secret));
        let result = black_box(verify(&parts, black_box(&presented), secret, NOW + 60, Strictness::Strict));
        assert_eq!(result.as_ref(), Err(error));
    }
}

/// The same hashing, and a comparison that stops at the byte that is wrong.
fn leaky(wrong: usize, times: u32) {
    let bare = Bare::default();
    let mut presented = bare.derived();
    presented[wrong] ^= 1;
    for _ in 0..times {
        assert!(!black_box(same_up_to_a_difference(&bare.derived(), black_box(&presented))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_refuses() {
        for name in ["first-digit", "last-digit", "unknown-key", "leaky-first", "leaky-last"] {
            assert!(refuse(name, 2), "{name}");
        }
        assert!(!refuse("no-such", 2));
    }
}
