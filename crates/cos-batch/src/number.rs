//! Whole numbers on the command line.

use std::ops::RangeInclusive;

/// Reads a whole number in a range, for a flag. The error tells the range and what was written, whichever was wrong.
pub(crate) fn whole(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<u64, String> + Clone + Send + Sync + 'static {
    move |text: &str| {
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| match (*range.start(), *range.end()) {
            (least, u64::MAX) => format!("write a whole number, at least {least}"),
            (least, most) => format!("write a whole number from {least} to {most}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_or_the_range_is_told() {
        let read = whole(1..=3600);
        for (text, number) in [("1", 1), ("3600", 3600), ("007", 7)] {
            assert_eq!(read(text), Ok(number), "{text}");
        }
        for text in ["0", "3601", "-1", "", "x", "1.5", "99999999999999999999"] {
            assert_eq!(read(text), Err("write a whole number from 1 to 3600".to_owned()), "{text}");
        }
        assert_eq!(whole(1..=u64::MAX)("0"), Err("write a whole number, at least 1".to_owned()));
    }
}
