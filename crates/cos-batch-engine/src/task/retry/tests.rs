use cos_batch_objectstore::{ERROR_CODES, ErrorKind};
use proptest::prelude::*;

use super::*;
use crate::task::kinds;

#[test]
fn the_table_is_in_order() {
    assert!(TABLE.windows(2).all(|pair| pair[0].code < pair[1].code));
}

#[test]
fn a_code_decides_then_the_status() {
    assert_eq!(class_of("KmsFreqControl", 503), Class::Throttled);
    assert_eq!(class_of("RequestTimeTooSkewed", 403), Class::Permanent);
    assert_eq!(class_of("UploadConflict", 409), Class::Transient);
    assert_eq!(class_of("RequestTimeout", 400), Class::Unreachable);
    for (status, class) in [
        (400, Class::Permanent),
        (403, Class::Permanent),
        (404, Class::Permanent),
        (408, Class::Transient),
        (409, Class::Permanent),
        (429, Class::Throttled),
        (500, Class::Transient),
        (501, Class::Permanent),
        (502, Class::Transient),
        (503, Class::Throttled),
        (504, Class::Transient),
        (507, Class::Permanent),
    ] {
        assert_eq!(class_of("NeverHeardOf", status), class, "{status}");
    }
    let error = StoreError::new(ErrorKind::InternalError, "x").reported(503, "KmsFreqControl");
    assert_eq!(classify(&error), Class::Throttled);
}

/// What the stores themselves call worth another try is in the table, and nothing else: each code that they know, with the
/// status that the kind has and with any other, and each code of the table.
#[test]
fn it_agrees_with_the_stores() {
    for (code, kind) in ERROR_CODES {
        for status in [kind.status(), 400, 403, 404, 409, 412, 500, 503] {
            let class = classify(&StoreError::new(*kind, "x").reported(status, code));
            assert_eq!(kind.is_transient(), class != Class::Permanent, "{code} is {kind:?} and {class:?}");
        }
    }
    // What a kind of operation says, no store does.
    for rule in TABLE.iter().filter(|rule| rule.code != kinds::TEMPORARY_FAILURE) {
        let known = ErrorKind::of_code(rule.code);
        assert!(known.is_some(), "no store knows what {} means", rule.code);
    }
}

#[test]
fn a_row_that_fails_for_good_is_given_up_soon() {
    let (mut tries, mut spent) = (Tries::new(1), Duration::ZERO);
    while let Some(wait) = tries.failed(Class::Transient, None, Duration::ZERO) {
        spent += wait;
    }
    assert_eq!(tries.count, TRIES_MAX);
    assert!(spent < Duration::from_secs(6), "{spent:?}");
    assert_eq!(Tries::new(1).failed(Class::Permanent, None, Duration::ZERO), None);
}

#[test]
fn what_a_store_asks_for_is_done_within_bounds() {
    let wait = |asked| Tries::new(1).failed(Class::Throttled, Some(asked), Duration::ZERO).unwrap();
    assert_eq!(wait(Duration::from_secs(7)), Duration::from_secs(7));
    assert_eq!(wait(Duration::from_secs(3600)), RETRY_AFTER_MAX);
    assert!(wait(Duration::ZERO) >= THROTTLED_WAIT_FIRST / 2, "less than ours is no reason to hurry");
}

#[test]
fn tries_that_take_long_are_few_but_some() {
    let failed = |asked| {
        let mut tries = Tries::new(1);
        while tries.failed(Class::Unreachable, asked, ROW_TIME_MAX * 10).is_some() {}
        tries.count
    };
    assert_eq!(failed(None), 6, "of each try ten seconds count, and a minute is over");
    assert_eq!(failed(Some(RETRY_AFTER_MAX)), TRIES_MIN);
}

/// A process that stood still twice, for longer than a row may take, had no chance to try.
#[test]
fn time_in_which_nobody_could_try_is_no_reason_to_give_up() {
    let mut tries = Tries::new(1);
    for took in [70, 0, 70, 0, 0, 0, 0].map(Duration::from_secs) {
        assert!(tries.failed(Class::Transient, None, took).is_some(), "{tries:?}");
    }
    assert_eq!(tries.failed(Class::Transient, None, Duration::ZERO), None);
    assert_eq!(tries.count, TRIES_MAX);
}

#[test]
fn a_store_at_work_is_given_time() {
    let mut tries = Tries::new(1);
    for _ in 0..100 {
        tries.moved(Duration::from_secs(1));
        assert!(tries.failed(Class::Throttled, None, Duration::ZERO).is_some());
    }
}

proptest! {
    /// Whatever fails in whatever order: a row's waits are bounded, each of them and all together.
    #[test]
    fn waits_are_bounded(
        seed: u64,
        failures in prop::collection::vec((0u8..3, prop::option::of(0u64..100_000)), 400),
    ) {
        let (mut tries, mut spent) = (Tries::new(seed), Duration::ZERO);
        for (class, asked) in failures {
            let class = [Class::Transient, Class::Throttled, Class::Unreachable][usize::from(class)];
            let Some(wait) = tries.failed(class, asked.map(Duration::from_millis), Duration::ZERO) else { break };
            prop_assert!(wait >= WAIT_FIRST / 2 && wait <= RETRY_AFTER_MAX, "{wait:?}");
            spent += wait;
        }
        prop_assert!(spent <= ROW_TIME_MAX + RETRY_AFTER_MAX, "{spent:?}");
    }

    /// A store that asks for less in two of a hundred requests fails no task: it would have to for a minute on end.
    #[test]
    fn throttling_alone_is_waited_for(seed: u64) {
        let (mut tries, mut spent) = (Tries::new(seed), Duration::ZERO);
        while let Some(wait) = tries.failed(Class::Throttled, None, Duration::ZERO) {
            spent += wait;
        }
        prop_assert!(tries.count >= 12 && spent > ROW_TIME_MAX - THROTTLED_WAIT_MAX, "{} in {spent:?}", tries.count);
    }
}
