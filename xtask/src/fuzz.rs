//! `cargo xtask fuzz`: long runs of the fuzz targets.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use xshell::{Shell, cmd};

/// How long each target runs if nothing else is asked for.
pub(crate) const SECONDS_DEFAULT: u64 = 60;

/// The targets' programs, one file each.
const PROGRAMS: &str = "fuzz/fuzz_targets";

/// Runs one target, or all, for so many seconds each.
///
/// # Errors
///
/// An unknown target; a target whose property does not hold.
pub(crate) fn run(root: &Path, target: Option<&str>, seconds: u64) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let targets = chosen(root, target)?;
    let has_fuzzer = cmd!(shell, "cargo fuzz --version").quiet().ignore_stdout().ignore_stderr().run().is_ok();
    for target in &targets {
        if has_fuzzer {
            let (found, corpus) = (format!("fuzz/found/{target}"), format!("fuzz/corpus/{target}"));
            fs::create_dir_all(root.join(&found)).with_context(|| format!("creating {found}"))?;
            let limit = format!("-max_total_time={seconds}");
            cmd!(shell, "cargo +nightly fuzz run {target} {found} {corpus} -- {limit}").run()?;
        } else {
            let seconds = seconds.to_string();
            cmd!(shell, "cargo run --release -p cos-batch-fuzz -- {target} {seconds}").run()?;
        }
    }
    Ok(())
}

/// The targets to run.
fn chosen(root: &Path, target: Option<&str>) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(root.join(PROGRAMS)).with_context(|| format!("reading {PROGRAMS}"))? {
        let path = entry?.path();
        all.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    all.sort();
    match target {
        None => Ok(all),
        Some(target) if all.iter().any(|name| name == target) => Ok(vec![target.to_owned()]),
        Some(target) => bail!("no fuzz target `{target}`; there are: {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_those_that_have_a_program() {
        let root = crate::root();
        let all = ["authorization", "gzip", "headers", "inventory", "manifest", "request", "xml"];
        assert_eq!(chosen(&root, None).unwrap(), all);
        assert_eq!(chosen(&root, Some("xml")).unwrap(), ["xml"]);
        let error = chosen(&root, Some("yaml")).unwrap_err().to_string();
        assert!(error.contains("`yaml`") && error.contains("manifest"), "{error}");
    }
}
