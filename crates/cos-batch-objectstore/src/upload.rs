//! Rules of uploads in parts, the same in every store of this crate.

use md5::{Digest, Md5};

use crate::{CompletedPart, ErrorKind, MAX_PART_NUMBER, fail::Fail};

/// A part as its store knows it.
pub(crate) struct Known {
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) size: u64,
}

pub(crate) fn no_such_upload() -> Fail {
    Fail::new(ErrorKind::NoSuchUpload, "no such upload: it never was, is complete, or was aborted")
}

pub(crate) fn check_number(number: u16) -> Result<(), Fail> {
    if (1..=MAX_PART_NUMBER).contains(&number) {
        return Ok(());
    }
    let reason = format!("a part's number is 1–{MAX_PART_NUMBER}, not {number}");
    Err(Fail::new(ErrorKind::InvalidArgument, reason))
}

/// Checks what completing names against what is there; gives the size of the object.
pub(crate) fn check_completion(
    named: &[CompletedPart],
    min_part_bytes: u64,
    mut known: impl FnMut(u16) -> Result<Option<Known>, Fail>,
) -> Result<u64, Fail> {
    if named.is_empty() || named.len() > usize::from(MAX_PART_NUMBER) {
        let reason = format!("an upload is completed from 1–{MAX_PART_NUMBER} parts, not {}", named.len());
        return Err(Fail::new(ErrorKind::InvalidArgument, reason));
    }
    if let Some(two) = named.windows(2).find(|two| two[0].number >= two[1].number) {
        let reason = format!("parts are named by ascending number, but {} follows {}", two[1].number, two[0].number);
        return Err(Fail::new(ErrorKind::InvalidPartOrder, reason));
    }
    let mut size: u64 = 0;
    for (index, part) in named.iter().enumerate() {
        let number = part.number;
        let invalid = |reason: String| Fail::new(ErrorKind::InvalidPart, reason);
        let found = known(number)?.ok_or_else(|| invalid(format!("part {number} was not uploaded")))?;
        if found.etag != part.etag {
            return Err(invalid(format!("part {number} has another ETag than the one named")));
        }
        if found.size < min_part_bytes && index + 1 < named.len() {
            let reason = format!(
                "every part but the last has at least {min_part_bytes} bytes, part {number} has {}",
                found.size
            );
            return Err(Fail::new(ErrorKind::EntityTooSmall, reason));
        }
        size = size.saturating_add(found.size);
    }
    Ok(size)
}

/// ETag of an object put together from parts with these ETags: the MD5 of their MD5s, and how many they were.
pub(crate) fn etag_of_parts<'a>(etags: impl Iterator<Item = &'a str>) -> String {
    let mut md5 = Md5::new();
    let mut count = 0_usize;
    for etag in etags {
        // The ETag of a part is an MD5; what is none counts as it is written.
        md5.update(hex::decode(etag).unwrap_or_else(|_| etag.as_bytes().to_vec()));
        count += 1;
    }
    format!("{}-{count}", hex::encode(md5.finalize()))
}

/// Cannot be computed from the content alone, so that it has to be kept.
pub(crate) fn is_of_parts(etag: &str) -> bool {
    etag.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(parts: &[(u16, &str)]) -> Vec<CompletedPart> {
        parts.iter().map(|(number, etag)| CompletedPart { number: *number, etag: (*etag).to_owned() }).collect()
    }

    #[test]
    fn etags_of_parts() {
        let (a, b) = ("900150983cd24fb0d6963f7d28e17f72", "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(etag_of_parts([a, b].into_iter()), "2605b9d5bde78fd2f9d7f0f75973da26-2");
        assert!(is_of_parts(&etag_of_parts([a].into_iter())) && !is_of_parts(a));
    }

    #[test]
    fn numbers() {
        for (number, ok) in [(0, false), (1, true), (MAX_PART_NUMBER, true), (MAX_PART_NUMBER + 1, false)] {
            assert_eq!(check_number(number).is_ok(), ok, "{number}");
        }
    }

    #[test]
    fn completions() {
        let known = |number: u16| {
            Ok((number < 100).then(|| Known { etag: format!("e{number}"), size: if number < 50 { 10 } else { 9 } }))
        };
        let check = |parts: &[(u16, &str)]| check_completion(&named(parts), 10, known).map_err(|f| f.kind);
        assert_eq!(check(&[(1, "e1")]), Ok(10));
        assert_eq!(check(&[(1, "e1"), (7, "e7"), (50, "e50")]), Ok(29));
        assert_eq!(check(&[(50, "e50"), (51, "e51")]), Err(ErrorKind::EntityTooSmall));
        assert_eq!(check(&[(1, "e1"), (1, "e1")]), Err(ErrorKind::InvalidPartOrder));
        assert_eq!(check(&[(2, "e2"), (1, "e1")]), Err(ErrorKind::InvalidPartOrder));
        assert_eq!(check(&[(1, "e1"), (100, "e100")]), Err(ErrorKind::InvalidPart));
        assert_eq!(check(&[(1, "e2")]), Err(ErrorKind::InvalidPart));
        assert_eq!(check(&[]), Err(ErrorKind::InvalidArgument));
        let many: Vec<_> = (0..=MAX_PART_NUMBER).map(|n| (n, "e")).collect();
        assert_eq!(check(&many), Err(ErrorKind::InvalidArgument));
    }
}
