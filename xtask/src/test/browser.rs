//! The browser that tests the console: Chromium, and the programs that steer it and look at its pages.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::apt;

/// What is installed, to the byte.
const LISTS: [&str; 2] = ["package.json", "package-lock.json"];

/// Where these lists are.
const FOLDER: &str = "xtask/browser";

/// What Debian and Ubuntu call a browser, and a font with Chinese characters.
const BROWSER: [&str; 2] = ["chromium", "fonts-wqy-microhei"];

/// And what the program runs in that steers it. Where both are there from elsewhere, these may exclude each other.
const RUNTIME: [&str; 2] = ["nodejs", "npm"];

/// What to do where it cannot be installed.
const ADVICE: &str = "install Chromium, and Node.js 20 or newer with npm (Debian and Ubuntu: `apt install chromium nodejs \
                      npm fonts-wqy-microhei`), or name a browser in the variable CHROMIUM";

/// Installs what is missing, and brings the programs into the target folder; the tests then need no network.
pub(super) fn environment(root: &Path) -> anyhow::Result<()> {
    if !(runs("node") && runs("npm")) {
        apt::install("Node.js or npm is", &RUNTIME);
    }
    if !has_browser() {
        apt::install("a browser is", &BROWSER);
    }
    if !has_browser() {
        bail!("there is no Chromium: {ADVICE}");
    }
    let folder = crate::target(root).join("browser");
    if is_ready(root, &folder) {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    for list in LISTS {
        fs::copy(root.join(FOLDER).join(list), folder.join(list)).with_context(|| format!("{FOLDER}/{list}"))?;
    }
    let npm =
        Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder).status();
    if !npm.with_context(|| format!("`npm` cannot be started: {ADVICE}"))?.success() {
        bail!("`npm ci` failed in {}: it needs a network, once", folder.display());
    }
    // What was installed is what the lists said.
    fs::copy(folder.join(LISTS[1]), folder.join("installed.json"))?;
    Ok(())
}

/// Whether the folder holds what the lists ask for.
fn is_ready(root: &Path, folder: &Path) -> bool {
    let installed = fs::read(folder.join("installed.json"));
    let wanted = fs::read(root.join(FOLDER).join(LISTS[1]));
    matches!((installed, wanted), (Ok(installed), Ok(wanted)) if installed == wanted)
}

fn runs(program: &str) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

fn has_browser() -> bool {
    std::env::var_os("CHROMIUM").is_some() || ["chromium", "chromium-browser", "google-chrome"].into_iter().any(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    #[test]
    fn the_lists_name_versions_and_no_host() {
        for list in LISTS {
            let text = fs::read_to_string(root().join(FOLDER).join(list)).unwrap();
            assert!(!text.contains("\"^") && !text.contains("resolved"), "{list}");
        }
    }

    #[test]
    fn a_folder_is_ready_with_just_what_the_lists_say() {
        let folder = std::env::temp_dir().join(format!("browser-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(!is_ready(&root(), &folder));
        fs::copy(root().join(FOLDER).join(LISTS[1]), folder.join("installed.json")).unwrap();
        assert!(is_ready(&root(), &folder));
        fs::write(folder.join("installed.json"), "{}").unwrap();
        assert!(!is_ready(&root(), &folder));
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_program_that_is_not_there_does_not_run() {
        assert!(!runs("no-such-program") && runs("cargo"));
    }
}
