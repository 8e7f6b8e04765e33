//! Which objects are meant.

use cos_batch_model::Timestamp;

/// What is known of an object. What a source does not know passes every filter on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) key: &'a str,
    pub(super) size: Option<u64>,
    /// Unix seconds.
    pub(super) last_modified: Option<i64>,
    pub(super) storage_class: Option<&'a str>,
}

/// All of these must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Filter {
    pub(super) prefix: String,
    pub(super) suffix: Option<String>,
    pub(super) name: Option<String>,
    pub(super) larger: Option<u64>,
    pub(super) smaller: Option<u64>,
    /// Unix seconds.
    pub(super) older: Option<i64>,
    /// Unix seconds.
    pub(super) newer: Option<i64>,
    pub(super) classes: Vec<String>,
}

impl Filter {
    pub(super) fn admits(&self, found: &Found<'_>) -> bool {
        let class = |known: &str| self.classes.is_empty() || self.classes.iter().any(|class| class == known);
        found.key.starts_with(&self.prefix)
            && self.suffix.as_ref().is_none_or(|suffix| found.key.ends_with(suffix.as_str()))
            && self.name.as_ref().is_none_or(|pattern| is_like(pattern, found.key))
            && found.size.is_none_or(|size| self.larger.is_none_or(|larger| size > larger))
            && found.size.is_none_or(|size| self.smaller.is_none_or(|smaller| size < smaller))
            && found.last_modified.is_none_or(|at| self.older.is_none_or(|older| at < older))
            && found.last_modified.is_none_or(|at| self.newer.is_none_or(|newer| at > newer))
            && found.storage_class.is_none_or(class)
    }
}

/// Whether a text is like a pattern in which `*` stands for anything and `?` for one character.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut to) = (0, 0);
    // The last star, and how much of the text it stands for: only that is ever tried anew, so the work stays bounded by
    // the product of both lengths.
    let mut star: Option<(usize, usize)> = None;
    while to < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, to));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[to] => {
                at += 1;
                to += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, to) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == '*')
}

/// A size in bytes, with a unit of 1024 of the one before: K, M, G, T.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let trimmed = text.trim_end_matches("iB").trim_end_matches('B');
    let (digits, unit) = match trimmed.char_indices().next_back() {
        Some((at, c)) if c.is_ascii_alphabetic() => (&trimmed[..at], c.to_ascii_uppercase()),
        _ => (trimmed, 'B'),
    };
    let shift = match unit {
        'B' => 0,
        'K' => 10,
        'M' => 20,
        'G' => 30,
        'T' => 40,
        _ => return Err("the unit must be K, M, G or T".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "write a number of bytes, such as 5000 or 10M".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "this is more than any object has".to_owned())
}

/// A time in Unix seconds: as it stands, or so long before now.
pub(super) fn age(text: &str, now: i64) -> Result<i64, String> {
    let seconds = match text.char_indices().next_back() {
        Some((_, 'd')) => 86_400,
        Some((_, 'h')) => 3_600,
        Some((_, 'm')) => 60,
        Some((_, 's')) => 1,
        _ => {
            let time: Result<Timestamp, _> = text.parse();
            return time
                .map(Timestamp::unix_seconds)
                .map_err(|_| "write a time such as 2026-01-31T12:00:00Z, or an age such as 30d, 12h, 90m".to_owned());
        }
    };
    let number: i64 = text[..text.len() - 1].parse().map_err(|_| "write an age such as 30d, 12h, 90m".to_owned())?;
    let span = number.checked_mul(seconds).filter(|span| *span >= 0);
    span.and_then(|span| now.checked_sub(span)).ok_or_else(|| "this age is out of range".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "a/b"),
            ("a*", "a"),
            ("*.jpg", "x.jpg"),
            ("a*b*c", "aXbYbZc"),
            ("?", "é"),
            ("**a", "a"),
            ("*a?", "baab"),
            ("a*aab", "aaaab"),
        ] {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("?", ""), ("a", "ab"), ("*.jpg", "x.jpeg"), ("a*b", "abc"), ("a?c", "ac")] {
            assert!(!is_like(pattern, text), "{pattern} {text}");
        }
        // Nothing that takes for ever.
        assert!(!is_like(&"*a".repeat(200), &"a".repeat(199).replace('a', "ab")));
    }

    #[test]
    fn sizes_and_ages() {
        for (text, expected) in
            [("0", 0), ("5000", 5000), ("2K", 2048), ("1m", 1 << 20), ("3GiB", 3 << 30), ("1TB", 1 << 40)]
        {
            assert_eq!(size(text), Ok(expected), "{text}");
        }
        for text in ["", "K", "-1", "1.5M", "5X", "99999999T", "1e3"] {
            assert!(size(text).is_err(), "{text}");
        }
        for (text, expected) in [("30d", -2_592_000), ("2h", -7200), ("90m", -5400), ("7s", -7)] {
            assert_eq!(age(text, 0), Ok(expected), "{text}");
        }
        assert_eq!(age("1970-01-01T00:01:00Z", 9), Ok(60));
        for text in ["", "d", "-1d", "yesterday", "2026-01-31", "9223372036854775807d"] {
            assert!(age(text, 0).is_err(), "{text}");
        }
    }

    #[test]
    fn all_filters_must_hold() {
        let object = Found { key: "a/b.jpg", size: Some(10), last_modified: Some(100), storage_class: Some("ARCHIVE") };
        let unknown = Found { size: None, last_modified: None, storage_class: None, ..object };
        assert!(Filter::default().admits(&object));
        let all = Filter {
            prefix: "a/".to_owned(),
            suffix: Some(".jpg".to_owned()),
            name: Some("*b*".to_owned()),
            larger: Some(9),
            smaller: Some(11),
            older: Some(101),
            newer: Some(99),
            classes: vec!["STANDARD".to_owned(), "ARCHIVE".to_owned()],
        };
        assert!(all.admits(&object) && all.admits(&unknown));
        for narrow in [
            Filter { prefix: "b".to_owned(), ..all.clone() },
            Filter { suffix: Some("g/".to_owned()), ..all.clone() },
            Filter { name: Some("b*".to_owned()), ..all.clone() },
            Filter { larger: Some(10), ..all.clone() },
            Filter { smaller: Some(10), ..all.clone() },
            Filter { older: Some(100), ..all.clone() },
            Filter { newer: Some(100), ..all.clone() },
            Filter { classes: vec!["STANDARD".to_owned()], ..all.clone() },
        ] {
            assert!(!narrow.admits(&object), "{narrow:?}");
        }
    }
}
