//! Refusals of a signature whose instructions are held against each other: if one took more than another, its time would tell what
//! was wrong. Other than in [`timing`](crate::timing) the answer does not depend on how busy a machine is.

use std::hint::black_box;

use cos_signature::{Presented, SecretKey, Strictness, VerifyError, verify};

use crate::{
    Work,
    signature::{Bare, NOW, credentials, signed},
    timing::{same_up_to_a_difference, wrong},
    work,
};

/// Each refusal by name. The last two are not ours: they tell what was wrong.
pub(crate) fn workloads() -> Vec<(&'static str, Work)> {
    let [first, last] = [false, true].map(|from_end| wrong(&signed(), from_end));
    let known = Some(credentials().secret_key);
    vec![
        ("first-digit", refused(first.clone(), known.clone(), VerifyError::Mismatch)),
        ("last-digit", refused(last, known, VerifyError::Mismatch)),
        ("unknown-key", refused(first, None, VerifyError::UnknownKey)),
        ("leaky-first", leaky(0)),
        ("leaky-last", leaky(19)),
    ]
}

fn refused(presented: Presented<'static>, secret: Option<SecretKey>, error: VerifyError) -> Work {
    let parts = signed();
    work(move || {
        let result = verify(&parts, black_box(&presented), black_box(secret.as_ref()), NOW + 60, Strictness::Strict);
        assert_eq!(result.as_ref(), Err(&error));
    })
}

/// The same hashing, and a comparison that stops at the byte that is wrong.
fn leaky(wrong: usize) -> Work {
    let bare = Bare::default();
    let mut presented = bare.derived();
    presented[wrong] ^= 1;
    work(move || assert!(!same_up_to_a_difference(&bare.derived(), &presented)))
}

#[cfg(test)]
mod tests {
    #[test]
    fn each_refusal_refuses() {
        for (_, mut work) in super::workloads() {
            work(2);
        }
    }
}
