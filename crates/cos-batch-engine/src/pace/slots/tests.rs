use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use proptest::prelude::*;

use super::*;

/// A server in thought: it works on `capacity` requests at once, each for `takes`.
struct Server {
    capacity: usize,
    takes: Duration,
    /// Refuses what is too much at once; else it waits in a queue.
    refuses: bool,
}

/// Keeps all slots in use from some time on for so long. Tells the limits seen in the second half, requests that were
/// done, and refused.
fn run(server: &Server, slots: &mut Slots, from: Duration, lasts: Duration) -> (Vec<usize>, u64, u64) {
    let (mut now, mut number) = (from, 0u64);
    // By when it ends: (end, number, began, refused).
    let mut in_flight: BTreeSet<(Duration, u64, Duration, bool)> = BTreeSet::new();
    let mut busy_until: BinaryHeap<_> = vec![Reverse(Duration::ZERO); server.capacity].into();
    let (mut limits, mut done, mut refused) = (Vec::new(), 0, 0);
    while now < from + lasts {
        while in_flight.len() < slots.limit() {
            number += 1;
            if server.refuses && in_flight.iter().filter(|request| !request.3).count() >= server.capacity {
                in_flight.insert((now + server.takes / 10, number, now, true));
            } else {
                let Reverse(free) = busy_until.pop().unwrap();
                let ends = free.max(now) + server.takes;
                busy_until.push(Reverse(ends));
                in_flight.insert((ends, number, now, false));
            }
        }
        let full = in_flight.len() >= slots.limit();
        let (ended, _, began, throttled) = in_flight.pop_first().unwrap();
        now = ended;
        let answer = if throttled { Answer::Throttled } else { Answer::Coped };
        if throttled {
            refused += 1;
        } else {
            done += 1;
        }
        slots.observe(Observation { began, ended, answer, full });
        if now > from + lasts / 2 {
            limits.push(slots.limit());
        }
    }
    (limits, done, refused)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_store_that_copes_gets_all_there_is() {
    let server = Server { capacity: 10_000, takes: Duration::from_millis(50), refuses: false };
    let mut slots = Slots::new(256);
    run(&server, &mut slots, Duration::ZERO, Duration::from_secs(1));
    assert_eq!(slots.limit(), 256, "within a second");
}

#[test]
fn slots_that_are_not_used_do_not_grow() {
    let mut slots = Slots::new(256);
    for number in 0..1000 {
        let began = Duration::from_millis(number);
        slots.observe(Observation { began, ended: began, answer: Answer::Coped, full: false });
    }
    assert_eq!(slots.limit(), START);
}

#[test]
fn a_store_that_refuses_is_given_what_it_can_take() {
    for capacity in [3, 20, 100] {
        let server = Server { capacity, takes: Duration::from_millis(50), refuses: true };
        let (limits, done, refused) = run(&server, &mut Slots::new(256), Duration::ZERO, MINUTE);
        let ideal = capacity as u64 * 60 * 20;
        assert!(done * 100 >= ideal * 75, "{capacity}: {done} of {ideal}");
        assert!(refused * 100 <= done * 5, "{capacity}: {refused} refused of {done}");
        assert!(limits.iter().all(|limit| *limit <= capacity + 2), "{capacity}: {:?}", limits.iter().max());
    }
}

/// A store that takes so many in a second, saved up for a tenth of one, and refuses the rest, looked at for a minute from ten
/// seconds after the beginning: how many it took, and refused.
fn throttled(rate: u32, takes: Duration) -> (u64, u64) {
    const SETTLES: Duration = Duration::from_secs(10);
    let mut slots = Slots::new(256);
    let rate = f64::from(rate);
    let (most, mut left, mut last) = ((rate / 10.0).max(1.0), 0.0f64, Duration::ZERO);
    let mut in_flight: BTreeSet<(Duration, u64, Duration, bool)> = BTreeSet::new();
    let mut resting: BTreeSet<(Duration, u64)> = BTreeSet::new();
    let (mut now, mut number, mut done, mut refused) = (Duration::ZERO, 0u64, 0, 0);
    while now < SETTLES + MINUTE {
        while in_flight.len() + resting.len() < slots.limit() {
            number += 1;
            left = (left + (now - last).as_secs_f64() * rate).min(most);
            last = now;
            let taken = left >= 1.0;
            if taken {
                left -= 1.0;
            }
            // No two take quite as long, so that they do not come in step.
            let ends = now + takes + takes * u32::try_from(number * 37 % 15).unwrap() / 100;
            in_flight.insert((ends, number, now, taken));
        }
        if resting.first().is_some_and(|(until, _)| in_flight.first().is_none_or(|(ends, ..)| until < ends)) {
            let (until, _) = resting.pop_first().unwrap();
            now = now.max(until);
            continue;
        }
        let full = in_flight.len() + resting.len() >= slots.limit();
        let (ended, number, began, taken) = in_flight.pop_first().unwrap();
        now = ended;
        if now > SETTLES {
            *(if taken { &mut done } else { &mut refused }) += 1;
        }
        let answer = if taken { Answer::Coped } else { Answer::Throttled };
        slots.observe(Observation { began, ended, answer, full });
        if !slots.rest().is_zero() {
            resting.insert((now + slots.rest(), number));
        }
    }
    (done, refused)
}

#[test]
fn a_store_that_takes_so_many_in_a_second_is_given_nearly_that() {
    let near = [5, 6, 7, 8, 9, 10, 12, 15, 20, 50, 100, 200, 300, 500, 1000, 3000].map(|rate| (rate, 20));
    let middle = [4, 5, 6, 7, 8, 9, 15, 25, 30, 40, 70, 150].map(|rate| (rate, 60));
    let far = [5, 6, 7, 15, 20, 50, 100, 200, 500].map(|rate| (rate, 100));
    for (rate, millis) in near.into_iter().chain(middle).chain(far) {
        let (done, refused) = throttled(rate, Duration::from_millis(millis));
        let ideal = u64::from(rate) * 60;
        assert!(done * 100 >= ideal * 90, "{rate} in a second, {millis} ms each: {done} of {ideal}");
        let all = done + refused;
        assert!(refused * 100 <= all, "{rate} in a second, {millis} ms each: {refused} of {all} refused");
    }
    // What this one takes is a little less than what is left where it cannot be told whether refusals are chance: that takes
    // some hundred answers, and a fifth of the minute.
    let (done, refused) = throttled(12, Duration::from_millis(60));
    assert!(done * 100 >= 12 * 60 * 90 && refused * 50 <= done + refused, "{done} done, {refused} refused");
}

#[test]
fn a_store_that_takes_nothing_for_a_while_is_asked_for_more_than_a_part_of_a_slot() {
    let mut slots = Slots::new(64);
    let observe = |slots: &mut Slots, at: u64, answer| {
        let began = Duration::from_millis(at);
        slots.observe(Observation { began, ended: began + Duration::from_millis(20), answer, full: true });
    };
    (0..5).for_each(|number| observe(&mut slots, number, Answer::Coped));
    // Refused for a minute, whatever it is asked.
    (0..60).for_each(|second| observe(&mut slots, 1_000 * (1 + second), Answer::Throttled));
    assert_eq!(slots.limit(), MIN);
    assert!(slots.rest() <= Duration::from_millis(5), "{:?}", slots.rest());
}

/// Some stores refuse one request in twenty however few they are asked, by chance.
#[test]
fn refusals_that_do_not_become_fewer_leave_most_of_a_slot() {
    let (mut slots, mut random) = (Slots::new(64), 1u64);
    let (mut now, mut busy) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..20_000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let answer = if random.is_multiple_of(20) { Answer::Throttled } else { Answer::Coped };
        let (began, ended) = (now, now + Duration::from_millis(20));
        slots.observe(Observation { began, ended, answer, full: true });
        now = ended + slots.rest() + Duration::from_millis(1);
        busy += ended - began;
    }
    assert!(busy * 100 >= now * 70, "busy for {busy:?} of {now:?}");
}

#[test]
fn a_slot_rests_so_long_that_a_part_of_it_is_idle() {
    let mut slots = Slots::new(64);
    let mut now = Duration::ZERO;
    // One of ten is taken.
    for number in 0..200 {
        let answer = if number % 10 == 0 { Answer::Coped } else { Answer::Throttled };
        let (began, ended) = (now, now + Duration::from_millis(20));
        slots.observe(Observation { began, ended, answer, full: true });
        now = ended + slots.rest() + Duration::from_millis(1);
        assert!(slots.rest().is_zero() || (REST_MIN..=REST_MAX).contains(&slots.rest()));
    }
    assert_eq!(slots.limit(), MIN);
    assert!(
        slots.rest() >= Duration::from_millis(500),
        "{:?}: it goes on taking one of ten, however few",
        slots.rest()
    );
}

#[test]
fn a_store_that_becomes_slow_is_given_less_and_does_as_much() {
    for capacity in [4, 16] {
        let server = Server { capacity, takes: Duration::from_millis(50), refuses: false };
        let (limits, done, _) = run(&server, &mut Slots::new(256), Duration::ZERO, MINUTE);
        let ideal = capacity as u64 * 60 * 20;
        assert!(done * 100 >= ideal * 97, "{capacity}: {done} of {ideal}");
        let most = limits.iter().max().unwrap();
        assert!(*most <= capacity * 8, "{capacity}: up to {most} at once");
    }
}

#[test]
fn larger_objects_are_no_reason_for_fewer_slots() {
    let mut slots = Slots::new(64);
    let now = Duration::from_secs(5);
    run(&Server { capacity: 1000, takes: Duration::from_millis(10), refuses: false }, &mut slots, Duration::ZERO, now);
    let server = Server { capacity: 1000, takes: Duration::from_secs(2), refuses: false };
    let (limits, ..) = run(&server, &mut slots, now, MINUTE * 10);
    assert!(limits.iter().all(|limit| *limit >= 40), "{:?}", limits.iter().min());
}

#[test]
fn it_comes_back_when_the_store_does() {
    let mut slots = Slots::new(64);
    for second in 0..40 {
        let at = Duration::from_secs(second);
        slots.observe(Observation { began: at, ended: at, answer: Answer::Throttled, full: true });
    }
    assert_eq!(slots.limit(), MIN);
    for step in 0..64 * INCREASE_MIN.max(64) as u64 {
        let began = MINUTE + Duration::from_millis(step * 10);
        let ended = began + Duration::from_millis(5);
        slots.observe(Observation { began, ended, answer: Answer::Coped, full: true });
    }
    assert_eq!(slots.limit(), 64);
}

proptest! {
    /// Whatever a store does: the limit stays in its bounds, and moves by one up, by a share down.
    #[test]
    fn the_limit_stays_in_its_bounds(
        most in 0usize..300,
        seen in prop::collection::vec((0u64..10_000, 0u64..10_000, 0u8..3, any::<bool>()), 0..400),
    ) {
        let mut slots = Slots::new(most);
        let bounds = MIN..=most.max(MIN);
        prop_assert!(bounds.contains(&slots.limit()));
        for (began, takes, answer, full) in seen {
            let before = slots.limit();
            let answer = [Answer::Coped, Answer::Throttled, Answer::Unclear][usize::from(answer)];
            let began = Duration::from_millis(began);
            slots.observe(Observation { began, ended: began + Duration::from_millis(takes), answer, full });
            prop_assert!(bounds.contains(&slots.limit()));
            prop_assert!(slots.limit() <= before + 1 && slots.limit() + 1 >= before * DECREASE_MOST_TENTHS / 10);
            prop_assert!(slots.rest() <= REST_MAX);
            if answer == Answer::Unclear {
                prop_assert_eq!(slots.limit(), before);
            }
        }
    }

    /// One burst of refusals is one piece of news.
    #[test]
    fn a_burst_counts_once(burst in 1usize..200) {
        let mut slots = Slots::new(256);
        let before = slots.limit();
        for number in 0..burst {
            let ended = Duration::from_millis(100 + number as u64);
            slots.observe(Observation { began: Duration::ZERO, ended, answer: Answer::Throttled, full: true });
        }
        prop_assert_eq!(slots.limit(), before * DECREASE_TENTHS / 10);
    }
}
