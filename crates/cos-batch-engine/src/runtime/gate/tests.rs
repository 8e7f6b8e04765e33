use std::sync::atomic::{AtomicUsize, Ordering};

use cos_batch_objectstore::MemoryStore;

use super::*;

fn endpoint(config: &Config) -> Arc<Endpoint> {
    Arc::new(Endpoint::new(Arc::new(MemoryStore::new()), config))
}

fn cap(per_second: u32) -> Arc<Turnstile> {
    Arc::new(Turnstile::new(NonZeroU32::new(per_second).unwrap()))
}

/// Many at once, for a minute, on a server that refuses what is above its capacity.
#[tokio::test(start_paused = true)]
async fn a_store_that_refuses_is_found_out() {
    const CAPACITY: usize = 40;
    let endpoint = endpoint(&Config::default());
    let gate = Gate::new(endpoint.clone(), vec![]);
    let (working, done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let until = Instant::now() + Duration::from_secs(60);
    let client = async || {
        while Instant::now() < until {
            let mut slot = gate.enter().await;
            if working.fetch_add(1, Ordering::SeqCst) < CAPACITY {
                tokio::time::sleep(Duration::from_millis(50)).await;
                done.fetch_add(1, Ordering::SeqCst);
                slot.done(None);
            } else {
                tokio::time::sleep(Duration::from_millis(5)).await;
                refused.fetch_add(1, Ordering::SeqCst);
                slot.done(Some(Class::Throttled));
            }
            working.fetch_sub(1, Ordering::SeqCst);
        }
    };
    futures_util::future::join_all((0..256).map(|_| client())).await;
    let (done, refused) = (done.into_inner(), refused.into_inner());
    let ideal = CAPACITY * 60 * 20;
    assert!(done * 100 >= ideal * 75, "{done} of {ideal}");
    assert!(refused * 100 <= done * 3, "{refused} refused of {done}");
    let adapts = endpoint.adapts().unwrap();
    assert_eq!((adapts.in_use, adapts.owed), (0, 0));
    assert_eq!(endpoint.free.available_permits(), adapts.slots.limit(), "no slot is lost, none is made");
}

/// A store that takes five in a second, one every 200 ms, each within 20 ms: a slot that never rests would ask it fifty times.
#[tokio::test(start_paused = true)]
async fn a_store_that_takes_less_than_a_slot_asks_for_is_asked_for_less() {
    const EVERY: Duration = Duration::from_millis(200);
    let endpoint = endpoint(&Config::default());
    let gate = Gate::new(endpoint.clone(), vec![]);
    let begin = Instant::now();
    let next = Mutex::new(begin);
    let (done, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let client = async || {
        while begin.elapsed() < Duration::from_secs(70) {
            let mut slot = gate.enter().await;
            let taken = {
                let (mut next, now) = (next.lock().unwrap(), Instant::now());
                let taken = now >= *next;
                if taken {
                    *next = (*next).max(now - EVERY / 10) + EVERY;
                }
                taken
            };
            tokio::time::sleep(Duration::from_millis(20)).await;
            slot.done((!taken).then_some(Class::Throttled));
            if begin.elapsed() > Duration::from_secs(10) {
                (if taken { &done } else { &refused }).fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    futures_util::future::join_all((0..8).map(|_| client())).await;
    let (done, refused) = (done.into_inner(), refused.into_inner());
    assert!(done * 100 >= 60 * 5 * 60, "{done} of {}", 60 * 5);
    assert!(refused * 100 <= done + refused, "{refused} refused beside {done}");
    let mut adapts = endpoint.adapts().unwrap();
    assert_eq!((adapts.in_use, adapts.owed), (0, 0));
    let rests = adapts.resting(Instant::now());
    assert!(rests <= 1 && endpoint.free.available_permits() == 1, "{rests} rest");
}

#[tokio::test(start_paused = true)]
async fn a_slot_that_is_dropped_comes_back() {
    let endpoint = endpoint(&Config { async_slots: 3, ..Config::default() });
    let gate = Gate::new(endpoint.clone(), vec![]);
    let slots: Vec<_> = (0..3).map(|_| gate.try_enter().unwrap()).collect();
    assert!(gate.try_enter().is_none());
    // Two refusals of one burst: one slot fewer.
    for mut slot in slots {
        slot.done(Some(Class::Throttled));
    }
    let held: Vec<_> = std::iter::from_fn(|| gate.try_enter()).collect();
    assert_eq!(held.len(), 2);
    drop(held);
    assert_eq!(endpoint.free.available_permits(), 2);
}

#[tokio::test(start_paused = true)]
async fn caps_hold_together_and_in_turn() {
    let all = cap(10);
    let endpoint = endpoint(&Config::default());
    let slow = Gate::new(endpoint.clone(), vec![cap(2), all.clone()]);
    let fast = Gate::new(endpoint, vec![all]);
    assert!(slow.try_enter().is_none() && slow.is_capped());
    let count = async |gate: &Gate| {
        let (began, mut count) = (Instant::now(), 0);
        while began.elapsed() < Duration::from_secs(10) {
            drop(gate.enter().await);
            count += 1;
        }
        count
    };
    let (of_slow, of_fast) = tokio::join!(count(&slow), count(&fast));
    assert!((19..=21).contains(&of_slow), "{of_slow}");
    assert!((99..=102).contains(&(of_slow + of_fast)), "{of_slow} and {of_fast}");
}

#[tokio::test(start_paused = true)]
async fn a_slot_goes_on_unless_somebody_waits_or_it_is_owed() {
    let endpoint = endpoint(&Config { async_slots: 2, ..Config::default() });
    let gate = Gate::new(endpoint.clone(), vec![]);
    let (mut kept, other) = (gate.try_enter().unwrap(), gate.try_enter().unwrap());
    kept.done(None);
    let mut kept = gate.keep(kept).unwrap();
    assert_eq!(endpoint.adapts().unwrap().in_use, 2);
    // A shard that waits for more slots keeps those it has; one of another shard gets them, if not at once.
    let mut waiting = Box::pin(gate.enter_further());
    assert!(futures_util::poll!(&mut waiting).is_pending());
    tokio::time::advance(KEEP_TIME).await;
    kept.done(None);
    let mut kept = gate.keep(kept).unwrap();
    drop(waiting);
    let mut waiting = Box::pin(gate.enter());
    assert!(futures_util::poll!(&mut waiting).is_pending());
    kept.done(None);
    assert!(gate.keep(kept).is_none());
    let mut kept = gate.keep(waiting.await).unwrap();
    let mut waiting = Box::pin(gate.enter());
    assert!(futures_util::poll!(&mut waiting).is_pending());
    tokio::time::advance(KEEP_TIME / 2).await;
    kept.done(None);
    let kept = gate.keep(kept).unwrap();
    drop((waiting, kept));
    // Fewer than two slots: it rests.
    let mut kept = gate.try_enter().unwrap();
    kept.done(Some(Class::Throttled));
    assert!(gate.keep(kept).is_none());
    assert!(gate.try_enter().is_none());
    // Fewer than one: it is given back for good.
    tokio::time::advance(crate::pace::slots::REST_MAX).await;
    let mut kept = gate.try_enter().unwrap();
    tokio::time::advance(Duration::from_millis(1)).await;
    kept.done(Some(Class::Throttled));
    assert!(gate.keep(kept).is_none());
    assert!(gate.try_enter().is_none());
    drop(other);
    drop(gate.try_enter().unwrap());
    let adapts = endpoint.adapts().unwrap();
    assert_eq!((adapts.in_use, adapts.owed, endpoint.free.available_permits()), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_turnstile_is_kept_while_it_is_owed() {
    let cap = cap(1);
    assert!(cap.is_idle());
    cap.pass().await;
    assert!(!cap.is_idle());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(cap.is_idle());
}
