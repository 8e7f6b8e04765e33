//! What a record of a manifest means.

use std::borrow::Cow;

use super::{ManifestError, Record};
use crate::spec::Column;

/// Which field of a record is what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    names: Vec<Column>,
    bucket: usize,
    key: usize,
    version: Option<usize>,
    appid: Option<usize>,
    latest: Option<usize>,
    marker: Option<usize>,
    /// Where the columns are declared, for errors.
    declared: &'static str,
}

/// One object a job works on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Which bucket.
    pub bucket: BucketRef<'a>,
    /// Key, percent-decoded; `+` stays a plus.
    pub key: Cow<'a, str>,
    /// Version; none: the latest.
    pub version: Option<&'a str>,
    /// What the inventory says of the version.
    pub listed_as: ListedAs,
}

/// A bucket as a row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRef<'a> {
    /// What the column Bucket has, spaces around it taken away.
    pub name: &'a str,
    /// What the column Appid has, if there is one.
    pub appid: &'a str,
}

impl<'a> BucketRef<'a> {
    /// The bucket's full name. Inventories have the APPID in a column of its own, and leave it out of the name.
    #[must_use]
    pub fn full(self) -> Cow<'a, str> {
        full_bucket(self.name, self.appid)
    }
}

/// A bucket's name with the APPID at its end, where it belongs (`photos` and `1250000000`: `photos-1250000000`).
#[must_use]
pub fn full_bucket<'a>(name: &'a str, appid: &str) -> Cow<'a, str> {
    let complete = appid.is_empty() || name.strip_suffix(appid).is_some_and(|rest| rest.ends_with('-'));
    if complete { Cow::Borrowed(name) } else { Cow::Owned(format!("{name}-{appid}")) }
}

/// Longest VersionId of a row, in bytes.
///
/// Source: Amazon S3 User Guide, *Retaining multiple versions of objects with S3 Versioning*: version IDs are no more than 1,024
/// bytes long.
pub const VERSION_BYTES_MAX: usize = 1024;

/// What is wrong with a version, if anything is. Stores make them of letters, digits and few marks. More of them are not taken:
/// the version stands in the report as it is here, where a program that shows tables may read it as a formula, and without
/// parentheses, quotes and the like there is none that does anything.
fn refused_version(version: &[u8]) -> Option<String> {
    let length = version.len();
    if length > VERSION_BYTES_MAX {
        return Some(format!("VersionId has at most {VERSION_BYTES_MAX} bytes, not {length}"));
    }
    let is_taken = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=:%".contains(&byte);
    let byte = version.iter().position(|byte| !is_taken(*byte))?;
    Some(format!("VersionId has letters, digits and -._~+/=:% only; its byte {} is none of them", byte + 1))
}

/// What an inventory of all versions says of a row's version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListedAs {
    /// The current version, or nothing is said.
    #[default]
    Object,
    /// A version that was replaced by a later one (IsLatest is false).
    OlderVersion,
    /// A delete marker: there is no object behind it (IsDeleteMarker is true).
    DeleteMarker,
}

/// Fields of a record as they lie there, checked but not decoded.
struct Fields<'a> {
    bucket: BucketRef<'a>,
    encoded_key: &'a str,
    version: Option<&'a str>,
    listed_as: ListedAs,
}

impl Columns {
    /// Columns that the job's request declares, in the order of the manifest; `None` unless there is exactly one Bucket,
    /// one Key, and at most one of each other kind.
    #[must_use]
    pub fn new(names: &[Column]) -> Option<Self> {
        Self::declared_in("Manifest.Spec.Fields", names)
    }

    /// Columns that an inventory declares.
    #[must_use]
    pub fn of_inventory(names: &[Column]) -> Option<Self> {
        Self::declared_in("fileSchema", names)
    }

    fn declared_in(declared: &'static str, names: &[Column]) -> Option<Self> {
        let only = |wanted: Column| {
            let mut places = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(place, _)| place);
            let first = places.next();
            places.next().is_none().then_some(first)
        };
        Some(Self {
            bucket: only(Column::Bucket)??,
            key: only(Column::Key)??,
            version: only(Column::VersionId)?,
            appid: only(Column::Appid)?,
            latest: only(Column::IsLatest)?,
            marker: only(Column::IsDeleteMarker)?,
            names: names.to_vec(),
            declared,
        })
    }

    /// Where nothing before the Key but a bucket is named and nothing behind it has to be looked at but a version, the number of
    /// columns behind it: such rows differ from one another in the Key and the version alone, as far as checking them goes.
    pub(super) fn behind_key(&self) -> Option<usize> {
        let before = &self.names[..self.key];
        let alike = self.bucket < self.key
            && before.iter().all(|name| matches!(name, Column::Bucket | Column::Appid))
            && self.appid.is_none_or(|appid| appid < self.key)
            && self.latest.is_none()
            && self.marker.is_none();
        alike.then(|| self.names.len() - self.key - 1)
    }

    /// What lies before the Key in its line.
    pub(super) fn before_key<'a>(&self, record: &Record<'a>) -> Option<&'a [u8]> {
        record.before(self.key)
    }

    /// Checks the version, if there is one behind the Key, in what stands behind the Key and its comma in a plain line.
    #[inline]
    pub(super) fn has_sound_version(&self, behind_key: &[u8]) -> bool {
        let Some(place) = self.version.and_then(|version| version.checked_sub(self.key + 1)) else { return true };
        let mut field = behind_key.split(|byte| *byte == b',').nth(place).unwrap_or_default();
        while let [b' ', rest @ ..] | [rest @ .., b' '] = field {
            field = rest;
        }
        refused_version(field).is_none()
    }

    /// Checks the text of a Key.
    pub(super) fn is_sound(&self, encoded: &str, scratch: &mut Vec<u8>) -> bool {
        self.decoded(encoded, 0, scratch).is_ok()
    }

    /// Is this first record a header, that is, does it repeat the declared names? (The content of ignored columns does
    /// not matter.)
    #[must_use]
    pub fn is_header(&self, record: &Record<'_>) -> bool {
        record.len() == self.names.len()
            && self.names.iter().enumerate().all(|(place, name)| {
                let Some(expected) = name.name() else { return true };
                record.field(place).is_some_and(|field| field.trim_ascii() == expected.as_bytes())
            })
    }

    /// Reads a record. `number` is its number in the file, from 1, for the error.
    ///
    /// # Errors
    /// Another number of columns than declared, an empty Bucket or Key, a percent sign without two hex digits, text that
    /// is not UTF-8, or an IsLatest or IsDeleteMarker that is neither true nor false.
    pub fn read<'a>(&self, record: &Record<'a>, number: u64) -> Result<Row<'a>, ManifestError> {
        let fields = self.fields(record, number)?;
        let mut decoded = Vec::new();
        let key = match self.decoded(fields.encoded_key, number, &mut decoded)? {
            true => Cow::Borrowed(fields.encoded_key),
            // It was just found to be UTF-8.
            false => Cow::Owned(String::from_utf8_lossy(&decoded).into_owned()),
        };
        Ok(Row { bucket: fields.bucket, key, version: fields.version, listed_as: fields.listed_as })
    }

    /// As [`read`](Self::read), but keeps only the bucket; `scratch` is used again and again, so that nothing is
    /// allocated per row.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn check<'a>(
        &self,
        record: &Record<'a>,
        number: u64,
        scratch: &mut Vec<u8>,
    ) -> Result<BucketRef<'a>, ManifestError> {
        let fields = self.fields(record, number)?;
        self.decoded(fields.encoded_key, number, scratch)?;
        Ok(fields.bucket)
    }

    fn fields<'a>(&self, record: &Record<'a>, number: u64) -> Result<Fields<'a>, ManifestError> {
        if record.len() != self.names.len() {
            let (expected, found) = (self.names.len(), record.len());
            let columns = if found == 1 { "column" } else { "columns" };
            let rule = format!("it has {found} {columns}, {} declares {expected}", self.declared);
            return Err(ManifestError { record: number, column: None, rule });
        }
        let text = |place: usize, name: &str| {
            std::str::from_utf8(record.field(place).unwrap_or_default())
                .map_err(|_| at(number, place, format!("{name} is not UTF-8")))
        };
        let bucket = text(self.bucket, "Bucket")?.trim_matches(' ');
        if bucket.is_empty() {
            return Err(at(number, self.bucket, "Bucket is empty".to_owned()));
        }
        let appid = match self.appid {
            Some(place) => text(place, "Appid")?.trim_matches(' '),
            None => "",
        };
        let encoded_key = text(self.key, "Key")?;
        if encoded_key.is_empty() {
            return Err(at(number, self.key, "Key is empty".to_owned()));
        }
        let version = match self.version {
            Some(place) => Some(text(place, "VersionId")?.trim_matches(' ')).filter(|version| !version.is_empty()),
            None => None,
        };
        if let Some(wrong) = version.and_then(|version| refused_version(version.as_bytes())) {
            // The column is there, since it has a version.
            return Err(at(number, self.version.unwrap_or_default(), wrong));
        }
        let marker = self.flag(record, number, self.marker, "IsDeleteMarker")?.unwrap_or(false);
        let latest = self.flag(record, number, self.latest, "IsLatest")?.unwrap_or(true);
        let listed_as = match (marker, latest) {
            (true, _) => ListedAs::DeleteMarker,
            (false, false) => ListedAs::OlderVersion,
            (false, true) => ListedAs::Object,
        };
        Ok(Fields { bucket: BucketRef { name: bucket, appid }, encoded_key, version, listed_as })
    }

    /// A column of true and false, in any case; empty: nothing is said.
    fn flag(
        &self,
        record: &Record<'_>,
        number: u64,
        place: Option<usize>,
        name: &str,
    ) -> Result<Option<bool>, ManifestError> {
        let Some(place) = place else { return Ok(None) };
        let field = record.field(place).unwrap_or_default().trim_ascii();
        if field.eq_ignore_ascii_case(b"true") {
            Ok(Some(true))
        } else if field.eq_ignore_ascii_case(b"false") {
            Ok(Some(false))
        } else if field.is_empty() {
            Ok(None)
        } else {
            Err(at(number, place, format!("{name} is neither true nor false")))
        }
    }

    /// Percent-decodes a key into `out`; true if there is nothing to decode (then `out` is left alone).
    fn decoded(&self, encoded: &str, number: u64, out: &mut Vec<u8>) -> Result<bool, ManifestError> {
        let bytes = encoded.as_bytes();
        let Some(first) = memchr::memchr(b'%', bytes) else { return Ok(true) };
        out.clear();
        out.extend_from_slice(&bytes[..first]);
        let mut place = first;
        while let Some(&byte) = bytes.get(place) {
            if byte != b'%' {
                out.push(byte);
                place += 1;
                continue;
            }
            let digit = |offset: usize| bytes.get(place + offset).and_then(|byte| char::from(*byte).to_digit(16));
            let (Some(high), Some(low)) = (digit(1), digit(2)) else {
                let rule = "Key has a % that two hex digits do not follow; a plain % is written %25";
                return Err(at(number, self.key, rule.to_owned()));
            };
            // Two hex digits are one byte.
            out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            place += 3;
        }
        match std::str::from_utf8(out) {
            Ok(_) => Ok(false),
            Err(_) => Err(at(number, self.key, "Key does not percent-decode to UTF-8".to_owned())),
        }
    }
}

fn at(number: u64, place: usize, rule: String) -> ManifestError {
    ManifestError { record: number, column: Some(place + 1), rule }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Records, records::Next};

    fn read(columns: &[Column], line: &[u8]) -> Result<(String, String, Option<String>), String> {
        let columns = Columns::new(columns).unwrap();
        let mut records = Records::new(0);
        let Next::Record(record, _) = records.next(line, false) else { panic!("no record") };
        let row = columns.read(&record, 5).map_err(|error| error.to_string())?;
        Ok((row.bucket.full().into_owned(), row.key.into_owned(), row.version.map(str::to_owned)))
    }

    const BKV: [Column; 3] = [Column::Bucket, Column::Key, Column::VersionId];

    #[test]
    fn a_version_is_what_stores_make_and_no_longer() {
        let with = |version: &str| read(&BKV, format!("p-1,k,{version}\n").as_bytes()).map(|row| row.2.unwrap());
        for version in ["null", "3HL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY", "-a.b_c~d/e=", "2026-11-30T01:02:03Z", "%2B"] {
            assert_eq!(with(version).as_deref(), Ok(version));
        }
        for length in [VERSION_BYTES_MAX - 1, VERSION_BYTES_MAX] {
            assert_eq!(with(&"v".repeat(length)).unwrap().len(), length);
        }
        let said = with(&"v".repeat(VERSION_BYTES_MAX + 1)).unwrap_err();
        assert!(said.ends_with("VersionId has at most 1024 bytes, not 1025"), "{said}");
        for version in ["=cmd|'/c calc'!A1", "=HYPERLINK(1)", "a b", "v\u{e9}", "v\u{7f}", "@SUM(A1)", "'1", "a;b"] {
            let said = with(version).unwrap_err();
            assert!(said.contains("row 5, column 3: VersionId has letters, digits and"), "{version}: {said}");
        }
    }

    #[test]
    fn spaces_versions_and_percent_signs() {
        let row = read(&BKV, b" photos-1 ,a%20b+c%2F%E5%A5%BD , v1 \n").unwrap();
        assert_eq!(row, ("photos-1".into(), "a b+c/\u{597d} ".into(), Some("v1".into())));
        assert_eq!(read(&BKV, b"p-1,k,\n").unwrap().2, None);
        assert_eq!(read(&BKV, b"p-1,k,null\n").unwrap().2.as_deref(), Some("null"));
        let row = read(&[Column::Ignore, Column::Key, Column::Bucket], b"x,k,b-1\n").unwrap();
        assert_eq!(row, ("b-1".into(), "k".into(), None));
    }

    #[test]
    fn broken_rows_are_named_by_row_column_and_rule() {
        let errors: Vec<String> = [
            &b"b-1,k\n"[..],
            b"b-1,k,,\n",
            b" ,k,\n",
            b"b-1,,\n",
            b"b-1,100%,\n",
            b"b-1,%zz,\n",
            b"b-1,%FF,\n",
            b"b-1,\xff,\n",
            b"\xff,k,\n",
            b"b-1,k,\xff\n",
        ]
        .iter()
        .map(|line| read(&BKV, line).unwrap_err())
        .collect();
        insta::assert_snapshot!(errors.join("\n"), @r"
        row 5: it has 2 columns, Manifest.Spec.Fields declares 3
        row 5: it has 4 columns, Manifest.Spec.Fields declares 3
        row 5, column 1: Bucket is empty
        row 5, column 2: Key is empty
        row 5, column 2: Key has a % that two hex digits do not follow; a plain % is written %25
        row 5, column 2: Key has a % that two hex digits do not follow; a plain % is written %25
        row 5, column 2: Key does not percent-decode to UTF-8
        row 5, column 2: Key is not UTF-8
        row 5, column 1: Bucket is not UTF-8
        row 5, column 3: VersionId is not UTF-8
        ");
    }

    #[test]
    fn inventories_have_the_appid_apart_and_tell_versions() {
        use Column::{Appid, Bucket, Ignore, IsDeleteMarker, IsLatest, Key, VersionId};
        let names = [Appid, Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Ignore];
        let columns = Columns::of_inventory(&names).unwrap();
        let read = |line: &[u8]| {
            let mut records = Records::new(0);
            let Next::Record(record, _) = records.next(line, false) else { panic!("no record") };
            let row = columns.read(&record, 2).map_err(|error| error.to_string())?;
            let mut scratch = Vec::new();
            assert_eq!(columns.check(&record, 2, &mut scratch), Ok(row.bucket));
            Ok::<_, String>((row.bucket.full().into_owned(), row.listed_as))
        };
        let photos = "photos-125".to_owned();
        assert_eq!(read(b"125,photos,k,v1,True,False,9\n"), Ok((photos.clone(), ListedAs::Object)));
        assert_eq!(read(b"125,photos-125,k,v1,,,9\n"), Ok((photos.clone(), ListedAs::Object)));
        assert_eq!(read(b"125,photos,k,v1,false,false,9\n"), Ok((photos.clone(), ListedAs::OlderVersion)));
        assert_eq!(read(b"125,photos,k,v1,TRUE,true,9\n"), Ok((photos, ListedAs::DeleteMarker)));
        assert_eq!(read(b"25,photos-125,k,v1,,,9\n"), Ok(("photos-125-25".to_owned(), ListedAs::Object)));
        let wrong = read(b"125,photos,k,v1,yes,false,9\n").unwrap_err();
        assert_eq!(wrong, "row 2, column 5: IsLatest is neither true nor false");
        let wrong = read(b"125,photos,k,v1,true,0,9\n").unwrap_err();
        assert_eq!(wrong, "row 2, column 6: IsDeleteMarker is neither true nor false");
        assert_eq!(read(b"125,photos,k\n").unwrap_err(), "row 2: it has 3 columns, fileSchema declares 7");
    }

    #[test]
    fn columns_need_one_bucket_and_one_key() {
        use Column::{Bucket, Ignore, Key, VersionId};
        assert!(Columns::new(&[Bucket, Key]).is_some());
        assert!(Columns::new(&[Ignore, Key, Ignore, Bucket, VersionId]).is_some());
        for wrong in [
            &[Bucket][..],
            &[Key],
            &[],
            &[Bucket, Key, Key],
            &[Bucket, Bucket, Key],
            &[Bucket, Key, VersionId, VersionId],
        ] {
            assert!(Columns::new(wrong).is_none(), "{wrong:?}");
        }
    }
}
