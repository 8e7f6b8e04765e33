//! One line of a log in JSON that no subscriber writes.

use cos_batch_engine::{Clock as _, SystemClock};
use cos_batch_model::Timestamp;
use serde_json::{Map, Value};

/// An error that the program ends with, or the like, as one line of the log in JSON. No filter leaves it out.
pub(crate) fn json_line(message: &str, more: impl IntoIterator<Item = (&'static str, Value)>) -> String {
    let millis = SystemClock.now();
    let seconds =
        Timestamp::from_unix_seconds(millis.div_euclid(1_000)).map(|time| time.to_string()).unwrap_or_default();
    let timestamp = format!("{}.{:03}Z", seconds.trim_end_matches('Z'), millis.rem_euclid(1_000));
    let common = [
        ("timestamp", timestamp.into()),
        ("level", "ERROR".into()),
        ("target", "cos_batch".into()),
        ("message", message.into()),
    ];
    let fields: Map<String, Value> =
        common.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect();
    Value::Object(fields).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_our_own_is_as_those_of_the_log() {
        let line = json_line("two\nlines", [("exit_code", 2.into())]);
        assert!(!line.contains('\n'), "{line}");
        let value: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(
            (&value["message"], &value["level"], &value["exit_code"]),
            (&"two\nlines".into(), &"ERROR".into(), &2.into())
        );
        let timestamp = value["timestamp"].as_str().unwrap();
        assert!(timestamp.len() == "2026-01-02T03:04:05.678Z".len() && timestamp.starts_with("20"), "{timestamp}");
    }
}
