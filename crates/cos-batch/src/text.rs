//! Texts and numbers for people.

use std::{borrow::Cow, fmt::Write as _, io, time::Duration};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// The text with everything escaped that could steer a terminal or disguise what is shown.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if steers(character) {
            // Writing to a String cannot fail.
            let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(character));
        } else {
            cleaned.push(character);
        }
    }
    Cow::Owned(cleaned)
}

/// Controls, separators of lines, and what turns the direction of writing.
pub(crate) fn steers(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Why a file of text cannot be read.
pub(crate) fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::InvalidData => "it is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

/// A number with commas between the thousands.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// So many of something, in words.
pub(crate) fn things(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A size in the largest unit that leaves at least one of it.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => {
            let tenths = u128::from(bytes) * 10 / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
        None => things(bytes, "byte", "bytes"),
    }
}

/// A number in at most five characters: exact up to 99,999, then cut down to thousands and so on.
pub(crate) fn short_count(number: u64) -> String {
    const STEPS: [(u64, &str); 4] = [(1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G"), (1_000_000_000_000, "T")];
    if number <= 99_999 {
        return number.to_string();
    }
    let step = STEPS.iter().find(|(unit, _)| number / unit <= 9_999).unwrap_or(&STEPS[3]);
    format!("{}{}", number / step.0, step.1)
}

/// How much of `total` is done: 100 only when all is.
pub(crate) fn percent(done: u64, total: u64) -> u64 {
    if total == 0 {
        return 0;
    }
    let percent = u128::from(done.min(total)) * 100 / u128::from(total);
    u64::try_from(percent).unwrap_or(100)
}

/// A span of time in its two largest units.
pub(crate) fn span(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    match span.as_secs() {
        seconds @ ..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..HOUR => format!("{} min {} s", seconds / MINUTE, seconds % MINUTE),
        seconds @ HOUR..DAY => format!("{} h {} min", seconds / HOUR, seconds % HOUR / MINUTE),
        seconds => format!("{} d {} h", seconds / DAY, seconds % DAY / HOUR),
    }
}

/// Breaks a text into lines of at most `columns`: between words where that is possible, else inside them.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let width = word.width();
        let last = lines.len() - 1;
        if used > 0 && used + 1 + width <= columns {
            lines[last].push(' ');
            lines[last].push_str(word);
            used += 1 + width;
            continue;
        }
        if used > 0 {
            lines.push(String::new());
        }
        used = 0;
        for character in word.chars() {
            let width = character.width().unwrap_or(0);
            if used > 0 && used + width > columns {
                lines.push(String::new());
                used = 0;
            }
            let last = lines.len() - 1;
            lines[last].push(character);
            used += width;
        }
    }
    lines
}

/// As much of a line as fits into so many columns.
pub(crate) fn cut(line: &str, columns: usize) -> &str {
    let mut used = 0;
    let end = line.char_indices().find(|(_, character)| {
        used += character.width().unwrap_or(0);
        used > columns
    });
    &line[..end.map_or(line.len(), |(at, _)| at)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(clean("plain – 文件"), "plain – 文件");
        assert_eq!(clean("a\u{1b}[2J\nb\u{9b}\u{202e}c"), "a\\u{1b}[2J\\u{a}b\\u{9b}\\u{202e}c");
    }

    #[test]
    fn numbers() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(number), expected);
        }
        for (number, expected) in [
            (99_999, "99999"),
            (100_000, "100k"),
            (9_999_999, "9999k"),
            (10_000_000, "10M"),
            (100_000_000_000, "100G"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(short_count(number), expected);
        }
    }

    #[test]
    fn numbers_of_things() {
        assert_eq!([0, 1, 2000].map(|number| things(number, "task", "tasks")), ["0 tasks", "1 task", "2,000 tasks"]);
        let shown = [1, 1023, 1024, 1536, (1 << 30) - 1, 1 << 40, u64::MAX].map(size);
        let expected = ["1 byte", "1,023 bytes", "1.0 KiB", "1.5 KiB", "1023.9 MiB", "1.0 TiB", "16777215.9 TiB"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_hundred_percent_is_all() {
        assert_eq!([percent(0, 0), percent(1, 3), percent(9_999, 10_000), percent(5, 5)], [0, 33, 99, 100]);
        assert_eq!(percent(u64::MAX - 1, u64::MAX), 99);
    }

    #[test]
    fn spans() {
        let shown = [0, 59, 60, 3_599, 3_600, 90_000].map(|seconds| span(Duration::from_secs(seconds)));
        assert_eq!(shown, ["0 s", "59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "1 d 1 h"]);
    }

    #[test]
    fn lines_are_cut_by_columns() {
        assert_eq!([cut("abc", 3), cut("abc", 2), cut("文件", 3), cut("", 0)], ["abc", "ab", "文", ""]);
    }

    #[test]
    fn lines_break_between_words_or_else_inside_them() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(wrap("文件名称", 5), ["文件", "名称"]);
    }
}
