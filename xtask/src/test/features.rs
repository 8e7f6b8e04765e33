//! Features only add: each crate that has any builds without them, with each alone, and as it is by default.

use std::{fs, path::Path};

use anyhow::Context as _;
use xshell::{Shell, cmd};

use crate::published;

/// Checks each choice of features of each published crate. All of them at once are the stage of clippy.
///
/// # Errors
///
/// A choice that does not build, or not without a warning; a test of the client that needs TLS without saying so.
pub(super) fn run(shell: &Shell, root: &Path) -> anyhow::Result<()> {
    // The one crate that has a feature by default: its tests, too, can do without. They are not run once more: all that they
    // would run on would have to be built a second time, which takes longer than everything else here.
    cmd!(shell, "cargo clippy -p cos-batch-client --no-default-features --all-targets -- -D warnings").run()?;
    for package in published::packages(root)? {
        let path = root.join(published::manifest(&package.name));
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        for choice in choices(&text).with_context(|| path.display().to_string())? {
            let name = &package.name;
            cmd!(shell, "cargo clippy -p {name} --lib {choice...} -- -D warnings").run()?;
        }
    }
    Ok(())
}

/// What to tell cargo for each choice of a crate's features; nothing for a crate without features.
fn choices(manifest: &str) -> anyhow::Result<Vec<Vec<String>>> {
    let table: toml::Table = manifest.parse()?;
    let Some(features) = table.get("features").and_then(toml::Value::as_table) else { return Ok(Vec::new()) };
    let none = vec!["--no-default-features".to_owned()];
    let mut choices = vec![none.clone()];
    for name in features.keys().filter(|name| *name != "default") {
        choices.push(none.iter().cloned().chain(["--features".to_owned(), name.clone()]).collect());
    }
    if features.contains_key("default") {
        choices.push(Vec::new());
    }
    Ok(choices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_feature_is_chosen_alone_and_none_and_the_default_are_choices() {
        assert_eq!(choices("[package]\nname = 'a'").unwrap(), [[""; 0]; 0]);
        let choices = |features: &str| -> Vec<String> {
            choices(&format!("[features]\n{features}")).unwrap().iter().map(|choice| choice.join(" ")).collect()
        };
        assert_eq!(choices("a = []"), ["--no-default-features", "--no-default-features --features a"]);
        assert_eq!(
            choices("default = ['a']\na = []\nb = []"),
            ["--no-default-features", "--no-default-features --features a", "--no-default-features --features b", ""]
        );
    }
}
