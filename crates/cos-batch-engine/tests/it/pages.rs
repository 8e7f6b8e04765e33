//! Pages of the documentation that say what tables and constants in the code say.

use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn the_page_on_retries_is_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/retries.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page == cos_batch_engine::task::retry::document(),
        "docs/retries.md is to be written anew: cargo xtask docs"
    );
}

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)).unwrap()
}

#[test]
fn the_page_on_manifests_explains_each_code_that_jobs_fail_with() {
    let page = page("manifests.md");
    let table = page.split("\n## Failure codes\n").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let on_page: Vec<&str> =
        rows.flat_map(|row| row.split('|').nth(1).unwrap().split('`').skip(1).step_by(2)).collect();
    let known = BTreeSet::from(cos_batch_engine::FAILURE_CODES);
    assert_eq!(on_page.len(), known.len());
    assert_eq!(BTreeSet::from_iter(on_page), known);
}

/// Each row of the page, with the constant that it tells.
#[test]
fn the_page_on_limits_has_the_numbers_of_the_code() {
    let limits: [(&str, u64); 17] = [
        ("bytes of a row of a manifest", cos_batch_engine::manifest::records::RECORD_BYTES_MAX as u64),
        ("columns of a row", cos_batch_engine::manifest::records::COLUMNS_MAX as u64),
        ("times that a compressed manifest may grow, beyond 16 MiB", cos_batch_engine::manifest::inflate::RATIO_MAX),
        ("bytes of an inventory's list", cos_batch_engine::manifest::inventory::LIST_BYTES_MAX),
        ("files of an inventory", cos_batch_engine::manifest::inventory::FILES_MAX as u64),
        ("rows of a shard, the piece that one worker takes", cos_batch_engine::manifest::index::SHARD_ROWS),
        ("rows of a shard that are done and not in the books yet", cos_batch_engine::config::WINDOW_ROWS),
        ("changes of status that are kept of a job", cos_batch_engine::store::EVENTS_MAX as u64),
        ("error codes that are counted for a job", cos_batch_engine::store::CODES_MAX as u64),
        ("bytes of a message in a report", cos_batch_engine::report::row::MESSAGE_BYTES_MAX as u64),
        ("failed tasks that `retry` makes a job of", cos_batch_engine::view::RETRY_ROWS_MAX),
        ("rows of a manifest that `create --sample` divides", cos_batch_engine::view::DIVIDED_ROWS_MAX),
        ("bytes of a key", cos_batch_objectstore::MAX_KEY_BYTES as u64),
        ("tags of an object", cos_batch_objectstore::MAX_TAGS as u64),
        ("days that a restored copy stays", u64::from(cos_batch_objectstore::MAX_RESTORE_DAYS)),
        ("bytes of an object that one request copies", cos_batch_objectstore::MAX_COPY_BYTES),
        ("parts of an upload", u64::from(cos_batch_objectstore::MAX_PART_NUMBER)),
    ];
    let page = page("limits.md");
    let table = page.split("\n| of | at most | beyond that |\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let found: Vec<(&str, String)> = table
        .lines()
        .skip(1)
        .map(|row| {
            let mut cells = row.split('|').skip(1).map(str::trim);
            (cells.next().unwrap(), cells.next().unwrap().replace(',', ""))
        })
        .collect();
    assert_eq!(found, limits.map(|(of, most)| (of, most.to_string())));
}
