//! Each block of code on each page is held by something, or it is said why not.

use std::{collections::BTreeMap, fs, path::Path};

use super::{blocks::blocks, page};

/// What holds a block to be right.
enum Held {
    /// Carried out by a test in this folder.
    Run,
    /// What is printed then, or elsewhere, compared.
    Compared,
    /// Read by what reads such a file: a test in `src/config/pages.rs`, or below.
    Read,
    /// Compiled, and run unless it says otherwise, with the documentation's examples.
    Built,
    /// A picture, or an outline of what is shown.
    Drawn,
    /// Something else holds it, or nothing can.
    Because(&'static str),
}

use Held::{Because, Built, Compared, Drawn, Read, Run};

/// By page and kind of block: how many of them are held by what.
const HELD: &[(&str, &str, usize, Held)] = &[
    ("README.md", "sh", 1, Run),
    (
        "README.md",
        "sh",
        3,
        Because(
            "the demo has a test of its own, `cargo xtask test` is what runs this one, and one installs the program",
        ),
    ),
    ("README.md", "toml", 1, Because("the crates of the workspace, by their folders")),
    ("README.md", "text", 1, Compared),
    ("README.md", "rust", 2, Built),
    ("README.zh-CN.md", "sh", 1, Run),
    ("README.zh-CN.md", "sh", 3, Because("as in the README")),
    ("README.zh-CN.md", "toml", 1, Because("as in the README")),
    ("README.zh-CN.md", "rust", 1, Built),
    ("CONTRIBUTING.md", "sh", 1, Because("it is what runs this test")),
    ("docs/ARCHITECTURE.md", "text", 2, Drawn),
    ("docs/cli.md", "sh", 1, Run),
    ("docs/cli.md", "toml", 2, Read),
    ("docs/configuration.md", "toml", 5, Read),
    ("docs/extension.md", "json", 5, Read),
    ("docs/guide-backend.md", "rust", 2, Built),
    ("docs/guide-cos.md", "sh", 3, Run),
    ("docs/guide-cos.md", "text", 2, Compared),
    ("docs/guide-cos.md", "toml", 1, Read),
    ("docs/guide-operation.md", "rust", 1, Built),
    ("docs/guide-stores.md", "sh", 4, Run),
    ("docs/guide-stores.md", "text", 2, Compared),
    ("docs/guide-stores.md", "toml", 1, Read),
    ("docs/guide-testing.md", "rust", 1, Built),
    ("docs/guide-testing.md", "sh", 1, Run),
    ("docs/guide-testing.md", "bash", 2, Run),
    ("docs/guide-testing.md", "python", 1, Run),
    ("docs/metrics.md", "yaml", 2, Because("one is an example; the names in the rules were checked by hand")),
    ("docs/objects.md", "go", 1, Because("that SDK is not brought in by the tests; the page says so")),
    (
        "docs/objects.md",
        "python",
        1,
        Because("outlines of two settings, with which the tests of the object gateway run the SDK"),
    ),
    ("docs/operating.md", "sh", 1, Run),
    (
        "docs/operating.md",
        "sh",
        6,
        Because("they need a release build, root, systemd and podman; `packaging::` runs the scripts"),
    ),
    ("docs/operating.md", "ini", 1, Because("it is for systemd, which is not there in a container")),
    (
        "docs/operating.md",
        "nginx",
        1,
        Because("the names of machines and files in it are the reader's; `front::` has an nginx"),
    ),
    ("docs/operating.md", "caddyfile", 1, Because("as that for nginx")),
    ("docs/operating.md", "toml", 1, Read),
    ("docs/operations.md", "sh", 1, Run),
    ("docs/public-types.md", "sh", 2, Because("for whoever repeats the comparison; one takes a nightly compiler")),
    ("docs/s3control.md", "python", 1, Run),
    ("docs/s3control.md", "sh", 1, Run),
    ("docs/s3control.md", "toml", 1, Read),
    ("docs/tutorial.md", "sh", 7, Run),
    ("docs/tutorial.md", "text", 5, Compared),
    ("crates/cos-batch-objectgateway/README.md", "rust", 1, Built),
    ("crates/cos-batch-testing/README.md", "rust", 1, Built),
    ("fuzz/README.md", "sh", 1, Because("it takes minutes; the tests run each target for a moment")),
];

/// All pages of the repository, by their paths.
fn pages() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut found = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
            if entry.file_type().unwrap().is_dir() {
                if !name.starts_with('.') && !name.starts_with("target") && name != "node_modules" {
                    folders.push(path);
                }
            } else if name.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn each_block_is_held_by_something() {
    let mut found: BTreeMap<(String, String), usize> = BTreeMap::new();
    for path in pages() {
        for block in blocks(&page(&path)) {
            *found.entry((path.clone(), block.kind)).or_default() += 1;
        }
    }
    let mut held: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (path, kind, number, _) in HELD {
        *held.entry(((*path).to_owned(), (*kind).to_owned())).or_default() += number;
    }
    assert_eq!(found, held, "left: blocks on the pages; right: those that HELD knows");
    for (path, kind, _, held) in HELD {
        let right = match held {
            Run => matches!(*kind, "bash" | "sh" | "python"),
            Compared | Drawn => *kind == "text",
            Read => matches!(*kind, "toml" | "json"),
            Built => *kind == "rust" && is_built(path),
            Because(reason) => !reason.is_empty(),
        };
        assert!(right, "{path}: {kind}");
    }
}

/// Whether some crate has the page among its documentation's examples.
fn is_built(path: &str) -> bool {
    let (source, name) = match path.strip_prefix("crates/").and_then(|rest| rest.split_once('/')) {
        Some((package, name)) => (format!("crates/{package}/src/lib.rs"), format!("../{name}")),
        None => ("crates/cos-batch/src/lib.rs".to_owned(), format!("../../../{path}")),
    };
    page(&source).contains(&format!("doc = include_str!(\"{name}\")"))
}

#[test]
fn answers_in_json_are_json() {
    for block in blocks(&page("docs/extension.md")).iter().filter(|block| block.kind == "json") {
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&block.text) {
            panic!("{error}\n{}", block.text);
        }
    }
}
