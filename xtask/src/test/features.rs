//! Features only add: each crate that has any builds without them, with each alone, and as it is by default.

use std::{fs, path::Path};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::published;

/// How the features of a crate begin in its manifest.
const TABLE: &str = "\n[features]\n";

/// Checks each choice of features of each published crate. All of them at once are the stage of clippy.
///
/// # Errors
///
/// A choice that does not build, or not without a warning; a test of the client that needs TLS without saying so.
pub(super) fn run(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    // The one crate that has a feature by default: its tests, too, can do without. They are not run once more: all that they
    // would run on would have to be built a second time, which takes longer than everything else here.
    cmd!(shell, "cargo clippy -p cos-batch-client --no-default-features --all-targets --no-deps -- -D warnings")
        .run()?;
    let mut none = Vec::new();
    for package in published::packages(root)? {
        let path = root.join(published::manifest(&package.name));
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let name = package.name;
        let choices = choices(&text).with_context(|| path.display().to_string())?;
        // Nobody depends on a program: what it has alone is what it has in the stage of clippy, with all there is.
        let choices = if package.is_library || choices.len() > 1 { choices } else { Vec::new() };
        for choice in choices {
            cmd!(shell, "cargo clippy -p {name} --lib {choice...} --no-deps -- -D warnings").run()?;
        }
        if text.contains(TABLE) {
            match package.is_library {
                true => none.extend(["-p".to_owned(), name]),
                // It depends on the others with all that they have.
                false => cmd!(shell, "cargo clippy -p {name} --no-default-features --no-deps -- -D warnings").run()?,
            }
        }
    }
    // Together: what they depend on is built once for all of them, and takes longer than they do. SQLite most of all, which is
    // another one here than in the other stages, and never runs.
    let quick = "profile.dev.package.libsqlite3-sys.opt-level=0";
    cmd!(shell, "cargo clippy {none...} --lib --no-default-features --no-deps --config {quick} -- -D warnings")
        .run()?;
    Ok(())
}

/// What to tell cargo for each choice of a crate's features but none; nothing for a crate without features.
fn choices(manifest: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let table: toml::Table = manifest.parse()?;
    let Some(features) = table.get("features").and_then(toml::Value::as_table) else { return Ok(Vec::new()) };
    let single: Vec<_> = features.keys().filter(|name| *name != "default").collect();
    let mut choices: Vec<Vec<String>> = Vec::new();
    for name in &single {
        choices.push(vec!["--no-default-features".to_owned(), "--features".to_owned(), (*name).clone()]);
    }
    // What is the default of a crate with one feature is that feature.
    if features.contains_key("default") && single.len() > 1 {
        choices.push(Vec::new());
    }
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_chosen_alone_and_so_is_the_default_where_it_is_another_choice() {
        assert_eq!(choices("[package]\nname = 'a'").unwrap(), [[""; 0]; 0]);
        let choices = |features: &str| -> Vec<String> {
            choices(&format!("[features]\n{features}")).unwrap().iter().map(|choice| choice.join(" ")).collect()
        };
        assert_eq!(choices("a = []"), ["--no-default-features --features a"]);
        assert_eq!(choices("default = ['a']\na = []"), ["--no-default-features --features a"]);
        assert_eq!(
            choices("default = ['a']\na = []\nb = []"),
            ["--no-default-features --features a", "--no-default-features --features b", ""]
        );
    }
}
