//! Manifests to read, made row by row.

/// Rows of a list of buckets and keys, as people write them: 53 bytes each.
pub(super) fn plain(rows: std::ops::Range<u64>, text: &mut Vec<u8>) {
    for row in rows {
        text.extend_from_slice(b"src-1250000000,photos/2026/11/26/some-folder/");
        nine_digits(row, text);
        text.push(b'\n');
    }
}

/// Rows of an inventory, as COS writes them: quoted, with size, time and checksum, which differ from row to row.
pub(super) fn inventory(rows: std::ops::Range<u64>, text: &mut Vec<u8>) {
    for row in rows {
        text.extend_from_slice(b"\"1250000000\",\"src\",\"photos/2026/11/26/some-folder/");
        nine_digits(row, text);
        text.extend_from_slice(b"\",\"");
        let mixed = row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        nine_digits(mixed % 1_000_000_000, text);
        text.extend_from_slice(b"\",\"2026-11-26T08:30:00Z\",\"");
        for piece in 0..4_u32 {
            nine_digits(mixed.rotate_left(16 * piece) % 1_000_000_000, text);
        }
        text.extend_from_slice(b"\"\n");
    }
}

/// The number's last nine digits.
fn nine_digits(mut number: u64, text: &mut Vec<u8>) {
    let from = text.len();
    text.extend_from_slice(b"000000000");
    for place in (from..text.len()).rev() {
        // A remainder below ten.
        text[place] += (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_long_as_is_said_and_told_apart() {
        let (mut rows, mut listed) = (Vec::new(), Vec::new());
        plain(41..43, &mut rows);
        inventory(42..43, &mut listed);
        let rows = String::from_utf8(rows).unwrap();
        assert_eq!(rows.lines().last(), Some("src-1250000000,photos/2026/11/26/some-folder/000000042"));
        assert_eq!(rows.len(), 2 * 55);
        let listed = String::from_utf8(listed).unwrap();
        assert!(
            listed.starts_with("\"1250000000\",\"src\",\"photos/2026/11/26/some-folder/000000042\",\""),
            "{listed}"
        );
        assert_eq!(listed.trim_end().split(',').count(), 6);
    }
}
