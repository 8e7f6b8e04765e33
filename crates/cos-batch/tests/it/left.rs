//! What tests leave for whoever looks for secrets in it once all of them have run (`cargo xtask test --only secrets`): folders, what
//! programs printed, metrics. Where nobody will look nothing is left.

use std::{env, fs::File, io::Write as _, path::PathBuf, process};

use tempfile::{Builder, TempDir};

use crate::plain;

/// The folder that all of it is left in.
const VARIABLE: &str = "COS_BATCH_LEFT";

/// What a server signs and is asked with in tests to which that does not matter. A secret of a test has twelve bytes at least, or
/// nobody could say that what was found is it.
pub(crate) const SECRET: &str = "secretThatNobodyIsToSee";

fn place() -> Option<PathBuf> {
    env::var_os(VARIABLE).map(PathBuf::from)
}

/// A temporary folder, which stays there if somebody will look into it.
pub(crate) fn folder() -> TempDir {
    let mut builder = Builder::new();
    let folder = match place() {
        Some(place) => builder.disable_cleanup(true).tempdir_in(place),
        None => builder.tempdir(),
    };
    folder.expect("a temporary folder can be made")
}

/// Something that was told, of this kind.
pub(crate) fn told(kind: &str, text: &[u8]) {
    let Some(place) = place() else { return };
    // Tests are processes or threads, and a short text that is appended is not torn apart.
    let path = place.join(format!("{kind}-{}.txt", process::id()));
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    file.write_all(text).unwrap();
}

/// The metrics of a server that is about to end, by their address.
pub(crate) fn metrics(address: Option<&str>) {
    if let Some(address) = address.filter(|_| is_looked_at()) {
        told("metrics", plain::get(address, "/metrics").1.as_bytes());
    }
}

/// Whether somebody will look.
pub(crate) fn is_looked_at() -> bool {
    place().is_some()
}
