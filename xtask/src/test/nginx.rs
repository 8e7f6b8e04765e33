//! The nginx that some tests stand a server behind.

use xshell::{Shell, cmd};

use super::apt;

/// Whether it is there, or could be installed.
pub(crate) fn is_there(shell: &Shell) -> bool {
    let starts = || cmd!(shell, "nginx -v").quiet().ignore_stderr().run().is_ok();
    if starts() {
        return true;
    }
    apt::install("nginx is", &["nginx"]);
    starts()
}
