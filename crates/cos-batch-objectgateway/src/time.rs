//! Times as the API writes them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::{Timestamp, tz::Offset};

/// As HTTP has it: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http(seconds: i64) -> String {
    httpdate::fmt_http_date(system(seconds))
}

/// Unix seconds of a time as HTTP has it; what is none counts as not given, as HTTP has that, too.
pub(crate) fn parse_http(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    time.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok())
}

/// In listings: ISO 8601 with milliseconds.
pub(crate) fn listed(seconds: i64) -> String {
    format(seconds, "%Y-%m-%dT%H:%M:%S.000Z")
}

/// Elsewhere in XML: ISO 8601.
pub(crate) fn plain(seconds: i64) -> String {
    format(seconds, "%Y-%m-%dT%H:%M:%SZ")
}

fn format(seconds: i64, form: &str) -> String {
    let time = Timestamp::from_second(seconds.max(0)).unwrap_or(Timestamp::UNIX_EPOCH);
    Offset::UTC.to_datetime(time).strftime(form).to_string()
}

/// What HTTP can write: from 1970 to 9999.
fn system(seconds: i64) -> SystemTime {
    const LAST: u64 = 253_402_300_799;
    UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0).min(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(http(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse_http("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http("yesterday"), None);
        assert_eq!(listed(784_111_777), "1994-11-06T08:49:37.000Z");
        assert_eq!(plain(784_111_777), "1994-11-06T08:49:37Z");
        for odd in [-1, i64::MIN, i64::MAX] {
            assert!(http(odd).ends_with("GMT") && plain(odd).ends_with('Z'));
        }
    }
}
