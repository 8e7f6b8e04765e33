//! Whether an order of calls can be found that explains all answers.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Answer, Call, State};

/// A call, from before it was sent until after it was answered, by a clock that all clients share.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(super) job: String,
    pub(super) call: Call,
    pub(super) answer: Answer,
    pub(super) begin: u64,
    pub(super) end: u64,
}

/// What happened to all jobs.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Priority of each job that was made, and whether it waits for a confirmation.
    pub(super) made: BTreeMap<String, (u32, bool)>,
    pub(super) all: Vec<Event>,
}

/// Each job's calls can be put in an order in which each could be answered as it was, and in which no call is before one
/// that was answered before it was sent.
#[track_caller]
pub(crate) fn assert_one_after_the_other(events: &Events) {
    let mut by_job: BTreeMap<&str, Vec<Event>> = BTreeMap::new();
    for event in &events.all {
        by_job.entry(&event.job).or_default().push(event.clone());
    }
    for (job, mut calls) in by_job {
        let (priority, confirmation) = events.made[job];
        calls.sort_by_key(|event| event.begin);
        let explained = explains(State::new(priority, confirmation), &calls);
        assert!(explained, "no order explains what job {job} ({priority}, {confirmation}) was seen to do: {calls:#?}");
    }
}

/// Whether these calls, by the time they began, can follow each other from this state. The search goes back as soon as it has
/// been where it is.
pub(super) fn explains(first: State, calls: &[Event]) -> bool {
    // How many calls from the first on are over, which later ones are, and the state.
    let mut left = vec![(0, Vec::new(), first)];
    let mut been = BTreeSet::new();
    while let Some((whole, beyond, state)) = left.pop() {
        if whole == calls.len() {
            return true;
        }
        if !been.insert((whole, beyond.clone(), state.clone())) {
            continue;
        }
        let open = || (whole..calls.len()).filter(|place| !beyond.contains(place));
        // Whoever began after another one ended comes after it. Calls are by the time they began: behind one that began after the
        // soonest end so far there is no sooner one.
        let mut soonest_end = u64::MAX;
        for place in open() {
            if calls[place].begin >= soonest_end {
                break;
            }
            soonest_end = soonest_end.min(calls[place].end);
        }
        let mut next: Vec<(usize, Vec<State>)> = open()
            .take_while(|place| calls[*place].begin < soonest_end)
            .map(|place| (place, state.after(calls[place].call, calls[place].answer)))
            .collect();
        // A look or a refusal that changes nothing where it can be now is put there: whatever follows it later could follow without
        // it, for a job moves on by itself from where it is at least as far as from where a later look would find it. So looks that
        // last for long, as lists do, double nothing. A change that would change nothing now may be one later.
        let idle =
            |(place, after): &(usize, Vec<State>)| calls[*place].answer != Answer::Done && *after == [state.clone()];
        if let Some(place) = next.iter().position(idle) {
            next = vec![next.swap_remove(place)];
        }
        // The last one is tried first: that which ended soonest.
        next.sort_by_key(|(place, _)| std::cmp::Reverse(calls[*place].end));
        for (place, after) in next {
            let mut over: Vec<usize> = beyond.iter().copied().chain([place]).collect();
            over.sort_unstable();
            let mut now = whole;
            while over.first() == Some(&now) {
                over.remove(0);
                now += 1;
            }
            left.extend(after.into_iter().map(|state| (now, over.clone(), state)));
        }
    }
    false
}
