//! How far jobs had come when: points for a curve, from the checkpoints of this process and from whoever looked.
//!
//! It is for people who watch, and kept in memory alone: after a start it begins anew.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use uuid::Uuid;

use crate::{clock::UnixMillis, job::Progress};

/// Points kept of a job; a curve on a screen shows no more. When there are as many, every second one goes, and points
/// come half as often from then on.
const POINTS_MAX: usize = 240;

/// Least time between points at first, in milliseconds.
const INTERVAL_FIRST: i64 = 250;

/// Jobs of which points are kept; the oldest job goes first. Some 6 KB each.
const JOBS_MAX: usize = 256;

/// The recent past that tells how fast a job goes now, in milliseconds: longer than a checkpoint takes.
const RECENT: i64 = 20_000;

/// How far a job had come at a moment. Counts are of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) at: UnixMillis,
    pub(crate) succeeded: u64,
    pub(crate) failed: u64,
}

impl Point {
    fn executed(&self) -> u64 {
        self.succeeded + self.failed
    }
}

/// The points of one job, oldest first.
#[derive(Debug)]
struct Curve {
    points: Vec<Point>,
    interval: i64,
}

impl Default for Curve {
    fn default() -> Self {
        Self { points: Vec::new(), interval: INTERVAL_FIRST }
    }
}

impl Curve {
    fn add(&mut self, point: Point) {
        if self.points.last().is_some_and(|last| last.at >= point.at || last.executed() > point.executed()) {
            return;
        }
        // The newest point is always the last; one that follows too soon takes the place of the one before.
        match self.points[..] {
            [.., before, last] if last.at - before.at < self.interval => {
                self.points.pop();
            }
            _ => {}
        }
        self.points.push(point);
        if self.points.len() >= POINTS_MAX {
            let mut number = 0_usize;
            let last = self.points.len() - 1;
            self.points.retain(|_| {
                number += 1;
                (number - 1).is_multiple_of(2) || number - 1 == last
            });
            self.interval *= 2;
        }
    }

    /// Tasks in a second over the recent past.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    fn rate(&self) -> Option<f64> {
        let (last, before) = self.points.split_last()?;
        // Points of a long job lie further apart than the recent past; then the last two tell.
        let from = before.iter().find(|point| last.at - point.at <= RECENT).or(before.last())?;
        let millis = last.at - from.at;
        (millis > 0).then(|| (last.executed() - from.executed()) as f64 * 1000.0 / millis as f64)
    }
}

/// The points of all jobs that are watched or worked on.
#[derive(Debug, Default)]
pub(crate) struct Pulses(Mutex<BTreeMap<Uuid, Curve>>);

impl Pulses {
    /// Notes how far a job has come.
    pub(crate) fn note(&self, job: Uuid, at: UnixMillis, progress: Progress) {
        // Consistent after every statement.
        let mut curves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let point = Point { at, succeeded: progress.succeeded, failed: progress.failed };
        curves.entry(job).or_default().add(point);
        if curves.len() > JOBS_MAX {
            // Ids are in the order of creation.
            curves.pop_first();
        }
    }

    /// What is known of a job, oldest first.
    pub(crate) fn points(&self, job: Uuid) -> Vec<Point> {
        let curves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        curves.get(&job).map(|curve| curve.points.clone()).unwrap_or_default()
    }

    /// Tasks in a second just now, where at least two points tell.
    pub(crate) fn rate(&self, job: Uuid) -> Option<f64> {
        let curves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        curves.get(&job).and_then(Curve::rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(succeeded: u64) -> Progress {
        Progress { total: 1_000_000, succeeded, failed: 0 }
    }

    #[test]
    fn a_curve_has_its_ends_and_a_bounded_number_of_points() {
        let (pulses, job) = (Pulses::default(), Uuid::from_u128(1));
        for step in 0..100_000_u64 {
            pulses.note(job, i64::try_from(step).unwrap() * 100, progress(step));
            let rate = pulses.rate(job);
            assert!(step == 0 || rate.is_some_and(|rate| (rate - 10.0).abs() < 0.5), "{step}: {rate:?}");
        }
        let points = pulses.points(job);
        assert!((POINTS_MAX / 4..POINTS_MAX).contains(&points.len()), "{}", points.len());
        assert_eq!((points[0].at, points[points.len() - 1].succeeded), (0, 99_999));
        assert!(points.windows(2).all(|two| two[0].at < two[1].at && two[0].succeeded < two[1].succeeded));
    }

    #[test]
    fn what_came_before_the_recent_past_is_no_rate() {
        let (pulses, job) = (Pulses::default(), Uuid::from_u128(1));
        assert_eq!(pulses.rate(job), None);
        pulses.note(job, 0, progress(0));
        assert_eq!(pulses.rate(job), None);
        pulses.note(job, 1000, progress(500));
        assert_eq!(pulses.rate(job), Some(500.0));
        pulses.note(job, 60_000, progress(500));
        pulses.note(job, 61_000, progress(500));
        assert_eq!(pulses.rate(job), Some(0.0), "it stands still");
        pulses.note(job, 60_500, progress(700));
        pulses.note(job, 62_000, progress(400));
        assert_eq!(pulses.points(job).last().unwrap().at, 61_000, "neither time nor counts go back");
        pulses.note(job, 61_100, progress(600));
        pulses.note(job, 61_150, progress(590));
        assert_eq!(pulses.points(job).last().unwrap().succeeded, 600, "what goes back takes nothing along");
    }

    #[test]
    fn the_oldest_job_is_forgotten() {
        let pulses = Pulses::default();
        for job in 0..=JOBS_MAX as u128 {
            pulses.note(Uuid::from_u128(job), 0, progress(1));
        }
        assert!(pulses.points(Uuid::from_u128(0)).is_empty());
        assert_eq!(pulses.points(Uuid::from_u128(1)).len(), 1);
    }
}
