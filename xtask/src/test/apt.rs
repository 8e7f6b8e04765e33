//! Programs that are installed where they are missing.

use std::process::Command;

/// Installs these packages of Debian where there is apt-get and the right to use it without asking anybody. Whether it helped
/// is for the caller to find out.
pub(crate) fn install(what: &str, packages: &[&str]) {
    let install: Vec<&str> =
        ["install", "-q", "-y", "--no-install-recommends"].iter().chain(packages).copied().collect();
    let steps = [&["update", "-q"][..], &install];
    let _ = [&["apt-get"][..], &["sudo", "-n", "apt-get"]].into_iter().any(|prefix| {
        println!("{what} missing: trying {}", prefix.join(" "));
        steps.iter().all(|step| {
            let words: Vec<&str> = prefix[1..].iter().chain(*step).copied().collect();
            Command::new(prefix[0]).args(words).status().is_ok_and(|status| status.success())
        })
    });
}
