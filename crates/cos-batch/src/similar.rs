//! The word that was perhaps meant.

/// The one of the known words that a word which is none of them was perhaps meant to be: the nearest, if a third of the
/// letters at most is amiss (one at least may be). Upper and lower case count the same; of two that are as near, the first in
/// the alphabet.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = word.to_lowercase();
    let distances = known.into_iter().map(|known| (strsim::osa_distance(&folded, &known.to_lowercase()), known));
    let (distance, nearest) = distances.min()?;
    let letters = word.chars().count().max(nearest.chars().count());
    (distance <= (letters / 3).max(1)).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_hand_is_told_from_another_word() {
        let known = ["Active", "Cancelled", "Complete", "s3"];
        for (word, meant) in [
            ("Actve", Some("Active")),
            ("active", Some("Active")),
            ("CANCELED", Some("Cancelled")),
            ("Compleet", Some("Complete")),
            ("s4", Some("s3")),
            ("s33", Some("s3")),
            ("xyz", None),
            ("Night", None),
            ("", None),
            ("\u{4e2d}", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(nearest("a", []), None);
        assert_eq!(nearest("ab", ["ad", "ac"]), Some("ac"));
    }
}
