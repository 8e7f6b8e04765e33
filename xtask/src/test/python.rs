//! The virtual environments with programs that are not ours: the official Python SDK of COS and servers that speak S3; the
//! command line of AWS.

use std::{
    ffi::OsString,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, bail};

use super::apt;

/// Folders in the target folder, and the lists of what is in each.
const ENVIRONMENTS: [(&str, &str); 2] =
    [("python", "xtask/python/requirements.txt"), ("python-aws", "xtask/python/awscli.txt")];

/// Makes the environment, and is all that knows where the tests look for it.
const SCRIPT: &str = "xtask/python/environment.py";

/// What to do without Python.
const ADVICE: &str = "install Python 3.8 or newer with its venv module (Debian and Ubuntu: `apt install python3 \
                      python3-venv`; macOS: `brew install python`), or name an interpreter in the variable PYTHON";

/// Makes the environments in the target folder, unless they are there already; the tests then need no network for them.
pub(super) fn environment(root: &Path) -> anyhow::Result<()> {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| {
        let python = "python3".into();
        if !has_venv(&python) {
            // Where it cannot be installed, making the environment fails with advice.
            apt::install("Python is", &["python3", "python3-venv"]);
        }
        python
    });
    let (script, target) = (root.join(SCRIPT), crate::target(root));
    // All at once: each is the work of one processor, and waits for the network.
    let begun =
        ENVIRONMENTS.map(|(folder, list)| Making::begin(&python, &script, &target.join(folder), &root.join(list)));
    // Each is waited for, even if another one has failed.
    let made = begun.map(|making| making?.end());
    made.into_iter().collect()
}

/// Whether this Python is there and can make environments.
fn has_venv(python: &OsString) -> bool {
    let mut command = Command::new(python);
    let status = command.args(["-c", "import ensurepip, venv"]).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// An environment that is being made.
struct Making {
    script: Child,
    /// How it was started, for whoever wants to see what went wrong.
    words: String,
}

impl Making {
    fn begin(python: &OsString, script: &Path, folder: &Path, list: &Path) -> anyhow::Result<Self> {
        let child = Command::new(python).arg(script).arg(folder).arg(list).spawn();
        let shown = python.display();
        let child = child.with_context(|| format!("`{shown}` cannot be started: {ADVICE}"))?;
        Ok(Self { script: child, words: format!("{shown} {} {}", script.display(), folder.display()) })
    }

    fn end(mut self) -> anyhow::Result<()> {
        if !self.script.wait()?.success() {
            bail!("`{}` failed: {ADVICE}", self.words);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_that_is_not_there_has_no_venv() {
        assert!(!has_venv(&"no-such-python".into()));
        assert!(!has_venv(&"false".into()));
        assert!(has_venv(&"true".into()), "whatever succeeds will do");
    }

    #[test]
    fn the_script_is_where_it_is_said_to_be() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        assert!(root.join(SCRIPT).is_file());
        for (_, list) in ENVIRONMENTS {
            assert!(root.join(list).is_file(), "{list}");
        }
    }

    #[test]
    fn without_python_one_is_told_how_to_get_it() {
        let make = |python: &str| {
            Making::begin(&python.into(), Path::new("script"), Path::new("folder"), Path::new("list"))?.end()
        };
        let error = make("no-such-python").unwrap_err();
        assert!(error.to_string().contains("`no-such-python` cannot be started: install Python 3.8"), "{error}");
        let error = make("false").unwrap_err();
        assert!(error.to_string().contains("`false script folder` failed: install"), "{error}");
    }
}
