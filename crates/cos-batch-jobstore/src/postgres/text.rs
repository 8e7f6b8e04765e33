//! Any text as PostgreSQL can keep it, which has no character of code 0.

use std::borrow::Cow;

/// Begins what stands for one of the first two characters. The order of texts by their bytes stays as it is.
const MARK: char = '\u{1}';

/// As it is kept.
pub(super) fn encode(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', MARK]) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\0' => kept.extend([MARK, '\u{1}']),
            MARK => kept.extend([MARK, '\u{2}']),
            c => kept.push(c),
        }
    }
    Cow::Owned(kept)
}

/// As it was.
pub(super) fn decode(kept: String) -> String {
    if !kept.contains(MARK) {
        return kept;
    }
    let mut text = String::with_capacity(kept.len());
    let mut chars = kept.chars();
    while let Some(c) = chars.next() {
        match c {
            MARK if chars.next() == Some('\u{1}') => text.push('\0'),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 9] = ["", "\0", "\0a", "\u{1}", "\u{1}\0", "\u{1}\u{1}", "\u{2}", "a\0b\u{1}c", "1250000000"];

    #[test]
    fn every_text_comes_back_and_none_has_a_zero() {
        for text in TEXTS {
            let kept = encode(text).into_owned();
            assert!(!kept.contains('\0'));
            assert_eq!(decode(kept), text);
        }
    }

    #[test]
    fn the_order_of_bytes_stays() {
        let mut by_text = TEXTS;
        by_text.sort_unstable();
        let mut by_kept = TEXTS;
        by_kept.sort_by_key(|text| encode(text).into_owned());
        assert_eq!(by_text, by_kept);
    }
}
