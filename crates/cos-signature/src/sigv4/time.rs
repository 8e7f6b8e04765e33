//! The time as the scheme writes it.

const SECONDS_PER_DAY: i64 = 86_400;

/// Last second of the year 9999, the last with a year of four digits.
const SECOND_MAX: i64 = 253_402_300_799;

/// Bytes of a time.
pub(super) const TIME_BYTES: usize = 16;

/// Bytes of the day at its beginning.
pub(super) const DAY_BYTES: usize = 8;

/// A Unix second as ISO 8601 in its basic form, `20231114T221320Z`. Times before 1970 or after 9999 are taken as the
/// nearest that is not.
///
/// ```
/// assert_eq!(cos_signature::sigv4::basic_time(1_700_000_000), "20231114T221320Z");
/// ```
#[must_use]
pub fn basic_time(unix_seconds: i64) -> String {
    String::from_utf8(write(unix_seconds).to_vec()).expect("digits and letters are ASCII")
}

/// The same without an allocation.
pub(super) fn write(unix_seconds: i64) -> [u8; TIME_BYTES] {
    let seconds = unix_seconds.clamp(0, SECOND_MAX);
    let (year, month, day) = civil(seconds / SECONDS_PER_DAY);
    let second_of_day = seconds % SECONDS_PER_DAY;
    let mut text = *b"00000000T000000Z";
    for (at, digits, number) in [
        (0, 4, year),
        (4, 2, month),
        (6, 2, day),
        (9, 2, second_of_day / 3600),
        (11, 2, second_of_day / 60 % 60),
        (13, 2, second_of_day % 60),
    ] {
        let mut rest = number;
        for place in text[at..at + digits].iter_mut().rev() {
            *place = b"0123456789"[(rest % 10) as usize];
            rest /= 10;
        }
    }
    text
}

/// The day that has the second.
pub(super) fn day(unix_seconds: i64) -> i64 {
    unix_seconds.clamp(0, SECOND_MAX) / SECONDS_PER_DAY
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March here, so that the
/// day that some of them have more is the last.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    const DAYS_TO_1970: i64 = 719_468;
    let days = days + DAYS_TO_1970;
    let (cycle, day_of_cycle) = (days / DAYS_OF_400_YEARS, days % DAYS_OF_400_YEARS);
    let leap_days = day_of_cycle / 1_460 - day_of_cycle / 36_524 + day_of_cycle / 146_096;
    let year_of_cycle = (day_of_cycle - leap_days) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    (cycle * 400 + year_of_cycle + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_at_the_edges_of_the_calendar() {
        for (seconds, text) in [
            (0, "19700101T000000Z"),
            (-5, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_709_164_800, "20240229T000000Z"),
            (1_735_689_599, "20241231T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
            (SECOND_MAX, "99991231T235959Z"),
            (i64::MAX, "99991231T235959Z"),
        ] {
            assert_eq!(basic_time(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn days_follow_each_other() {
        let mut last = (1969, 12, 31);
        for day in 0..=SECOND_MAX / SECONDS_PER_DAY {
            let next = civil(day);
            let same_month = (last.0, last.1, last.2 + 1) == next;
            let new_month = next.2 == 1 && (last.0 * 12 + last.1 + 1) == next.0 * 12 + next.1 && last.2 >= 28;
            assert!(same_month || new_month, "{last:?} {next:?}");
            last = next;
        }
    }
}
