//! The search finds what is wrong, and only that.

use cos_batch_model::JobStatus::{self, Active, Cancelled, Cancelling, Complete, Ready, Suspended};

use super::{
    check::{Event, explains},
    model::{Answer, Call, State},
};

/// Calls with their beginning and end.
fn is_explained(calls: &[(u64, u64, Call, Answer)]) -> bool {
    let event = |&(begin, end, call, answer)| Event { job: String::new(), call, answer, begin, end };
    explains(State::new(1, true), &calls.iter().map(event).collect::<Vec<_>>())
}

fn seen(status: JobStatus, priority: u32, executed: u64) -> Answer {
    Answer::Seen { status, priority, executed }
}

#[test]
fn what_is_right_is_explained() {
    use Answer::{Done, InvalidRequest, NoSuchJob};
    use Call::{Cancel, Confirm, Delete, Describe, Priority};
    assert!(is_explained(&[]));
    assert!(is_explained(&[
        (1, 2, Describe, seen(Suspended, 1, 0)),
        (3, 4, Priority(7), Done),
        (5, 6, Confirm, Done),
        (7, 8, Describe, seen(Active, 7, 2)),
        (9, 10, Cancel, Done),
        (11, 12, Describe, seen(Cancelled, 7, 3)),
        (13, 14, Priority(8), NoSuchJob),
        (15, 16, Cancel, InvalidRequest),
        (17, 18, Delete, Done),
        (19, 20, Describe, NoSuchJob),
    ]));
    // At the same time: either order will do, another one for each reader.
    assert!(is_explained(&[
        (1, 10, Priority(7), Done),
        (2, 9, Priority(8), Done),
        (3, 4, Describe, seen(Suspended, 1, 0)),
        (5, 6, Describe, seen(Suspended, 8, 0)),
        (7, 8, Describe, seen(Suspended, 7, 0)),
    ]));
    // What a priority is set to may be what it is when the call begins, and still be set after another one.
    assert!(is_explained(&[
        (1, 2, Cancel, Done),
        (3, 12, Priority(1), Done),
        (4, 11, Priority(7), Done),
        (5, 10, Describe, seen(Cancelling, 7, 0)),
        (13, 14, Describe, seen(Cancelling, 1, 0)),
    ]));
}

/// Forty looks that last for as long as forty changes: each order of each of them would be too many to try.
#[test]
fn looks_that_last_for_long_are_explained_soon() {
    use Answer::Done;
    use Call::{Describe, Priority};
    const MANY: u32 = 40;
    let end = u64::from(MANY) * 10 + 1000;
    let looks =
        |times: u32| (0..times).map(|look| (u64::from(look), end, Describe, seen(Suspended, look % MANY + 2, 0)));
    let changes = (0..MANY).map(|change| {
        let begin = 100 + u64::from(change) * 10;
        (begin, begin + 5, Priority(change + 2), Done)
    });
    let right: Vec<_> = looks(MANY).chain(changes.clone()).collect();
    assert!(is_explained(&right));
    // One of them saw what nobody wrote.
    let wrong: Vec<_> = looks(MANY).chain([(50, end, Describe, seen(Suspended, 999, 0))]).chain(changes).collect();
    assert!(!is_explained(&wrong));
}

#[test]
fn what_is_wrong_is_found() {
    use Answer::{Done, InvalidRequest, NoSuchJob};
    use Call::{Cancel, Confirm, Delete, Describe, Priority};
    for wrong in [
        // An answer that is older than a change that was answered before.
        vec![(1, 2, Priority(7), Done), (3, 4, Describe, seen(Suspended, 1, 0))],
        // A reader sees a change, a later one does not.
        vec![
            (1, 10, Priority(7), Done),
            (2, 3, Describe, seen(Suspended, 7, 0)),
            (4, 5, Describe, seen(Suspended, 1, 0)),
        ],
        // A status that goes back, and one that nobody asked for.
        vec![(1, 2, Confirm, Done), (3, 4, Describe, seen(Active, 1, 0)), (5, 6, Describe, seen(Ready, 1, 0))],
        vec![(1, 2, Describe, seen(Active, 1, 0))],
        vec![(1, 2, Describe, seen(Suspended, 1, 0)), (3, 4, Describe, seen(Cancelled, 1, 0))],
        vec![(1, 2, Cancel, Done), (3, 4, Describe, seen(Suspended, 1, 0))],
        // A confirmation that is forgotten, and one too many.
        vec![(1, 2, Confirm, Done), (3, 4, Describe, seen(Suspended, 1, 0))],
        vec![(1, 2, Describe, seen(Suspended, 1, 0)), (3, 4, Confirm, Done), (5, 6, Confirm, Done)],
        // Counters that go back.
        vec![(1, 2, Confirm, Done), (3, 4, Describe, seen(Active, 1, 3)), (5, 6, Describe, seen(Complete, 1, 2))],
        // A job that is not found although it was made, and one that is although it was deleted.
        vec![(1, 2, Describe, NoSuchJob)],
        vec![(1, 2, Delete, Done), (3, 4, Describe, seen(Suspended, 1, 0))],
        vec![(1, 2, Delete, Done), (3, 4, Delete, Done)],
        // Two cancels that both did it, and a refusal without a reason.
        vec![(1, 4, Cancel, Done), (2, 3, Cancel, Done)],
        vec![(1, 2, Describe, seen(Suspended, 1, 0)), (3, 4, Cancel, InvalidRequest)],
    ] {
        assert!(!is_explained(&wrong), "{wrong:?}");
    }
}
