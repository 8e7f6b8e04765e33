//! Numbers, sizes, times and documents for people.

use jiff::Timestamp;

use crate::{inert::inert, words::Words};

/// With a comma between thousands.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate: one digit after the point below 100, whole above.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rates are not negative, and for people")]
pub(crate) fn rate(rate: f64) -> String {
    if rate < 99.95 { format!("{rate:.1}") } else { number(rate.round() as u64) }
}

/// Bytes in the unit that fits.
#[expect(clippy::cast_precision_loss, reason = "for people")]
pub(crate) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "KB", "MB", "GB", "TB", "PB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 999.5 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    if unit == 0 || size >= 99.95 { format!("{size:.0} {}", UNITS[unit]) } else { format!("{size:.1} {}", UNITS[unit]) }
}

/// A span of time in its two largest units.
pub(crate) fn span(seconds: u64, words: &Words) -> String {
    let [d, h, m, s] = words.units();
    match seconds {
        0..60 => format!("{seconds} {s}"),
        60..3600 => format!("{} {m} {:02} {s}", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} {h} {:02} {m}", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} {d} {:02} {h}", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A point in time as the API writes it, for people: `2026-01-02 03:04:05` in UTC.
pub(crate) fn moment(text: &str) -> String {
    text.trim_end_matches('Z').replacen('T', " ", 1)
}

/// Unix seconds of a point in time as the API writes it.
pub(crate) fn seconds_of(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// Unix seconds as the API writes a point in time.
pub(crate) fn time_of(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// Parts of a whole in tenths of a percent, rounded down: only what is whole is shown as whole.
pub(crate) fn per_mille(part: u64, whole: u64) -> u64 {
    let share = (u128::from(part) * 1000).checked_div(u128::from(whole)).unwrap_or(0);
    u64::try_from(share).unwrap_or(1000).min(1000)
}

/// A document of XML with a line for each element, for people. In its texts everything is visible.
pub(crate) fn indented(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len() * 2);
    let mut depth = 0_usize;
    let mut after_text = false;
    let mut rest = xml;
    while let Some(start) = rest.find('<') {
        out.push_str(&inert(&rest[..start]));
        let end = rest[start..].find('>').map_or(rest.len(), |end| start + end + 1);
        let tag = &rest[start..end];
        let closes = tag.starts_with("</");
        let opens = !closes && !tag.ends_with("/>") && !tag.starts_with("<?");
        if closes {
            depth = depth.saturating_sub(1);
        }
        // An element with text alone stays on its line.
        if !(out.is_empty() || closes && after_text) {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
        out.push_str(tag);
        after_text = opens;
        if opens {
            depth += 1;
        }
        rest = &rest[end..];
    }
    out.push_str(&inert(rest));
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Lang;

    #[test]
    fn numbers_for_people() {
        assert_eq!([0, 999, 1000, 50_000_000].map(number), ["0", "999", "1,000", "50,000,000"]);
        assert_eq!([0.0, 3.25, 99.9, 100.0, 12_345.6].map(rate), ["0.0", "3.2", "99.9", "100", "12,346"]);
        assert_eq!([0, 999, 1000, 99_950, 1_500_000_000].map(bytes), ["0 B", "999 B", "1.0 KB", "100 KB", "1.5 GB"]);
        assert!(bytes(u64::MAX).ends_with(" PB"));
        let words = Lang::En.words();
        assert_eq!([0, 61, 3_660, 90_000].map(|s| span(s, words)), ["0 s", "1 min 01 s", "1 h 01 min", "1 d 01 h"]);
        assert_eq!(span(61, Lang::Zh.words()), "1 分 01 秒");
    }

    #[test]
    fn only_what_is_whole_is_shown_as_whole() {
        assert_eq!(per_mille(999_999, 1_000_000), 999);
        assert_eq!((per_mille(5, 5), per_mille(7, 5), per_mille(0, 0)), (1000, 1000, 0));
        assert_eq!(per_mille(u64::MAX, u64::MAX), 1000);
    }

    #[test]
    fn xml_is_laid_out() {
        let xml = "<?xml version=\"1.0\"?><A><B>x &lt; y</B><C><D/><E></E></C></A>";
        let text = "<?xml version=\"1.0\"?>\n<A>\n  <B>x &lt; y</B>\n  <C>\n    <D/>\n    <E></E>\n  </C>\n</A>";
        assert_eq!(indented(xml), text);
        assert_eq!(indented("<A>x\n\u{202e}y</A>"), "<A>x\\u{a}\\u{202e}y</A>");
        assert_eq!(indented("no xml"), "no xml");
        assert_eq!(indented("<broken"), "<broken");
    }

    #[test]
    fn times() {
        assert_eq!(moment("2026-01-02T03:04:05Z"), "2026-01-02 03:04:05");
        assert_eq!(seconds_of("1970-01-01T00:01:00Z"), Some(60));
        assert_eq!((time_of(60).as_str(), seconds_of("x")), ("1970-01-01T00:01:00Z", None));
    }
}
