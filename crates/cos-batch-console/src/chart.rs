//! The curve of a job's throughput, as a drawing.

use cos_batch_engine::view::PacePoint;

/// Most steps of the curve: each is some pixels wide even on a phone.
const STEPS_MAX: usize = 60;

/// Fewest steps of it.
const STEPS_MIN: i64 = 12;

/// Width and height of the drawing, in units of its own.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;

/// A drawing: two closed areas in a box of 600 by 160, and what stands beside it.
#[derive(Debug, PartialEq)]
pub(crate) struct Chart {
    /// All tasks, and the failed ones among them, as SVG paths.
    pub(crate) all: String,
    pub(crate) failed: String,
    /// Highest step, and the mean, in tasks per second.
    pub(crate) peak: f64,
    pub(crate) mean: f64,
    /// Where the scale ends: a round number at or above the peak.
    pub(crate) top: f64,
    /// First and last moment, in Unix seconds.
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// Draws a curve; none where there is no time in it.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a drawing")]
pub(crate) fn draw(points: &[PacePoint]) -> Option<Chart> {
    let (first, last) = (points.first()?, points.last()?);
    let millis = last.at - first.at;
    if millis <= 0 {
        return None;
    }
    // A step of less than a second would show the rhythm of the books, not that of the work.
    let steps = usize::try_from((millis / 1000).max(STEPS_MIN)).unwrap_or(STEPS_MAX).min(STEPS_MAX);
    let step = millis as f64 / steps as f64;
    let mut all = vec![0.0; steps];
    let mut failed = vec![0.0; steps];
    for pair in points.windows(2) {
        let (from, to) = ((pair[0].at - first.at) as f64, (pair[1].at - first.at) as f64);
        let done = (pair[1].succeeded + pair[1].failed).saturating_sub(pair[0].succeeded + pair[0].failed) as f64;
        let bad = pair[1].failed.saturating_sub(pair[0].failed) as f64;
        // What was done between two points is spread evenly over the steps between them.
        for index in (from / step) as usize..=((to / step) as usize).min(steps - 1) {
            let (begin, end) = (index as f64 * step, (index + 1) as f64 * step);
            let share = (end.min(to) - begin.max(from)).max(0.0) / (to - from);
            all[index] += done * share;
            failed[index] += bad * share;
        }
    }
    let per_second = |count: &f64| count * 1000.0 / step;
    let peak = all.iter().map(per_second).fold(0.0, f64::max);
    let top = round_up(peak);
    let total = (last.succeeded + last.failed).saturating_sub(first.succeeded + first.failed) as f64;
    Some(Chart {
        all: area(all.iter().map(|count| per_second(count) / top)),
        failed: area(failed.iter().map(|count| per_second(count) / top)),
        peak,
        mean: total * 1000.0 / millis as f64,
        top,
        from: first.at.div_euclid(1000),
        until: last.at.div_euclid(1000),
    })
}

/// The next round number.
fn round_up(number: f64) -> f64 {
    if number <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(number.log10().floor());
    [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|round| *round >= number)
        .unwrap_or(number)
}

/// Steps of the given heights, from 0 to 1, as a closed area.
#[expect(clippy::cast_precision_loss, reason = "a drawing")]
fn area(heights: impl ExactSizeIterator<Item = f64>) -> String {
    use std::fmt::Write as _;
    let mut path = format!("M0 {HEIGHT}");
    let steps = heights.len();
    for (index, height) in heights.enumerate() {
        let (x, y) = ((index + 1) as f64 * WIDTH / steps as f64, HEIGHT * (1.0 - height));
        // Writing to a string cannot fail.
        let _ = write!(path, "V{y:.1}H{x:.1}");
    }
    path + &format!("V{HEIGHT}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(at: i64, succeeded: u64, failed: u64) -> PacePoint {
        PacePoint { at, succeeded, failed }
    }

    #[test]
    fn there_is_no_curve_without_time() {
        assert_eq!(draw(&[]), None);
        assert_eq!(draw(&[point(5, 1, 1)]), None);
        assert_eq!(draw(&[point(5, 1, 1), point(5, 2, 2)]), None);
    }

    #[test]
    fn an_even_pace_is_a_box() {
        let chart = draw(&[point(0, 0, 0), point(60_000, 540, 60)]).unwrap();
        assert!((chart.peak - 10.0).abs() < 1e-6 && (chart.mean - 10.0).abs() < 1e-6, "{chart:?}");
        assert!(chart.all.starts_with("M0 160V0.0H10.0") && chart.all.ends_with("V160Z"), "{}", chart.all);
        assert!(chart.failed.starts_with("M0 160V144.0H10.0"), "{}", chart.failed);
        assert_eq!((chart.from, chart.until), (0, 60));
    }

    #[test]
    fn nothing_is_lost_between_steps() {
        let chart =
            draw(&[point(0, 0, 0), point(7_000, 100, 0), point(7_100, 5_000, 3), point(61_000, 6_000, 3)]).unwrap();
        assert!(chart.peak > chart.mean && chart.top >= chart.peak, "{chart:?}");
        assert!((chart.mean - 6_003.0 / 61.0).abs() < 1e-6);
    }

    #[test]
    fn scales_are_round() {
        for (number, round) in
            [(0.0, 1.0), (0.3, 0.3), (0.41, 0.5), (1.0, 1.0), (1.1, 1.5), (4_321.0, 5_000.0), (5_001.0, 6_000.0)]
        {
            assert!((round_up(number) - round).abs() < 1e-9, "{number}");
        }
    }
}
