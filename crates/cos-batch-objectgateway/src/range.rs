//! Byte ranges.

use std::ops::Range;

use crate::error::{Code, Failure};

/// The bytes that `Range` asks for, of an object of this size; none: all of it. What is not one range of bytes is
/// ignored, as HTTP has it.
pub(crate) fn of_get(text: Option<&str>, size: u64) -> Result<Option<Range<u64>>, Failure> {
    let Some((first, last)) = text.and_then(|text| text.trim().strip_prefix("bytes=")).and_then(|r| r.split_once('-'))
    else {
        return Ok(None);
    };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let range = match (first.trim().is_empty(), last.trim().is_empty()) {
        (true, true) => return Ok(None),
        (true, false) => number(last).map(|length| size.saturating_sub(length)..if length == 0 { 0 } else { size }),
        (false, true) => number(first).map(|first| first..size),
        (false, false) => number(first)
            .zip(number(last))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| first..last.saturating_add(1).min(size)),
    };
    let Some(range) = range else { return Ok(None) };
    if range.start >= range.end {
        let message = format!("the range {:?} is not within an object of {size} bytes", text.unwrap_or_default());
        return Err(Failure::new(Code::InvalidRange, message));
    }
    Ok(Some(range))
}

/// The bytes that `x-cos-copy-source-range` asks for: both ends are given.
pub(crate) fn of_copy(text: &str) -> Result<Range<u64>, Failure> {
    let ends = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'));
    let ends = ends.and_then(|(first, last)| Some((first.parse::<u64>().ok()?, last.parse::<u64>().ok()?)));
    ends.filter(|(first, last)| first <= last).map(|(first, last)| first..last.saturating_add(1)).ok_or_else(|| {
        let message = format!("x-cos-copy-source-range must be bytes=FIRST-LAST, and is {text:?}");
        Failure::new(Code::InvalidArgument, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_a_get() {
        for (text, expected) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=2-5", Some(2..6)),
            ("bytes=2-", Some(2..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-30", Some(0..10)),
            ("bytes=9-99", Some(9..10)),
            ("bytes=0-18446744073709551615", Some(0..10)),
            ("bytes=5-2", None),
            ("bytes=-", None),
            ("bytes=a-b", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(of_get(Some(text), 10).unwrap(), expected, "{text}");
        }
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0"] {
            assert_eq!(of_get(Some(text), 10).unwrap_err().code, "InvalidRange", "{text}");
        }
        assert!(of_get(Some("bytes=0-"), 0).is_err());
        assert_eq!(of_get(None, 10).unwrap(), None);
    }

    #[test]
    fn ranges_of_a_copy() {
        assert_eq!(of_copy("bytes=0-9").unwrap(), 0..10);
        for text in ["bytes=5-2", "bytes=1-", "bytes=-1", "0-9", ""] {
            assert!(of_copy(text).is_err(), "{text}");
        }
    }
}
