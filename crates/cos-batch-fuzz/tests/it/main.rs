//! The fuzz targets over the committed corpus and over inputs made from it, for a short time.
#![expect(clippy::unwrap_used, reason = "tests: what cannot be unwrapped fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use cos_batch_fuzz::{Mutator, TARGETS, Target};

/// Inputs made for each target.
const MUTATED: usize = 4_000;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(fuzz().join("corpus").join(target.name)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{} has few inputs to begin with", target.name);
    files.iter().map(|path| fs::read(path).unwrap()).collect()
}

fn short_run(name: &str, seed: u64) {
    let target = Target::named(name).unwrap();
    let corpus = corpus(&target);
    for input in &corpus {
        target.run(input);
    }
    let mut mutator = Mutator::new(corpus, seed);
    for _ in 0..MUTATED {
        target.run(&mutator.next_input());
    }
}

#[test]
fn xml() {
    short_run("xml", 1);
}

#[test]
fn request() {
    short_run("request", 2);
}

#[test]
fn authorization() {
    short_run("authorization", 3);
}

#[test]
fn headers() {
    short_run("headers", 7);
}

#[test]
fn manifest() {
    short_run("manifest", 4);
}

#[test]
fn gzip() {
    short_run("gzip", 5);
}

#[test]
fn inventory() {
    short_run("inventory", 6);
}

#[test]
fn the_same_seed_makes_the_same_inputs() {
    let inputs = |seed| {
        let mut mutator = Mutator::new(vec![b"<a>b</a>".to_vec(), Vec::new()], seed);
        (0..100).map(|_| mutator.next_input()).collect::<Vec<_>>()
    };
    assert_eq!(inputs(1), inputs(1));
    assert_ne!(inputs(1), inputs(2));
}

#[test]
fn each_target_has_a_corpus_a_program_and_a_row_in_the_readme() {
    let readme = fs::read_to_string(fuzz().join("README.md")).unwrap();
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for target in TARGETS {
        assert!(!corpus(target).is_empty());
        let row = format!("| `{}` | {} |", target.name, target.property);
        assert!(readme.contains(&row), "fuzz/README.md lacks this row:\n{row}");
        assert!(fuzz().join(format!("fuzz_targets/{}.rs", target.name)).exists(), "{} has no program", target.name);
        assert!(manifest.contains(&format!("name = \"{}\"", target.name)), "{} is not in the manifest", target.name);
    }
}
