//! Lists of the files of inventories.

use std::collections::BTreeSet;

use cos_batch_engine::manifest::{Columns, Inventory};

pub(crate) const PROPERTY: &str = "a list that is taken has columns that fit together, and files with distinct names, sizes that are \
                                   numbers and MD5s that are hexadecimal; a refusal is short";

/// Longest refusal of an input of a few kilobytes, which it may repeat a name of.
const REFUSAL_BYTES_MAX: usize = crate::INPUT_BYTES_MAX + 200;

/// The input is a `manifest.json`.
pub(crate) fn target(input: &[u8]) {
    match Inventory::parse(input) {
        Ok(inventory) => {
            assert!(Columns::of_inventory(&inventory.columns).is_some(), "{:?}", inventory.columns);
            assert!(!inventory.source_bucket.is_empty());
            let names: BTreeSet<&str> = inventory.files.iter().map(|file| file.key.as_str()).collect();
            assert_eq!(names.len(), inventory.files.len());
            for file in &inventory.files {
                assert!(!file.key.is_empty());
                let hexadecimal = |md5: &str| md5.len() == 32 && md5.bytes().all(|digit| digit.is_ascii_hexdigit());
                assert!(file.md5.as_deref().is_none_or(hexadecimal), "{:?}", file.md5);
            }
        }
        Err(error) => assert!(error.to_string().len() <= REFUSAL_BYTES_MAX, "{error}"),
    }
}
