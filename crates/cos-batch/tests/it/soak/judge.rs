//! What a run came to, window by window, and whether the last ones took more than those in the middle.

use std::time::Duration;

use super::{look::Sample, traffic::Done};

/// Windows of a run: a third of them warms up, the next third is what the last is held against.
pub(super) const WINDOWS: usize = 12;

/// Memory of its own that a server may have gained: in the long form a few dozen bytes for each request in between. Allocators
/// do not give everything back, and not at once.
const OWN_GROWTH_BYTES_MAX: u64 = 4 << 20;
/// The same with pages of files, which the system keeps and drops as it likes.
const RESIDENT_GROWTH_BYTES_MAX: u64 = 12 << 20;
/// Descriptors and threads that are there even in the quietest moment of a window. Connections to a store stay open for a
/// while, and there may be 128 of them: in the short form they are still becoming more.
const DESCRIPTORS_GROWTH_MAX: u64 = 32;
const THREADS_GROWTH_MAX: u64 = 4;
/// What the folder keeps of each job that ended: it is remembered, deleted or not, for the retention time.
const STATE_BYTES_PER_JOB_MAX: u64 = 8 << 10;
/// And of nothing in particular: a log that is written back now and then.
const STATE_GROWTH_BYTES_MAX: u64 = 4 << 20;

/// How much longer requests may take, in percent and besides. Of each third its quickest window counts: whatever else a
/// machine does only ever makes one slower.
const TIME_PERCENT_MAX: u32 = 150;
const MEDIAN_MARGIN: Duration = Duration::from_millis(1);
const P99_MARGIN: Duration = Duration::from_millis(10);

/// One window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Medians.
    resident: u64,
    own: u64,
    state: u64,
    /// Fewest.
    descriptors: u64,
    threads: u64,
    pub(super) requests: usize,
    jobs: u64,
    median: Duration,
    p99: Duration,
}

/// What the lines of [`Figures::line`] say.
pub(super) const HEAD: &str =
    "window  own KiB  resident KiB  descriptors  threads  state KiB  requests  jobs ended  median µs    p99 µs";

impl Figures {
    pub(super) fn new(samples: &[Sample], done: Done) -> Self {
        let sorted = |of: fn(&Sample) -> u64| {
            let mut values: Vec<u64> = samples.iter().map(of).collect();
            values.sort_unstable();
            values
        };
        let (median, least) = (|values: Vec<u64>| values[values.len() / 2], |values: Vec<u64>| values[0]);
        let mut times = done.times;
        times.sort_unstable();
        let part = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
        Self {
            resident: median(sorted(|sample| sample.resident)),
            own: median(sorted(|sample| sample.own)),
            state: median(sorted(|sample| sample.state)),
            descriptors: least(sorted(|sample| sample.descriptors)),
            threads: least(sorted(|sample| sample.threads)),
            requests: times.len(),
            jobs: done.jobs,
            median: part(50),
            p99: part(99),
        }
    }

    pub(super) fn line(&self, number: u32) -> String {
        let [own, resident, state] = [self.own, self.resident, self.state].map(|bytes| bytes / 1024);
        let (median, p99) = (self.median.as_micros(), self.p99.as_micros());
        let Self { descriptors, threads, requests, jobs, .. } = self;
        format!(
            "{number:>6}{own:>9}{resident:>14}{descriptors:>13}{threads:>9}{state:>11}{requests:>10}{jobs:>12}{median:>11}\
             {p99:>10}"
        )
    }
}

fn median(sorted: &[u64]) -> u64 {
    sorted[sorted.len() / 2]
}

/// Threads come and go with what is under way: what leaks is there in the quietest window too.
fn least(sorted: &[u64]) -> u64 {
    sorted[0]
}

/// Connections to a store stay open for a while, and a window in which they were closed says nothing: in some window of each third
/// they were all there, and what leaks is there besides.
fn highest(sorted: &[u64]) -> u64 {
    sorted[sorted.len() - 1]
}

/// What the last third took more of than the one before it, beyond what is allowed; with `timed` also time.
pub(super) fn grown(windows: &[Figures], timed: bool) -> Vec<String> {
    let third = windows.len() / 3;
    let (middle, last) = (&windows[third..2 * third], &windows[2 * third..]);
    let mut grown = Vec::new();
    let mut more = |what: &str, of: fn(&Figures) -> u64, typical: fn(&[u64]) -> u64, allowed: u64| {
        let [before, after] = [middle, last].map(|windows| {
            let mut values: Vec<u64> = windows.iter().map(of).collect();
            values.sort_unstable();
            typical(&values)
        });
        if after > before + allowed {
            grown.push(format!("{what}: {before} became {after}, {allowed} more are allowed"));
        }
    };
    let jobs: u64 = middle.iter().chain(last).map(|window| window.jobs).sum();
    more("bytes of its own", |window| window.own, median, OWN_GROWTH_BYTES_MAX);
    more("bytes in memory", |window| window.resident, median, RESIDENT_GROWTH_BYTES_MAX);
    more("descriptors", |window| window.descriptors, highest, DESCRIPTORS_GROWTH_MAX);
    more("threads", |window| window.threads, least, THREADS_GROWTH_MAX);
    more("bytes of state", |window| window.state, median, STATE_GROWTH_BYTES_MAX + jobs * STATE_BYTES_PER_JOB_MAX);
    if windows.iter().skip(third).any(|window| window.requests == 0) || jobs == 0 {
        grown.push(format!("too little happened: {windows:?}"));
    }
    let mut longer = |what: &str, of: fn(&Figures) -> Duration, margin: Duration| {
        let quickest = |windows: &[Figures]| windows.iter().map(of).min().unwrap_or_default();
        let (before, after) = (quickest(middle), quickest(last));
        if after > before * TIME_PERCENT_MAX / 100 + margin {
            grown.push(format!("{what}: {before:?} became {after:?}"));
        }
    };
    if timed {
        longer("median of the times of requests", |window| window.median, MEDIAN_MARGIN);
        longer("99 % of the times of requests", |window| window.p99, P99_MARGIN);
    }
    grown
}

#[test]
fn whatever_grows_is_noticed() {
    let even = Figures {
        resident: 40 << 20,
        own: 20 << 20,
        state: 10 << 20,
        descriptors: 40,
        threads: 8,
        requests: 1000,
        jobs: 10,
        median: Duration::from_millis(2),
        p99: Duration::from_millis(20),
    };
    let run = |change: fn(&mut Figures, u64)| -> Vec<Figures> {
        let window = |number| {
            let mut figures = even;
            change(&mut figures, number);
            figures
        };
        (0..WINDOWS as u64).map(window).collect()
    };
    // What is taken at the beginning, or by one window alone, is nothing that grows.
    assert_eq!(grown(&run(|figures, number| figures.own += (8 << 20) * number.min(3)), true), [] as [String; 0]);
    assert_eq!(grown(&run(|figures, number| figures.p99 *= if number == 9 { 50 } else { 1 }), true), [] as [String; 0]);
    // The connections to a store were closed for a while.
    let closed = |figures: &mut Figures, number| figures.descriptors = if number == 5 { 40 } else { 150 };
    assert_eq!(grown(&run(closed), true), [] as [String; 0]);
    type Leak = fn(&mut Figures, u64);
    let leaks: [(Leak, &str); 8] = [
        (|figures, number| figures.own += (number << 20) * 3 / 2, "bytes of its own"),
        (|figures, number| figures.resident += number << 22, "bytes in memory"),
        (|figures, number| figures.descriptors += number * 10, "descriptors"),
        (|figures, number| figures.threads += number * 2, "threads"),
        (|figures, number| figures.state += number << 21, "bytes of state"),
        (|figures, number| figures.requests *= usize::from(number < 11), "too little happened"),
        (|figures, number| figures.median += Duration::from_millis(2 * number), "median of"),
        (|figures, number| figures.p99 += Duration::from_millis(20 * number), "99 % of"),
    ];
    for (leak, what) in leaks {
        let found = grown(&run(leak), true);
        assert!(found.len() == 1 && found[0].starts_with(what), "{what}: {found:?}");
    }
}
