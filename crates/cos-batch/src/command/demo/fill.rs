//! The files that the demo copies, and their manifest.

use std::{fmt::Write as _, fs, path::Path};

use bytes::Bytes;
use cos_batch_objectstore::{FolderStore, ObjectStore as _, PutRequest};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{FOREIGN, MANIFEST_KEY, SOURCE, TARGET};
use crate::exit::Error;

/// Keys that cannot all be paths of files as they are; the store keeps them nevertheless.
const UNUSUAL: [&str; 8] = [
    "odd/space, \"quotes\" & plus+.txt",
    "odd/文件-ü-😀.txt",
    "odd/a//double slash",
    "odd/slash at the end/",
    "../outside",
    "odd/file",
    "odd/file/below a file",
    "odd/line\nbreak",
];

/// Rows that name an object that does not exist, and one that belongs to somebody else.
const MUST_FAIL: [(&str, &str); 4] = [
    (SOURCE, "photos/gone.jpg"),
    (FOREIGN, "secret.txt"),
    (SOURCE, "photos/never there.jpg"),
    (FOREIGN, "photos/0000001.jpg"),
];

/// Sizes of files differ up to so many lines; the first is empty.
const LINES_MAX: u64 = 97;

/// Files in one folder, as nobody likes to look into fuller ones.
const FILES_PER_FOLDER: u64 = 500;

/// Left bare in the manifest: the rest of a key is percent-encoded.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

/// What was put into the source bucket.
pub(super) struct Filled {
    /// Keys of the objects to copy.
    pub(super) keys: Vec<String>,
    /// Bytes of all objects together.
    pub(super) bytes: u64,
    /// Rows of the manifest.
    pub(super) rows: u64,
    /// Rows that must fail.
    pub(super) must_fail: u64,
    /// The manifest's ETag.
    pub(super) manifest_etag: String,
}

/// Makes both buckets, fills one and writes the manifest.
pub(super) async fn fill(store: &FolderStore, buckets: &Path, objects: u64) -> Result<Filled, Error> {
    for bucket in [SOURCE, TARGET] {
        store.create_bucket(bucket).map_err(Error::other)?;
    }
    let unusual = UNUSUAL.len().min(usize::try_from(objects / 2).unwrap_or(UNUSUAL.len()));
    let ordinary = objects - unusual as u64;
    let mut filled = Filled { keys: Vec::new(), bytes: 0, rows: 0, must_fail: 0, manifest_etag: String::new() };
    let mut manifest = String::new();
    for number in 0..ordinary {
        let key = format!("photos/{:03}/{number:07}.jpg", number / FILES_PER_FOLDER);
        let path = buckets.join(SOURCE).join(&key);
        if number % FILES_PER_FOLDER == 0
            && let Some(folder) = path.parent()
        {
            fs::create_dir_all(folder)?;
        }
        let body = content(number);
        // As anybody would put a file there.
        fs::write(path, &body)?;
        filled.add(&mut manifest, key, &body);
    }
    for (number, key) in (ordinary..).zip(&UNUSUAL[..unusual]) {
        let body = content(number);
        let put = store.put(PutRequest::new(SOURCE, key, Bytes::from(body.clone()))).await;
        put.map_err(|error| Error::other(format!("{key}: {error}")))?;
        filled.add(&mut manifest, (*key).to_owned(), &body);
    }
    for (bucket, key) in MUST_FAIL {
        row(&mut manifest, bucket, key);
    }
    filled.must_fail = MUST_FAIL.len() as u64;
    filled.rows = objects + filled.must_fail;
    let put = store.put(PutRequest::new(SOURCE, MANIFEST_KEY, Bytes::from(manifest))).await;
    filled.manifest_etag = put.map_err(|error| Error::other(format!("{MANIFEST_KEY}: {error}")))?.etag;
    Ok(filled)
}

impl Filled {
    fn add(&mut self, manifest: &mut String, key: String, body: &str) {
        row(manifest, SOURCE, &key);
        self.bytes += body.len() as u64;
        self.keys.push(key);
    }
}

fn row(manifest: &mut String, bucket: &str, key: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(manifest, "{bucket},{}", utf8_percent_encode(key, KEY));
}

/// Different for each file, and of different size.
fn content(number: u64) -> String {
    let lines = usize::try_from(number % LINES_MAX).unwrap_or(0);
    format!("what is in file {number} of the demo, over and over\n").repeat(lines)
}
