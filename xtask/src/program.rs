//! `cargo xtask program`: the program as it is handed out: stripped, and with nothing of the machine in it that built it.
//!
//! What would differ from one machine to the next are paths, in messages of panics and in what compilers say of C, and times.
//! Paths are replaced by names that are the same everywhere; times come from the commit (`SOURCE_DATE_EPOCH`).

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

/// The folder below cargo's own for these builds: other flags than those of a plain release build, which stays as it is.
const FOLDER: &str = "program";

/// Builds the program, with these features, and says where it is and how large.
///
/// # Errors
///
/// It does not build, or has a path of this machine in it.
pub(crate) fn run(root: &Path, features: &str) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let target = crate::target(root).join(FOLDER);
    let places = places(&shell, root, &target)?;
    let epoch = match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(epoch) => epoch,
        // Sources without a repository have no time of their own.
        None => cmd!(shell, "git log -1 --format=%ct").quiet().read().unwrap_or_else(|_| "0".to_owned()).into(),
    };
    cmd!(shell, "cargo build --release --locked -p cos-batch --bin cos-batch --features {features}")
        .args(["--config", "profile.release.strip=\"symbols\"", "--config", "profile.release.debug=false"])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(&places))
        .env("CFLAGS", c_flags(&places))
        .env("SOURCE_DATE_EPOCH", epoch)
        .run()?;
    let program = target.join("release/cos-batch");
    let bytes = fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
    if let Some((path, _)) = places.iter().find(|(path, _)| has(&bytes, path)) {
        bail!("{} has the path {} in it", program.display(), path.display());
    }
    println!("{}: {} bytes", program.display(), bytes.len());
    Ok(())
}

/// Folders of this machine that come into a program, and what stands for each. A later one goes before those above.
fn places(shell: &Shell, root: &Path, target: &Path) -> anyhow::Result<Vec<(PathBuf, &'static str)>> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home =
        home.or_else(|| Some(std::env::home_dir()?.join(".cargo"))).context("there is no CARGO_HOME and no home")?;
    // Where the sources of the standard library are installed, their real place is what the compiler writes.
    let sysroot = PathBuf::from(cmd!(shell, "rustc --print sysroot").quiet().read()?);
    Ok(vec![(home, "/cargo"), (sysroot, "/rust"), (root.to_owned(), "/cos-batch"), (target.to_owned(), "/target")])
}

fn rust_flags(places: &[(PathBuf, &str)]) -> OsString {
    let mut flags = OsString::new();
    for (place, name) in places {
        if !flags.is_empty() {
            // What cargo takes between two flags.
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(place);
        flags.push("=");
        flags.push(name);
    }
    flags
}

fn c_flags(places: &[(PathBuf, &str)]) -> OsString {
    let mut flags = std::env::var_os("CFLAGS").unwrap_or_default();
    for (place, name) in places {
        flags.push(" -ffile-prefix-map=");
        flags.push(place);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// Whether a file has this path in it.
fn has(bytes: &[u8], path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    bytes.windows(path.len()).any(|window| window == path)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A program with a place in a message, in a folder with these places replaced or not.
    fn built(folder: &Path, replaced: bool) -> Vec<u8> {
        fs::create_dir(folder).unwrap();
        let source = folder.join("main.rs");
        fs::write(
            &source,
            "fn main() { println!(\"{}\", std::panic::Location::caller()); std::env::args().nth(1).unwrap(); }",
        )
        .unwrap();
        let places = [(folder.to_owned(), "/cos-batch")];
        let mut command = Command::new("rustc");
        command.args(["--edition=2024", "-Cstrip=symbols", "-o"]).arg(folder.join("program")).arg(&source);
        if replaced {
            command.args(rust_flags(&places).to_str().unwrap().split('\u{1f}'));
        }
        assert!(command.status().unwrap().success());
        fs::read(folder.join("program")).unwrap()
    }

    #[test]
    fn the_same_source_in_another_folder_is_the_same_program() {
        let place = tempfile::tempdir().unwrap();
        let [one, other, plain] = ["one", "other", "plain"].map(|name| place.path().join(name));
        let (first, second) = (built(&one, true), built(&other, true));
        assert!(first == second && !has(&first, &one));
        assert!(has(&built(&plain, false), &plain), "what is replaced would be in there");
    }

    #[test]
    fn flags_replace_every_place() {
        let places = [(PathBuf::from("/a/.cargo"), "/cargo"), (PathBuf::from("/src"), "/cos-batch")];
        let rust = rust_flags(&places);
        let expected = "--remap-path-prefix=/a/.cargo=/cargo\u{1f}--remap-path-prefix=/src=/cos-batch";
        assert_eq!(rust.to_str(), Some(expected));
        let c = c_flags(&places);
        assert!(c.to_str().unwrap().ends_with(" -ffile-prefix-map=/a/.cargo=/cargo -ffile-prefix-map=/src=/cos-batch"));
    }
}
