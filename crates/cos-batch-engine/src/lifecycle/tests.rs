use cos_batch_objectstore::Pin;
use proptest::prelude::*;

use super::*;

fn state(status: JobStatus) -> JobState {
    JobState { status, ..JobState::new() }
}

fn manifest() -> PinnedManifest {
    PinnedManifest { size: 3, pin: Pin("p".into()), version: None, columns: None, source_bucket: "src-1".into() }
}

fn commands() -> Vec<Command> {
    let failure = Failure { code: "C".into(), reason: "because".into() };
    vec![
        Command::StartPreparing,
        Command::Prepared { manifest: manifest(), confirmation_required: true, outlook: Default::default() },
        Command::Prepared { manifest: manifest(), confirmation_required: false, outlook: Default::default() },
        Command::Confirm { reason: Some("ok".into()) },
        Command::Activate,
        Command::Pause { reason: "for another".into() },
        Command::Paused,
        Command::TasksDone,
        Command::Cancel { reason: None },
        Command::Fail(failure),
        Command::Reported { note: None },
    ]
}

/// Every command in every status: the whole behavior on one page.
#[test]
fn every_command_in_every_status() {
    let mut page = String::new();
    for &from in JobStatus::ALL {
        for command in commands() {
            let text = match apply(&state(from), command.clone(), 7) {
                Ok((next, effects)) => {
                    assert!(next.status == from || from.can_become(next.status));
                    format!("{} {effects:?}", next.status)
                }
                Err(refusal) => format!("refused: {refusal}"),
            };
            let name = format!("{command:?}");
            let name = name.split([' ', '(', '{']).next().unwrap_or_default();
            page.push_str(&format!("{from:<10} {name:<14} {text}\n"));
        }
    }
    insta::assert_snapshot!(page);
}

#[test]
fn a_confirmation_in_advance_is_kept() {
    for from in [JobStatus::New, JobStatus::Preparing] {
        let (next, _) = apply(&state(from), Command::Confirm { reason: None }, 1).unwrap();
        assert_eq!(next.status, from);
        let next = JobState { status: JobStatus::Preparing, ..next };
        let prepared =
            Command::Prepared { manifest: manifest(), confirmation_required: true, outlook: Default::default() };
        let (next, _) = apply(&next, prepared, 2).unwrap();
        assert_eq!(next.status, JobStatus::Ready);
        assert_eq!(next.suspended_at, None);
    }
}

#[test]
fn a_suspended_job_tells_why_and_since_when() {
    let prepared = Command::Prepared { manifest: manifest(), confirmation_required: true, outlook: Default::default() };
    let (next, _) = apply(&state(JobStatus::Preparing), prepared, 99).unwrap();
    assert_eq!(next.suspended_cause.as_deref(), Some(WAITING_FOR_CONFIRMATION));
    assert_eq!(next.suspended_at, Some(99));
    let (next, _) = apply(&next, Command::Confirm { reason: None }, 100).unwrap();
    assert_eq!((next.suspended_cause, next.suspended_at), (None, Some(99)));
}

#[test]
fn a_paused_job_says_why_and_may_be_cancelled_or_go_on() {
    let pause = Command::Pause { reason: "for another".into() };
    let (pausing, effects) = apply(&state(JobStatus::Active), pause, 1).unwrap();
    assert_eq!(effects, [Effect::Yield, Effect::Wake]);
    let (paused, _) = apply(&pausing, Command::Paused, 2).unwrap();
    for (now, status) in [(pausing, JobStatus::Pausing), (paused, JobStatus::Paused)] {
        assert_eq!((now.status, now.reason.as_deref()), (status, Some("for another")));
        let (again, _) = apply(&now, Command::Activate, 3).unwrap();
        assert_eq!(again, state(JobStatus::Active));
        let (cancelled, effects) = apply(&now, Command::Cancel { reason: None }, 3).unwrap();
        assert_eq!((cancelled.status, cancelled.reason), (JobStatus::Cancelling, None));
        assert_eq!(effects, [Effect::Interrupt, Effect::Wake]);
    }
}

#[test]
fn a_failed_job_says_why() {
    let failure = Failure { code: "X".into(), reason: "why".into() };
    let (next, effects) = apply(&state(JobStatus::Active), Command::Fail(failure.clone()), 1).unwrap();
    assert_eq!(effects, [Effect::Interrupt, Effect::Wake]);
    let (next, _) = apply(&next, Command::Reported { note: None }, 5).unwrap();
    assert_eq!(next.status, JobStatus::Failed);
    assert_eq!(next.failures, [failure]);
    assert_eq!(next.terminated_at, Some(5));
}

#[test]
fn the_threshold_needs_size_count_and_share() {
    let threshold = FailureThreshold::default();
    let at = |total, succeeded, failed| threshold.check(Progress { total, succeeded, failed }).is_some();
    assert!(!at(1000, 0, 1000), "small jobs run to their end");
    assert!(!at(1001, 0, 999), "not before 1,000 were executed");
    assert!(at(1001, 0, 1000));
    assert!(!at(5000, 500, 500), "exactly half is not over");
    assert!(at(5000, 500, 501));
    assert!(!at(5000, 502, 501));
}

proptest! {
    /// Whatever is asked in whatever order: a final status has no exit, a failed job has a reason, an ended one a date.
    #[test]
    fn no_sequence_of_commands_breaks_the_rules(picks in prop::collection::vec(0usize..11, 0..60)) {
        let mut now = JobState::new();
        for (step, pick) in picks.into_iter().enumerate() {
            let command = commands().swap_remove(pick);
            if let Ok((next, _)) = apply(&now, command, step as i64) {
                prop_assert!(!now.status.is_final());
                prop_assert!(next.status == now.status || now.status.can_become(next.status));
                now = next;
            }
            prop_assert_eq!(now.status.is_final(), now.terminated_at.is_some());
            prop_assert_eq!(now.status == JobStatus::Suspended, now.suspended_cause.is_some());
            if now.status == JobStatus::Failed {
                prop_assert!(!now.failures.is_empty());
            }
        }
    }
}
