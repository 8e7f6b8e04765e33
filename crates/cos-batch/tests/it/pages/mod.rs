//! What stands on the pages of the documentation: commands are carried out as they are printed, and what they print is
//! compared.

#[path = "../../../src/blocks.rs"]
mod blocks;
mod guides;
mod held;
mod shell;

use std::{fs, path::Path};

/// A file of the repository.
fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// All blocks of one kind on a page.
fn blocks_of(path: &str, kind: &str) -> Vec<String> {
    blocks::blocks(&page(path)).into_iter().filter(|block| block.kind == kind).map(|block| block.text).collect()
}
