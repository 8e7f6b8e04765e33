//! The console in a real browser: every flow of it, on a server of its own.
//!
//! The flows are in `suite.mjs`. What they need is installed by `cargo xtask test --only browser`; screenshots of the
//! pages are left in `console-screenshots` of the target folder.

#![expect(clippy::unwrap_used, reason = "helpers of tests: a panic is how a test fails")]

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Files of the job that is watched while it runs: it lasts a minute, at the pace of [`SLOWLY`].
const FILES: usize = 900;

/// The server's settings until it is killed in the middle of that job; then the flows let it hurry.
const SLOWLY: &str = "[engine]\noperations_per_second = 15\n";

const SOURCE: &str = "photos-1250000000";
const TARGET: &str = "archive-1250000000";
const FOREIGN: &str = "secrets-1251111111";

/// Keys that want to be more than names.
const HOSTILE: [&str; 5] = [
    "<img src=x onerror=alert(1)>.txt",
    "\"'><script>alert(2)<!-- .txt",
    "javascript:alert(3).csv",
    "{{ 7*7 }} ${7*7} %3Cb%3E &amp;.txt",
    "\u{202e}fdp.exe\u{202c} 中文 a very long name that goes on and on and on and on and on and on and on and on.txt",
];

/// Where cargo builds.
fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder of the target folder").to_owned()
}

fn browser() -> PathBuf {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return named.into();
    }
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|at| at.is_file());
    found.expect("there is no Chromium; `cargo xtask test --only browser` installs it")
}

/// Buckets with files, keys of two accounts, and settings that make jobs slow enough to be watched.
fn prepare(root: &Path) {
    let bucket = |name: &str| root.join("data/buckets").join(name);
    for name in [SOURCE, TARGET, FOREIGN] {
        fs::create_dir_all(bucket(name)).unwrap();
    }
    fs::create_dir_all(bucket(SOURCE).join("2026/night")).unwrap();
    fs::create_dir_all(bucket(SOURCE).join("odd")).unwrap();
    fs::create_dir_all(bucket(SOURCE).join("lists")).unwrap();
    let mut rows = String::new();
    for number in 0..FILES {
        let key = format!("2026/night/{number:05}.jpg");
        fs::write(bucket(SOURCE).join(&key), format!("picture {number}\n").repeat(number % 50 + 1)).unwrap();
        writeln!(rows, "{SOURCE},{key}").unwrap();
    }
    for number in 0..9 {
        writeln!(rows, "{SOURCE},2026/night/gone-{number}.jpg").unwrap();
    }
    writeln!(rows, "{SOURCE},%3Cimg%20src%3Dx%20onerror%3Dalert%284%29%3E").unwrap();
    writeln!(rows, "{FOREIGN},secret.txt").unwrap();
    fs::write(bucket(SOURCE).join("lists/night.csv"), rows).unwrap();
    for key in HOSTILE {
        fs::write(bucket(SOURCE).join("odd").join(key), "odd").unwrap();
    }
    fs::write(bucket(FOREIGN).join("secret.txt"), "secret").unwrap();
    let keys = "[[key]]\nsecret_id = \"AKIDone\"\nsecret_key = \"secretOfTheFirst\"\nappid = \"1250000000\"\n\
                [[key]]\nsecret_id = \"AKIDtwo\"\nsecret_key = \"secretOfTheSecond\"\nappid = \"1251111111\"\n";
    let path = root.join("keys.toml");
    fs::write(&path, keys).unwrap();
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(root.join("config.toml"), SLOWLY).unwrap();
}

#[test]
fn every_flow_of_the_console_in_a_browser() {
    let modules = target_folder().join("browser/node_modules");
    assert!(modules.is_dir(), "`cargo xtask test --only browser` installs what this test needs");
    let shots = target_folder().join("console-screenshots");
    fs::create_dir_all(&shots).unwrap();
    let mut folder = tempfile::Builder::new();
    // Somebody looks for secrets in it afterwards.
    let root = match std::env::var_os("COS_BATCH_LEFT") {
        Some(place) => folder.disable_cleanup(true).tempdir_in(place),
        None => folder.tempdir(),
    };
    let root = root.unwrap();
    prepare(root.path());
    let output = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console/suite.mjs"))
        .env("MODULES", &modules)
        .env("BROWSER", browser())
        .env("PROGRAM", env!("CARGO_BIN_EXE_cos-batch"))
        .env("ROOT", root.path())
        .env("SHOTS", &shots)
        .output()
        .expect("Node.js starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{}", output.status);
    assert!(text(&output.stdout).contains("all flows passed"), "the flows were gone through to their end");
}
