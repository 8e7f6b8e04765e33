//! A store that takes so many operations in a second and no more.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use cos_batch_nullstore::{NullStore, Options};

use super::{Job, number};

/// Operations in a second that a store takes, and milliseconds that each of them takes.
const RATE: (u32, u64) = (300, 20);

/// Those of the long form, each for a job of its own: also stores that take less than one slot asks for, and two farther ones.
const RATES: [(u32, u64); 7] = [(5, 20), (100, 20), (300, 20), (1000, 20), (7, 100), (50, 100), (100, 100)];

/// After so long the right number of operations at once is found.
const SETTLES: Duration = Duration::from_secs(10);

/// Seconds for which it is looked at then, in place of those of the test.
const SECONDS_VARIABLE: &str = "COS_BATCH_WEATHER_THROTTLED_SECONDS";
const SECONDS: u64 = 10;

/// Percent of what a store takes that it is given at least, and of its answers that ask for less at most. The promise is that of
/// the long form; ten seconds on a machine that runs other tests are given some room.
const PROMISED: Bounds = Bounds { given_percent: 90, refused_percent: 1 };
const SHORT: Bounds = Bounds { given_percent: 75, refused_percent: 2 };

/// Of so many operations some are refused, for otherwise there could have been more.
const MET_BY: u64 = 1_000;

struct Bounds {
    given_percent: u64,
    refused_percent: u64,
}

/// A store that takes so much and no more is given nearly that, and hardly ever more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_so_much_is_given_nearly_that() {
    let time = Duration::from_secs(number(SECONDS_VARIABLE, SECONDS));
    let (rates, bounds) = if time > SETTLES { (&RATES[..], PROMISED) } else { (&[RATE][..], SHORT) };
    for (rate, millis) in rates {
        eprintln!("{}", given(*rate, Duration::from_millis(*millis), time, &bounds).await);
    }
}

/// Looks at one rate, and says what came of it.
async fn given(rate: u32, latency: Duration, time: Duration, bounds: &Bounds) -> String {
    let options = Options { latency, operations_per_second: NonZeroU32::new(rate), ..Options::default() };
    let store = NullStore::start(options).await.unwrap();
    // More than there is time for.
    let rows = u64::from(rate) * (SETTLES * 3 + time).as_secs();
    let _job = Job::create(&store, rows, "", "");
    let began = Instant::now();
    while store.seen().operations == 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing begins");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(SETTLES).await;
    let (before, begin) = (store.seen(), Instant::now());
    tokio::time::sleep(time).await;
    let (after, took) = (store.seen(), begin.elapsed());
    let (asked, applied) = (after.operations - before.operations, after.applied - before.applied);
    let refused = after.faults - before.faults;
    let takes = u64::try_from(u128::from(rate) * took.as_millis() / 1000).unwrap();
    assert!(refused > 0 || takes < MET_BY, "it was never too much: the limit was not met");
    let said = format!(
        "{rate} in a second, {latency:?} each: {applied} of {takes} that it takes were given to it, {refused} of {asked} refused"
    );
    assert!(applied * 100 >= takes * bounds.given_percent, "too few: {said}");
    assert!(refused * 100 <= asked * bounds.refused_percent, "too many refused: {said}");
    said
}
