//! Every bounded text at its edges, in bytes.

use cos_batch_model::{
    AppId, ClientRequestToken, Description, DisplayName, ETag, FailureCode, FailureReason, GranteeId, HeaderText,
    JobId, KeyPrefix, MetadataKey, MetadataValue, NextToken, ObjectVersionId, ReportPrefix, RoleArn,
    StatusUpdateReason, SuspendedCause, TagKey, TagValue, Uin, ValidationError,
};

/// A text of exactly so many bytes, with as many of the given character as fit.
pub(crate) fn text(character: char, bytes: usize) -> String {
    let mut text: String = std::iter::repeat_n(character, bytes / character.len_utf8()).collect();
    while text.len() < bytes {
        text.push('a');
    }
    text
}

/// One row for each length: `min-1` (where there is one), `min`, `max`, `max+1`, and the answer.
fn edges<T>(
    rows: &mut String,
    min: usize,
    max: usize,
    ascii_only: bool,
    new: impl Fn(String) -> Result<T, ValidationError>,
) {
    let characters: &[char] = if ascii_only { &['a'] } else { &['a', 'é', '好', '😀'] };
    for character in characters {
        for bytes in [min.checked_sub(1), Some(min), Some(max), Some(max + 1)].into_iter().flatten() {
            let outcome = new(text(*character, bytes));
            let fits = (min..=max).contains(&bytes);
            assert_eq!(outcome.is_ok(), fits, "{character} × {bytes} bytes");
            let said = outcome.map_or_else(|error| error.to_string(), |_| "fits".to_owned());
            rows.push_str(&format!("{bytes:>5} bytes of {character}: {said}\n"));
        }
    }
}

macro_rules! edges {
    ($rows:ident, $ascii_only:literal: $($name:ident $min:literal..=$max:literal),+ $(,)?) => {
        $(
            // The published numbers, written out again: the constants must not drift.
            assert_eq!(($name::MIN_BYTES, $name::MAX_BYTES), ($min, $max), stringify!($name));
            $rows.push_str(concat!(stringify!($name), "\n"));
            edges(&mut $rows, $min, $max, $ascii_only, $name::new);
        )+
    };
}

#[test]
fn texts_at_their_edges() {
    let mut rows = String::new();
    edges! { rows, false:
        ClientRequestToken 1..=64, Description 1..=256, RoleArn 1..=1024, ETag 1..=1024, ObjectVersionId 1..=1024,
        StatusUpdateReason 0..=256, SuspendedCause 0..=1024, FailureCode 0..=64, FailureReason 0..=256,
        ReportPrefix 0..=256, KeyPrefix 0..=1024, TagKey 1..=128, TagValue 0..=256, MetadataValue 0..=2048,
        HeaderText 0..=1024, GranteeId 1..=256, DisplayName 0..=256,
    }
    edges! { rows, true: JobId 1..=64, AppId 1..=64, NextToken 1..=64, Uin 1..=64, MetadataKey 1..=128 }
    insta::assert_snapshot!(rows);
}

#[test]
fn characters() {
    let mut rows = String::new();
    let mut say = |what: &str, outcome: Result<(), ValidationError>| {
        let outcome = outcome.map_or_else(|error| error.to_string(), |()| "fits".to_owned());
        rows.push_str(&format!("{what}: {outcome}\n"));
    };
    for character in ['\u{0}', '\u{8}', '\t', '\n', '\u{b}', '\r', '\u{1f}', '\u{7f}', '\u{85}', '\u{fffd}', '\u{fffe}']
    {
        let text = format!("好{character}");
        say(&format!("Description {text:?}"), Description::new(text.clone()).map(drop));
        say(&format!("HeaderText {text:?}"), HeaderText::new(text).map(drop));
    }
    for character in ['/', '?', '#', '%', '&', ' ', '\n', 'é', '<', '~', '!', '.', ':'] {
        let text = format!("a{character}");
        say(&format!("JobId {text:?}"), JobId::new(text.clone()).map(drop));
        say(&format!("NextToken {text:?}"), NextToken::new(text.clone()).map(drop));
        say(&format!("AppId {text:?}"), AppId::new(text.clone()).map(drop));
        say(&format!("MetadataKey {text:?}"), MetadataKey::new(text).map(drop));
    }
    say("JobId \".\"", JobId::new(".").map(drop));
    say("JobId \"..\"", JobId::new("..").map(drop));
    say("JobId \"...\"", JobId::new("...").map(drop));
    insta::assert_snapshot!(rows);
}

#[test]
fn our_own_texts_are_cut_to_fit() {
    for text in ["a".repeat(2000), "好".repeat(700), "😀\u{0}".repeat(400), String::new()] {
        assert_eq!(
            StatusUpdateReason::new(StatusUpdateReason::truncate(&text).as_str()).unwrap().as_str().is_empty(),
            text.is_empty()
        );
        assert!(SuspendedCause::new(SuspendedCause::truncate(&text).into_string()).is_ok());
        assert!(FailureCode::new(FailureCode::truncate(&text).as_str()).is_ok());
        assert!(FailureReason::new(FailureReason::truncate(&text).as_str()).is_ok());
    }
    assert_eq!(FailureCode::truncate(&"好".repeat(22)).as_str(), "好".repeat(21), "63 of 64 bytes");
}

#[test]
fn quotes_of_an_etag() {
    for (text, bare) in [("\"a\"", "a"), ("a", "a"), ("\"a", "\"a"), ("\"", "\""), ("\"\"", ""), ("\"\"a\"\"", "\"a\"")]
    {
        assert_eq!(ETag::new(text).unwrap().unquoted(), bare, "{text}");
    }
}
