//! PostgreSQL, whose server the tests with many nodes start themselves.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::apt;

/// Where packages of distributions put its programs, a folder for each version.
const PACKAGED: &str = "/usr/lib/postgresql";

/// Sees to it that there is a server: where there is none and apt-get may be used without asking anybody, it is installed.
/// Where it cannot be, the tests that need it fail with advice.
pub(super) fn server() -> anyhow::Result<()> {
    if std::env::var_os("POSTGRES_BIN").is_some() || Path::new(PACKAGED).is_dir() || starts("initdb") {
        return Ok(());
    }
    apt::install("PostgreSQL is", &["postgresql"]);
    Ok(())
}

fn starts(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}
