//! Percent-encoding and times on the wire.

use jiff::{Timestamp, fmt::rfc2822};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What is encoded in a value: everything but letters, digits and these four.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What is encoded in a path: there the slash stands bare too.
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

static RFC2822: rfc2822::DateTimeParser = rfc2822::DateTimeParser::new();
static RFC2822_PRINTER: rfc2822::DateTimePrinter = rfc2822::DateTimePrinter::new();

/// Adds a path, with its slashes as they are. Dot segments and double slashes stay.
pub(crate) fn write_path(out: &mut String, path: &str) {
    out.extend(utf8_percent_encode(path, ENCODED_IN_PATH));
}

/// Adds a value in which nothing has a meaning.
pub(crate) fn write_value(out: &mut String, value: &str) {
    out.extend(utf8_percent_encode(value, ENCODED));
}

/// Adds `?versionId=…`.
pub(crate) fn write_version(out: &mut String, version: Option<&str>) {
    if let Some(version) = version {
        out.push_str("?versionId=");
        write_value(out, version);
    }
}

/// Unix second of a time in a header, `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn parse_http_time(text: &str) -> Option<i64> {
    RFC2822.parse_timestamp(text).ok().map(Timestamp::as_second)
}

/// A time for a header; none out of the calendar's range.
pub(crate) fn http_time(unix_seconds: i64) -> Option<String> {
    let time = Timestamp::from_second(unix_seconds).ok()?;
    RFC2822_PRINTER.timestamp_to_rfc9110_string(&time).ok()
}

/// Unix second of a time in a message, `2026-11-01T08:30:00.000Z`. COS has written it without a zone too, and means UTC.
pub(crate) fn parse_iso_time(text: &str) -> Option<i64> {
    let time = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse());
    time.ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_headers_go_both_ways() {
        let text = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(parse_http_time(text), Some(784_111_777));
        assert_eq!(http_time(784_111_777).as_deref(), Some(text));
        assert_eq!(http_time(i64::MAX), None);
        assert_eq!(parse_http_time("yesterday"), None);
    }

    #[test]
    fn times_of_messages_have_any_of_three_forms() {
        for text in ["2026-11-01T08:30:00.000Z", "2026-11-01T08:30:00Z", "2026-11-01T08:30:00"] {
            assert_eq!(parse_iso_time(text), Some(1_793_521_800), "{text}");
        }
        assert_eq!(parse_iso_time("now"), None);
    }
}
