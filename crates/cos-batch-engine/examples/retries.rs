//! Prints `docs/retries.md`, which `cargo xtask docs` writes.
#![expect(clippy::print_stdout, reason = "printing is all it does")]

fn main() {
    print!("{}", cos_batch_engine::task::retry::document());
}
