//! Clients of others that are written in Python: their environments, and the scripts that use them.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// The interpreter of a virtual environment in the target folder with what this list names; it is made if it is not there.
pub(crate) fn interpreter(folder: &str, list: &str) -> PathBuf {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name(folder);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../xtask/python");
    let (script, list) = (scripts.join("environment.py"), scripts.join(list));
    let output = Command::new(python).arg(script).arg(folder).arg(list).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// Nobody's settings, no proxy, and no question to a service that knows the machine's role.
pub(crate) fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("AWS_") || text.to_lowercase().ends_with("_proxy") {
            command.env_remove(&name);
        }
    }
    command.env("AWS_CONFIG_FILE", "/dev/null").env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    command.env("AWS_EC2_METADATA_DISABLED", "true");
}

/// Runs one story of a script, with the plan as its input; gives what it printed.
pub(crate) fn script(name: &str, story: &str, plan: &Value) -> String {
    let mut command = Command::new(interpreter("python", "requirements.txt"));
    without_settings(&mut command);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python").join(name)).arg(story);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python starts");
    child.stdin.take().unwrap().write_all(plan.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{name} {story}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
