//! The text that Prometheus reads (exposition format 0.0.4).
//!
//! Written here and not by a library: the numbers are kept elsewhere, as plain counts, and this is all there is to do.

use std::fmt::{Display, Write as _};

use cos_batch_engine::statistics::{BOUNDS_MILLIS, Counted};

use super::catalogue::{Family, Kind};

/// What a scraper is told the text is.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The text, so far.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

impl Exposition {
    /// A family with a number for each of these values of its labels.
    pub(super) fn numbers<'a, N: Display>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (Vec<&'a str>, N)>,
    ) {
        debug_assert!(family.kind != Kind::Histogram, "{} counts in ranges", family.name);
        self.head(family);
        for (values, number) in samples {
            self.sample(family.name, &Self::labels(family, &values), number);
        }
    }

    /// A family that has one number.
    pub(super) fn number(&mut self, family: &Family, number: impl Display) {
        self.numbers(family, [(Vec::new(), number)]);
    }

    /// A family that counts in ranges.
    pub(super) fn histograms<'a>(
        &mut self,
        family: &Family,
        samples: impl IntoIterator<Item = (Vec<&'a str>, Counted)>,
    ) {
        debug_assert!(family.kind == Kind::Histogram, "{} does not count in ranges", family.name);
        self.head(family);
        for (values, counted) in samples {
            let labels = Self::labels(family, &values);
            let comma = if labels.is_empty() { "" } else { "," };
            let mut so_far = 0;
            let name = family.name;
            let bounds = BOUNDS_MILLIS.iter().map(|millis| seconds(*millis)).chain(["+Inf".to_owned()]);
            for (bound, count) in bounds.zip(counted.counts) {
                so_far += count;
                self.sample(&format!("{name}_bucket"), &format!("{labels}{comma}le=\"{bound}\""), so_far);
            }
            self.sample(&format!("{name}_sum"), &labels, counted.sum.as_secs_f64());
            self.sample(&format!("{name}_count"), &labels, so_far);
        }
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }

    // Writing to a string cannot fail.
    fn head(&mut self, Family { name, kind, help, .. }: &Family) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {}\n", kind.name());
    }

    fn sample(&mut self, name: &str, labels: &str, number: impl Display) {
        let _ = if labels.is_empty() {
            writeln!(self.0, "{name} {number}")
        } else {
            writeln!(self.0, "{name}{{{labels}}} {number}")
        };
    }

    fn labels(family: &Family, values: &[&str]) -> String {
        debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
        let pairs = family.labels.iter().zip(values);
        let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        pairs.join(",")
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(millis: u64) -> String {
    format!("{}", millis as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cos_batch_engine::statistics::Histogram;

    use super::*;
    use crate::serve::metrics::catalogue;

    #[test]
    fn numbers_and_ranges_are_written_as_the_format_has_it() {
        let histogram = Histogram::default();
        [1, 2, 400_000].map(Duration::from_millis).iter().for_each(|took| histogram.observe(*took));
        let mut text = Exposition::default();
        text.number(&catalogue::REAPED, 7_u64);
        text.numbers(&catalogue::BUILD, [(vec!["a\"b\\c\nd"], 1)]);
        text.histograms(&catalogue::OPERATIONS, [(vec!["local"], histogram.read())]);
        let text = text.into_text();
        assert!(text.contains("\n# TYPE cos_batch_leases_reaped_total counter\ncos_batch_leases_reaped_total 7\n"));
        assert!(text.contains("\ncos_batch_build_info{version=\"a\\\"b\\\\c\\nd\"} 1\n"), "{text}");
        for line in [
            "cos_batch_operation_seconds_bucket{store=\"local\",le=\"0.001\"} 1",
            "cos_batch_operation_seconds_bucket{store=\"local\",le=\"0.003\"} 2",
            "cos_batch_operation_seconds_bucket{store=\"local\",le=\"300\"} 2",
            "cos_batch_operation_seconds_bucket{store=\"local\",le=\"+Inf\"} 3",
            "cos_batch_operation_seconds_sum{store=\"local\"} 400.003",
            "cos_batch_operation_seconds_count{store=\"local\"} 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
