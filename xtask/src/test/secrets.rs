//! Secrets of the tests in what the tests left: folders of servers with their logs, state and reports, what programs printed,
//! metrics. A secret is in the file that it was written into for somebody, and nowhere else.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs,
    io::Write as _,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};

/// How tests are told where to leave things.
pub(super) const VARIABLE: &str = "COS_BATCH_LEFT";

/// Files that have secrets by right: those of keys, and a program on a page of the documentation that signs with one. They tell what
/// is looked for as well: a secret that is drawn by a server is known by no other way.
const KEY_FILES: [&str; 5] = ["credentials.toml", "keys.toml", "config.toml", "others.toml", "page.py"];

/// What is not to be seen, as those files name it.
const NAMES: [&str; 4] = ["secret_key", "secret", "security_token", "session_token"];

/// Bytes of a secret at least: a shorter one may be part of something else, so that finding it says nothing.
const BYTES_MIN: usize = 12;

/// How names of files begin of which there must be some, or something was not looked through: what commands and servers printed and
/// answered, metrics, databases, logs of servers and of nodes, state, lists of reports.
const KINDS: [&str; 9] =
    ["said-", "usage-", "answers-", "metrics-", "database-", "serve.log", "nodes.log", "jobs.sqlite", "manifest.json"];

/// Places that are told of at most.
const TOLD_MAX: usize = 20;

/// Where tests leave things.
pub(super) fn folder(root: &Path) -> PathBuf {
    let target: PathBuf = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()).into();
    root.join(target).join("left")
}

/// An empty folder for tests to leave things in.
pub(super) fn prepare(root: &Path) -> anyhow::Result<PathBuf> {
    let folder = folder(root);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// Searches what tests left, and removes it if nothing is wrong with it.
pub(super) fn check(root: &Path) -> anyhow::Result<()> {
    let folder = folder(root);
    ensure!(folder.exists(), "nothing was left to look at: cargo xtask test --only tests leaves it");
    println!("{}", search(&folder, &KINDS)?);
    fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))
}

/// Looks for each secret of a file of keys in all files, and says what was looked at.
fn search(folder: &Path, kinds: &[&str]) -> anyhow::Result<String> {
    let mut files = Vec::new();
    list(folder, &mut files)?;
    for kind in kinds {
        let is_of_kind =
            |file: &PathBuf| file.file_name().is_some_and(|name| name.as_bytes().starts_with(kind.as_bytes()));
        ensure!(files.iter().any(is_of_kind), "no file was left whose name begins with {kind}");
    }
    let mut secrets = BTreeSet::new();
    for file in files.iter().filter(|file| is_key_file(file)) {
        // Some are no text, as a test has it.
        let text = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        for secret in String::from_utf8_lossy(&text).lines().filter_map(secret_of) {
            ensure!(secret.len() >= BYTES_MIN, "{}: \"{secret}\" is too short to be looked for", file.display());
            secrets.insert(secret.to_owned());
        }
    }
    let found = found(folder, &secrets)?;
    // Who does not find them where they are would find them nowhere.
    if let Some(missed) = secrets.iter().find(|secret| !found.iter().any(|(_, other)| other == *secret)) {
        bail!("\"{missed}\" was not even found in the file that it is from");
    }
    let told: Vec<String> = found
        .iter()
        .filter(|(file, _)| !is_key_file(file))
        .map(|(file, secret)| format!("{}: \"{secret}\"", file.display()))
        .collect();
    ensure!(told.is_empty(), "secrets where they do not belong:\n{}", told[..told.len().min(TOLD_MAX)].join("\n"));
    Ok(format!("none of {} secrets is in {} files but those of keys", secrets.len(), files.len()))
}

/// All files below a folder; links are not followed.
fn list(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("listing {}", folder.display()))? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

fn is_key_file(path: &Path) -> bool {
    path.file_name().is_some_and(|name| KEY_FILES.iter().any(|known| name == *known))
}

/// The secret in a line such as `secret_key = "…"`.
fn secret_of(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    NAMES.contains(&name.trim()).then_some(value.trim())?.strip_prefix('"')?.strip_suffix('"')
}

/// Each file in which one of these is, with it. By `grep`: there are hundreds of them, and some hundred megabytes to look through.
fn found(folder: &Path, secrets: &BTreeSet<String>) -> anyhow::Result<BTreeSet<(PathBuf, String)>> {
    let mut grep = Command::new("grep");
    // Each as it is, in files of any kind, and the name of a file ends with a NUL.
    grep.args(["-r", "-F", "-a", "-o", "-H", "-Z", "-f", "-"]).arg(folder).env("LC_ALL", "C");
    let mut child = grep.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("starting grep")?;
    let lines: String = secrets.iter().map(|secret| format!("{secret}\n")).collect();
    child.stdin.take().context("grep has no input")?.write_all(lines.as_bytes())?;
    let output = child.wait_with_output()?;
    // 1: nothing was found.
    ensure!(matches!(output.status.code(), Some(0 | 1)), "grep failed: {}", output.status);
    let mut found = BTreeSet::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let end = line.iter().position(|byte| *byte == 0).context("grep tells a name")?;
        let path = PathBuf::from(OsStr::from_bytes(&line[..end]));
        found.insert((path, String::from_utf8_lossy(&line[end + 1..]).into_owned()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "[[key]]\nsecret_id = \"AKIDsomebody\"\nsecret_key = \"drawn-by-a-server\"\n";

    fn said(files: &[(&str, &str)], kinds: &[&str]) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        search(folder.path(), kinds).map_err(|error| error.to_string().replace(folder.path().to_str().unwrap(), ""))
    }

    #[test]
    fn a_secret_is_found_wherever_it_was_left() {
        let good =
            [("a/data/credentials.toml", KEYS), ("a/serve.log", "AKIDsomebody asked\n"), ("said-7.txt", "done\n")];
        let none = "none of 1 secrets is in 3 files but those of keys".to_owned();
        assert_eq!(said(&good, &["serve.log", "said-"]), Ok(none));
        for place in ["a/serve.log", "a/data/jobs.sqlite", "metrics-7.txt", "b/data/buckets/c/reports/results.csv"] {
            let planted = [&good[..], &[(place, "\0\n\u{1b}[1mkey drawn-by-a-server,\0\n")]].concat();
            let error = format!("secrets where they do not belong:\n/{place}: \"drawn-by-a-server\"");
            assert_eq!(said(&planted, &[]), Err(error));
        }
    }

    #[test]
    fn what_could_not_be_found_or_was_not_left_is_said() {
        assert_eq!(
            said(&[("keys.toml", KEYS)], &["serve.log"]),
            Err("no file was left whose name begins with serve.log".to_owned())
        );
        let short = said(&[("config.toml", "  secret = \"hush\"\n")], &[]);
        assert_eq!(short, Err("/config.toml: \"hush\" is too short to be looked for".to_owned()));
    }
}
