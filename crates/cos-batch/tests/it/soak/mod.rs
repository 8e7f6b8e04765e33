//! A server in honest traffic, watched for as long as one likes: it takes no more memory, descriptors, threads, disk or time
//! in the end than in the middle.
//!
//! `cargo xtask long soak` does the same to a release build, for long.

mod judge;
pub(crate) mod look;
mod traffic;

use std::{
    env,
    io::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use cos_batch_nullstore::{NullStore, Options};

use self::{
    judge::{Figures, HEAD, WINDOWS, grown},
    look::Sample,
    traffic::{BUCKETS, Sizes, Traffic},
};
use crate::{
    remote::config,
    support::{Place, Server},
};

/// Seconds of traffic, in place of those of the test.
const SECONDS_VARIABLE: &str = "COS_BATCH_SOAK_SECONDS";
const SECONDS: u64 = 15;

/// From this time of a window on its times are held against each other; what else goes on on a machine weighs too much on less.
const TIMED: Duration = Duration::from_secs(30);

/// Looks at the server in each window.
const LOOKS: u32 = 20;

/// How long an operation of the store takes: some of each job are under way at the same time.
const LATENCY: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_takes_no_more_in_the_end_than_in_the_middle() {
    if !cfg!(target_os = "linux") {
        let _ = writeln!(std::io::stderr(), "SKIPPED: what a process takes is told by Linux only");
        return;
    }
    let wanted = env::var(SECONDS_VARIABLE).ok().map(|text| text.parse().unwrap());
    let window = Duration::from_secs(wanted.unwrap_or(SECONDS)) / u32::try_from(WINDOWS).unwrap();
    let sizes = if wanted.is_some() { Sizes::Long } else { Sizes::Short };

    let store = NullStore::start(Options { latency: LATENCY, ..Options::default() }).await.unwrap();
    let place = Place::new();
    let config = config(&place, &store, &BUCKETS, "", "");
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let traffic = Arc::new(Traffic::new(&server, &store, sizes));
    let hands = Arc::clone(&traffic).begin();

    let begin = Instant::now();
    // For whoever looks at a long run, as it goes; nobody may be there to read it.
    let say = |line: String| drop(writeln!(std::io::stderr(), "{line}"));
    say(HEAD.to_owned());
    let mut windows = Vec::new();
    for number in 1..=u32::try_from(WINDOWS).unwrap() {
        let mut samples = Vec::new();
        for look in 1..=LOOKS {
            let at = window * (number - 1) + window / LOOKS * look;
            tokio::time::sleep(at.saturating_sub(begin.elapsed())).await;
            samples.push(Sample::of(server.id(), &place.data()).unwrap());
        }
        let figures = Figures::new(&samples, traffic.take());
        say(figures.line(number));
        windows.push(figures);
    }
    traffic.stop();
    let made = hands.await.unwrap();
    let all: usize = windows.iter().map(|window| window.requests).sum();
    say(format!("{all} requests in {:?}; {made} jobs, each of which ended as it should", window * number_of(&windows)));
    assert_eq!(grown(&windows, window >= TIMED), [] as [String; 0]);
}

fn number_of(windows: &[Figures]) -> u32 {
    u32::try_from(windows.len()).unwrap()
}
