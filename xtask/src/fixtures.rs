//! `cargo xtask fixtures`: the golden messages, which code makes and tests read.
//!
//! The messages pin the bytes of the wire: a change of the codec shows up as a change of these
//! files, in review. Those of the dialect of S3 Control are answers of its service over an engine, so a test of that crate makes
//! them: here it is only told to.

mod cases;
mod values;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use xshell::{Shell, cmd};

/// The folder that this command owns; everything in it comes from here.
const FOLDER: &str = "fixtures/golden";

/// The folder of the answers of S3 Control, which a test of that crate owns, and compares with what it gets.
const ANSWERS: &str = "fixtures/answers/s3control";

/// Tells that test to write them.
const ANSWERS_VARIABLE: &str = "COS_BATCH_FIXTURES";

/// Writes the golden messages and the answers of S3 Control, or compares the golden messages with what would be written.
///
/// # Errors
///
/// A file that cannot be read or written; when checking, a file that differs.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let folder = root.join(FOLDER);
    let wanted = cases::all();
    let found = read(&folder)?;
    if check {
        return compare(&wanted, &found);
    }
    for (path, bytes) in &wanted {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
        }
        fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    for path in found.keys().filter(|path| !wanted.contains_key(*path)) {
        let path = folder.join(path);
        fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
    }
    println!("{} golden messages in {FOLDER}", wanted.len());
    write_answers(root)
}

fn write_answers(root: &Path) -> Result<()> {
    let folder = root.join(ANSWERS);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    }
    let shell = Shell::new()?;
    shell.change_dir(root);
    let test = cmd!(shell, "cargo test --quiet --package cos-batch-s3control --test it answers::");
    test.env(ANSWERS_VARIABLE, "write").run().with_context(|| format!("writing {ANSWERS}"))
}

/// Every file of the folder, which has one level of folders of its own.
fn read(folder: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(current) = folders.pop() {
        if !current.exists() {
            continue;
        }
        for entry in fs::read_dir(&current).with_context(|| format!("reading {}", current.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
            let relative = path.strip_prefix(folder).context("a folder's entry lies in it")?;
            files.insert(relative.to_owned(), bytes);
        }
    }
    Ok(files)
}

fn compare(wanted: &BTreeMap<PathBuf, Vec<u8>>, found: &BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let mut report = String::new();
    for (path, bytes) in wanted {
        match found.get(path) {
            Some(present) if present == bytes => {}
            Some(present) => report.push_str(&difference(path, bytes, present)),
            None => writeln!(report, "{}: missing", path.display())?,
        }
    }
    for path in found.keys().filter(|path| !wanted.contains_key(*path)) {
        writeln!(report, "{}: nothing makes it", path.display())?;
    }
    if report.is_empty() {
        println!("{} golden messages are as they should be", wanted.len());
        return Ok(());
    }
    bail!("{FOLDER} is out of date; run `cargo xtask fixtures`, look at the changes, commit them\n{report}")
}

/// Bytes shown around the first difference: bodies are one long line, so lines do not help.
const SHOWN_BYTES: usize = 60;

fn difference(path: &Path, wanted: &[u8], found: &[u8]) -> String {
    let same = wanted.iter().zip(found).take_while(|(a, b)| a == b).count();
    let excerpt = |bytes: &[u8]| {
        let from = same.saturating_sub(SHOWN_BYTES / 2);
        let to = bytes.len().min(same + SHOWN_BYTES / 2);
        String::from_utf8_lossy(bytes.get(from..to).unwrap_or_default()).escape_debug().to_string()
    };
    format!("{}: differs at byte {same}\n  - {}\n  + {}\n", path.display(), excerpt(found), excerpt(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_messages_are_up_to_date() {
        run(&crate::root(), true).unwrap();
    }

    #[test]
    fn a_stale_folder_is_reported_with_the_command_that_renews_it() {
        let wanted = cases::all();
        let mut found = wanted.clone();
        let (changed, bytes) = found.iter_mut().next().unwrap();
        let changed = changed.display().to_string();
        bytes.push(b'!');
        let (missing, _) = found.pop_last().unwrap();
        found.insert(PathBuf::from("odd.http"), Vec::new());
        let report = compare(&wanted, &found).unwrap_err().to_string();
        for part in [
            "cargo xtask fixtures",
            &format!("{changed}: differs at byte"),
            &format!("{}: missing", missing.display()),
            "odd.http: nothing makes it",
        ] {
            assert!(report.contains(part), "no `{part}` in:\n{report}");
        }
    }
}
