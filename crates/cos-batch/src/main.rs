//! COS Batch Operations: command line and server.

use std::process::ExitCode;

fn main() -> ExitCode {
    cos_batch::run()
}
