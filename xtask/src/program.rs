//! `cargo xtask program`: the program as it is handed out: stripped, and with nothing of the machine in it that built it.
//!
//! What would differ from one machine to the next are paths, in messages of panics and in what compilers say of C, and times.
//! Paths are replaced by names that are the same everywhere; times come from the commit (`SOURCE_DATE_EPOCH`).
//!
//! For a container it is linked statically, C library and all. A package of a distribution has it with the library that is there:
//! a static one of GNU cannot load what the machine's `/etc/nsswitch.conf` may ask for, such as systemd's way to look up names.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

/// The folder below cargo's own for these builds: other flags than those of a plain release build, which stays as it is.
const FOLDER: &str = "program";

/// Where a static one goes below it.
const STATIC: &str = "static";

/// Type of the entry of an ELF file that names who loads its libraries (`PT_INTERP`). A static program has none.
const INTERPRETER: u32 = 3;

/// What is built.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Features of `cos-batch` to build with, such as otel.
    #[arg(long, value_name = "NAMES", default_value = "")]
    features: String,
    /// With the C library in it: for a container, in which there is nothing else.
    #[arg(long = "static")]
    is_static: bool,
    /// What it is built for, such as x86_64-unknown-linux-musl; this machine if not given.
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
}

/// Builds the program, and says where it is and how large.
///
/// # Errors
///
/// It does not build, has a path of this machine in it, or shall be static and is not.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let target = crate::target(root).join(FOLDER);
    let places = places(&shell, root, &target)?;
    let epoch = match std::env::var_os("SOURCE_DATE_EPOCH") {
        Some(epoch) => epoch,
        // Sources without a repository have no time of their own.
        None => cmd!(shell, "git log -1 --format=%ct").quiet().read().unwrap_or_else(|_| "0".to_owned()).into(),
    };
    // Named even where it is this machine: macros that run in the compiler do not get the flags then.
    let triple = match &arguments.target {
        Some(triple) => triple.clone(),
        None => cmd!(shell, "rustc --print host-tuple").quiet().read()?,
    };
    let features = &arguments.features;
    // Of the program alone, so that both kinds are made of the same parts, built once.
    let linking = linking(arguments.is_static);
    cmd!(shell, "cargo rustc --release --locked -p cos-batch --bin cos-batch --features {features} --target {triple}")
        .args(["--config", "profile.release.strip=\"symbols\"", "--config", "profile.release.debug=false"])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", rust_flags(&places))
        .env("CFLAGS", c_flags(&places))
        .env("SOURCE_DATE_EPOCH", epoch)
        .args(["--", linking])
        .run()?;
    let built = target.join(triple).join("release/cos-batch");
    let bytes = fs::read(&built).with_context(|| format!("reading {}", built.display()))?;
    if let Some((path, _)) = places.iter().find(|(path, _)| has(&bytes, path)) {
        bail!("{} has the path {} in it", built.display(), path.display());
    }
    if arguments.is_static && asks_for_libraries(&bytes) != Some(false) {
        bail!("{} is not static", built.display());
    }
    let folder = if arguments.is_static { target.join(STATIC) } else { target };
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let program = folder.join("cos-batch");
    fs::copy(&built, &program).with_context(|| format!("writing {}", program.display()))?;
    println!("{}: {} bytes", program.display(), bytes.len());
    Ok(())
}

/// Builds the static one for this machine, and gives its path.
///
/// # Errors
///
/// As [`run`].
pub(crate) fn linked_statically(root: &Path) -> anyhow::Result<PathBuf> {
    run(root, &Arguments { features: String::new(), is_static: true, target: None })?;
    Ok(crate::target(root).join(FOLDER).join(STATIC).join("cos-batch"))
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

/// Whether the C library is linked in is decided when the program is linked: its parts are the same.
pub(crate) fn linking(is_static: bool) -> &'static str {
    if is_static { "-Ctarget-feature=+crt-static" } else { "-Ctarget-feature=-crt-static" }
}

/// Whether a program has libraries loaded at its start; nothing for what is no ELF file of 64 bits, least byte first.
pub(crate) fn asks_for_libraries(bytes: &[u8]) -> Option<bool> {
    if !bytes.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    // The table of program headers, by the header of the file: its place, the size of an entry, their number.
    let place = usize::try_from(u64::from_le_bytes(bytes.get(32..40)?.try_into().ok()?)).ok()?;
    let size = usize::from(u16::from_le_bytes(bytes.get(54..56)?.try_into().ok()?));
    let number = usize::from(u16::from_le_bytes(bytes.get(56..58)?.try_into().ok()?));
    let mut entries = bytes.get(place..)?.get(..size.checked_mul(number)?)?.chunks_exact(size.max(4));
    Some(entries.any(|entry| entry.starts_with(&INTERPRETER.to_le_bytes())))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A program with a place in a message, in a folder of its own; with the flags of a handed-out one, or plain. None if it
    /// cannot be linked.
    fn built(folder: &Path, flags: impl Fn(&[(PathBuf, &str)]) -> OsString) -> Option<Vec<u8>> {
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
        command.args(flags(&places).to_str().unwrap().split('\u{1f}').filter(|flag| !flag.is_empty()));
        command.status().unwrap().success().then(|| fs::read(folder.join("program")).unwrap())
    }

    #[test]
    fn the_same_source_in_another_folder_is_the_same_program() {
        let place = tempfile::tempdir().unwrap();
        let [one, other, plain] = ["one", "other", "plain"].map(|name| place.path().join(name));
        let [first, second] = [&one, &other].map(|folder| built(folder, rust_flags).unwrap());
        assert!(first == second && !has(&first, &one));
        assert!(has(&built(&plain, |_| OsString::new()).unwrap(), &plain), "what is replaced would be in there");
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64", target_endian = "little"))]
    #[test]
    fn a_static_program_asks_for_no_library() {
        let place = tempfile::tempdir().unwrap();
        // Some distributions have the static form of the C library in a package of its own.
        match built(&place.path().join("static"), |_| linking(true).into()) {
            Some(program) => assert_eq!(asks_for_libraries(&program), Some(false)),
            None => eprintln!("no static C library here: a program with it is not looked at"),
        }
        let plain = built(&place.path().join("plain"), |_| linking(false).into()).unwrap();
        assert_eq!(asks_for_libraries(&plain), Some(true));
        for no_program in [&b""[..], b"#!/bin/sh", &plain[..60]] {
            assert_eq!(asks_for_libraries(no_program), None);
        }
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
