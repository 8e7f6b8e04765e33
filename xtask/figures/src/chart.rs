//! Line charts as SVG, for what grows.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::number::number;

/// A drawing of one or more lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chart {
    /// The file's name, without folder and ending.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// What goes to the right.
    pub across: String,
    /// What goes up.
    pub up: String,
    /// How it goes to the right.
    pub across_scale: Scale,
    /// How it goes up; a linear one begins at 0.
    pub up_scale: Scale,
    /// The lines.
    pub series: Vec<Series>,
}

/// How an axis is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scale {
    /// Equal steps add.
    Linear,
    /// Equal steps multiply; only for values above 0.
    Logarithmic,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Whose it is.
    pub name: String,
    /// Points, to the right and up.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 56.0;

/// Lines are told apart by these, also by eyes that see few colors, in order.
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#555555"];

/// Ticks of a linear axis, about.
const TICKS: f64 = 5.0;

impl Chart {
    /// Where its file is, seen from `docs`.
    pub fn path_from_docs(&self) -> String {
        format!("performance/{}.svg", self.file)
    }

    /// The drawing. Values that a scale cannot show are left out.
    pub fn svg(&self) -> String {
        let shown = |(x, y): &&(f64, f64)| self.across_scale.shows(*x) && self.up_scale.shows(*y);
        let points = || self.series.iter().flat_map(|series| series.points.iter().filter(shown));
        let across = Axis::new(self.across_scale, points().map(|(x, _)| *x), LEFT, WIDTH - RIGHT, false);
        let up = Axis::new(self.up_scale, points().map(|(_, y)| *y), HEIGHT - BOTTOM, TOP, true);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
        );
        text(&mut svg, WIDTH / 2.0, 22.0, "middle", &self.title);
        text(&mut svg, f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 14.0, "middle", &self.across);
        text(&mut svg, 8.0, TOP - 10.0, "start", &self.up);
        for tick in across.ticks() {
            let x = across.place(tick);
            line(&mut svg, (x, TOP), (x, HEIGHT - BOTTOM));
            text(&mut svg, x, HEIGHT - BOTTOM + 18.0, "middle", &number(tick));
        }
        for tick in up.ticks() {
            let y = up.place(tick);
            line(&mut svg, (LEFT, y), (WIDTH - RIGHT, y));
            text(&mut svg, LEFT - 6.0, y + 4.0, "end", &number(tick));
        }
        for (index, series) in self.series.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            let places: Vec<_> =
                series.points.iter().filter(shown).map(|(x, y)| (across.place(*x), up.place(*y))).collect();
            let joined: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{}\"/>",
                joined.join(" ")
            );
            for (x, y) in places {
                let _ = writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{color}\"/>");
            }
            let y = TOP + 10.0 + 18.0 * index as f64;
            let _ = writeln!(
                svg,
                "<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{color}\"/>",
                WIDTH - RIGHT + 10.0,
                y - 6.0
            );
            text(&mut svg, WIDTH - RIGHT + 28.0, y, "start", &series.name);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

impl Scale {
    fn shows(self, value: f64) -> bool {
        value.is_finite() && (self == Self::Linear || value > 0.0)
    }
}

/// From values to places.
struct Axis {
    scale: Scale,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn new(scale: Scale, values: impl Iterator<Item = f64> + Clone, from: f64, to: f64, zero: bool) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
        let (low, high) = match scale {
            Scale::Logarithmic => (10f64.powf(low.log10().floor()), 10f64.powf(high.log10().ceil())),
            Scale::Linear if zero => (0.0, high * 1.1),
            Scale::Linear => (low, high),
        };
        let high = if high > low { high } else { low.abs() * 2.0 + 1.0 };
        Self { scale, low, high, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let part = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Logarithmic => (value / self.low).log10() / (self.high / self.low).log10(),
        };
        self.from + part * (self.to - self.from)
    }

    fn ticks(&self) -> Vec<f64> {
        // A little beyond the end, for sums and products are not exact.
        let end = self.high + (self.high - self.low) * 1e-6;
        let within = |tick: &f64| *tick <= end;
        match self.scale {
            Scale::Logarithmic => {
                std::iter::successors(Some(self.low), |tick| Some(tick * 10.0)).take_while(within).collect()
            }
            Scale::Linear => {
                let rough = (self.high - self.low) / TICKS;
                let power = 10f64.powf(rough.log10().floor());
                let step = [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|step| *step >= rough);
                let step = step.unwrap_or(rough);
                let first = (self.low / step).ceil() * step;
                std::iter::successors(Some(first), |tick| Some(tick + step)).take_while(within).collect()
            }
        }
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#ddd\"/>",
        from.0, from.1, to.0, to.1
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, content: &str) {
    let content = content.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{content}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(across_scale: Scale, points: Vec<(f64, f64)>) -> Chart {
        Chart {
            file: "growth".into(),
            title: "A & B".into(),
            across: "rows".into(),
            up: "µs".into(),
            across_scale,
            up_scale: Scale::Linear,
            series: vec![Series { name: "ours".into(), points }],
        }
    }

    #[test]
    fn powers_of_ten_are_equally_far_apart() {
        let axis = Axis::new(Scale::Logarithmic, [10.0, 1000.0].into_iter(), 0.0, 100.0, false);
        assert_eq!(axis.ticks(), [10.0, 100.0, 1000.0]);
        assert!((axis.place(100.0) - 50.0).abs() < 1e-9);
        let axis = Axis::new(Scale::Linear, [3.0, 10.0].into_iter(), 0.0, 100.0, true);
        assert_eq!(axis.ticks(), [0.0, 5.0, 10.0]);
    }

    #[test]
    fn points_that_cannot_be_shown_are_left_out() {
        let svg = chart(Scale::Logarithmic, vec![(0.0, 1.0), (10.0, 2.0), (100.0, 3.0)]).svg();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("A &amp; B") && !svg.contains("NaN"), "{svg}");
        assert!(!chart(Scale::Linear, vec![]).svg().contains("NaN"));
        assert!(!chart(Scale::Linear, vec![(1.0, 0.0)]).svg().contains("NaN"));
    }
}
