//! `cargo xtask manual`: pages of the manual and completions, as packages for systems want them.

use std::{fs, path::Path};

use anyhow::Context as _;
use xshell::{Shell, cmd};

/// Shells that completions are made for.
const SHELLS: [(&str, &str); 5] = [
    ("bash", "cos-batch.bash"),
    ("zsh", "_cos-batch"),
    ("fish", "cos-batch.fish"),
    ("elvish", "cos-batch.elv"),
    ("powershell", "_cos-batch.ps1"),
];

/// Writes both below `target/manual`.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let folder = root.join("target/manual");
    let pages = folder.join("man1");
    cmd!(shell, "cargo run --quiet --package cos-batch --bin cos-batch -- manual {pages}").run()?;
    let completions = folder.join("completions");
    fs::create_dir_all(&completions)?;
    for (name, file) in SHELLS {
        let text = cmd!(shell, "cargo run --quiet --package cos-batch --bin cos-batch -- completions {name}").read()?;
        fs::write(completions.join(file), text + "\n").with_context(|| format!("completions for {name}"))?;
    }
    println!("completions are in {}", completions.display());
    Ok(())
}
