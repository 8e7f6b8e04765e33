//! Limits of what is read, each at its edge, and lists with repetitions.

use cos_signature::{KeyTime, NameList, PRESENTED_BYTES_MAX, Place, canonical};

use super::*;

fn presigned(header_list: &str) -> Result<Presented<'static>, VerifyError> {
    let signature = "0".repeat(40);
    let uri = format!(
        "/jobs?q-sign-algorithm=sha1&q-ak=AKID&q-sign-time=1;2&q-key-time=1;2&q-header-list={header_list}\
         &q-url-param-list=&q-signature={signature}"
    );
    Presented::from_parts(&request("GET", &uri, &[]).into_parts().0).map(Presented::into_owned)
}

#[test]
fn a_value_in_the_query_has_at_most_8_kib() {
    assert_eq!(PRESENTED_BYTES_MAX, 8192);
    for bytes in [PRESENTED_BYTES_MAX - 1, PRESENTED_BYTES_MAX] {
        assert_eq!(presigned(&";".repeat(bytes)).unwrap().place, Place::Query, "{bytes}");
    }
    for bytes in [PRESENTED_BYTES_MAX + 1, PRESENTED_BYTES_MAX + 2] {
        let what = "a query parameter of it is longer than 8 KiB";
        assert_eq!(presigned(&";".repeat(bytes)).unwrap_err(), VerifyError::Malformed { what }, "{bytes}");
    }
}

#[test]
fn a_repeated_name_counts_once_in_lists_that_are_sorted_too() {
    for (text, names) in [("host;host", &["host"][..]), ("a;host;host;z", &["a", "host", "z"])] {
        assert_eq!(NameList::parse(text).iter().collect::<Vec<_>>(), names, "{text}");
    }
}

#[test]
fn the_longest_window_is_signed() {
    let text = canonical::string_to_sign(KeyTime::new(i64::MAX, i64::MAX).unwrap(), b"");
    let window = "9223372036854775807;9223372036854775807";
    assert_eq!(text, format!("sha1\n{window}\nda39a3ee5e6b4b0d3255bfef95601890afd80709\n"));
}
