//! Which path a key has.
//!
//! An ordinary key is its own path. Every key also has a path in the hidden area, where objects live that cannot live
//! at their own path, and where what is known about a key is kept: the percent-encoded key, cut into chunks, each chunk
//! a path segment. All chunks but the last are folders and begin with `d`; the last begins with `f`. So no folder can
//! be where a file has to be, for any two keys.

/// The hidden area in each bucket's folder.
pub(super) const HIDDEN: &str = ".cos-batch";
/// Objects that cannot live at their own path.
pub(super) const ODD: &str = "odd";
/// Sidecars.
pub(super) const META: &str = "meta";
/// Older versions and delete markers.
pub(super) const VERSIONS: &str = "versions";
/// Uploads in parts that are not complete.
pub(super) const UPLOADS: &str = "uploads";

/// Bytes of a path segment at most, on every common file system of Linux.
const MAX_SEGMENT_BYTES: usize = 255;
/// Bytes of the encoded key in one segment at most: with `d` or `f` 200, which leaves room for what a file's name has
/// after it.
const CHUNK_BYTES: usize = 199;

/// Can this key be a path: no empty, `.`, `..` or overlong segment, no NUL, not in the hidden area?
pub(super) fn is_ordinary(key: &str) -> bool {
    let possible =
        |s: &str| !matches!(s, "" | "." | "..") && s.len() <= MAX_SEGMENT_BYTES && !s.as_bytes().contains(&0);
    key.split('/').all(possible) && key.split('/').next() != Some(HIDDEN)
}

/// Path of a key in a tree of the hidden area.
pub(super) fn hidden_path(tree: &str, key: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut path = String::with_capacity(tree.len() + 2 + key.len() * 3 / 2);
    path.push_str(tree);
    // Where the letter of the chunk being filled goes, once it is known whether it is the last.
    let mut chunks: Vec<String> = Vec::new();
    let mut chunk = String::new();
    for &byte in key.as_bytes() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if chunk.len() + if plain { 1 } else { 3 } > CHUNK_BYTES {
            chunks.push(std::mem::take(&mut chunk));
        }
        if plain {
            chunk.push(char::from(byte));
        } else {
            chunk.push('%');
            chunk.push(char::from(HEX[usize::from(byte >> 4)]));
            chunk.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    for folder in chunks {
        path.push_str("/d");
        path.push_str(&folder);
    }
    path.push_str("/f");
    path.push_str(&chunk);
    path
}

/// Bytes that a chunk stands for; none if it is no chunk of [`hidden_path`].
pub(super) fn decode_chunk(chunk: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(chunk.len());
    let mut rest = chunk.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        rest = after;
        bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The key of a path of [`hidden_path`].
    fn key_of(path: &str) -> String {
        let bytes: Vec<u8> = path.split('/').skip(1).flat_map(|s| decode_chunk(&s[1..]).unwrap()).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn ordinary_keys() {
        for key in ["a", "a/b", "a b/ü", ".hidden", "a/.cos-batch/b", "...", "a\nb", &"x".repeat(255)] {
            assert!(is_ordinary(key), "{key:?}");
        }
        for key in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            ".",
            "..",
            "a/../b",
            "./a",
            "a\0",
            ".cos-batch",
            ".cos-batch/tmp/x",
            &"x".repeat(256),
        ] {
            assert!(!is_ordinary(key), "{key:?}");
        }
    }

    #[test]
    fn encoded_paths() {
        assert_eq!(hidden_path(ODD, "a/b c"), "odd/fa%2Fb%20c");
        assert_eq!(hidden_path(ODD, ".."), "odd/f..");
        let full = hidden_path(ODD, &"x".repeat(199));
        assert_eq!(full, format!("odd/f{}", "x".repeat(199)));
        assert_eq!(hidden_path(ODD, &"x".repeat(200)), format!("odd/d{}/fx", "x".repeat(199)));
        // An escape is never cut.
        assert_eq!(hidden_path(ODD, &format!("{}/", "x".repeat(197))), format!("odd/d{}/f%2F", "x".repeat(197)));
    }

    proptest! {
        #[test]
        fn encoding_is_reversible_and_short(key in "\\PC{1,200}|[a/%.\u{0}]{1,850}|\u{1F600}{212}") {
            let path = hidden_path(ODD, &key);
            prop_assert_eq!(key_of(&path), key);
            prop_assert!(path.split('/').all(|s| s.len() <= 200));
            prop_assert!(path.len() < 4000);
        }

        #[test]
        fn a_folder_of_one_key_is_no_file_of_another(a in "[a/~]{1,850}", b in "[a/~]{1,850}") {
            prop_assume!(a != b);
            let (a, b) = (hidden_path(ODD, &a), hidden_path(ODD, &b));
            prop_assert!(a != b);
            let prefix = format!("{a}/");
            prop_assert!(!b.starts_with(&prefix));
        }
    }
}
