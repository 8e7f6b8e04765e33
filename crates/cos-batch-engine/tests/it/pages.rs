//! Pages of the documentation that are written from tables in the code.

#[test]
fn the_page_on_retries_is_what_the_tables_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/retries.md");
    let page = std::fs::read_to_string(path).unwrap();
    assert!(
        page == cos_batch_engine::task::retry::document(),
        "docs/retries.md is to be written anew: cargo xtask docs"
    );
}
