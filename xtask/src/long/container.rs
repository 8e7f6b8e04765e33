//! `cargo xtask long container`: the server, linked statically, in the root file system of the image: what is tested there with the
//! program of the tests is tested with the one that the image is made of.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use xshell::{Shell, cmd};

use crate::program;

/// The variable by which the tests are told which program to run.
const PROGRAM_VARIABLE: &str = "COS_BATCH_PROGRAM";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Link an unoptimized build, in place of the one that is handed out: minutes less.
    #[arg(long)]
    quick: bool,
}

/// Builds the static program, puts the root file system together with it, and runs the server in there.
///
/// # Errors
///
/// The program cannot be built, is not static, or does not do in there what it should; nobody but root may change the root.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    let user = cmd!(shell, "id -u").quiet().read()?;
    ensure!(user == "0", "only root may change its root: run it as root, or in a container of your own");
    let program = if arguments.quick { quick(&shell, root)? } else { program::linked_statically(root)? };
    let bytes = fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
    ensure!(program::asks_for_libraries(&bytes) == Some(false), "{} is not static", program.display());
    cmd!(shell, "cargo test --quiet -p cos-batch --all-features --test it -- packaging::")
        .env(PROGRAM_VARIABLE, &program)
        .run()?;
    println!("{}: it serves in a root file system with no library in it", program.display());
    Ok(())
}

/// An unoptimized build: its parts are those of any other, and only the program itself is linked anew.
fn quick(shell: &Shell, root: &Path) -> anyhow::Result<PathBuf> {
    let linking = program::linking(true);
    cmd!(shell, "cargo rustc --quiet -p cos-batch --bin cos-batch --all-features -- {linking}").run()?;
    let debug = crate::target(root).join("debug");
    // The next build puts another one in its place.
    let kept = debug.join("static");
    fs::create_dir_all(&kept).with_context(|| format!("making {}", kept.display()))?;
    let program = kept.join("cos-batch");
    fs::copy(debug.join("cos-batch"), &program).with_context(|| format!("writing {}", program.display()))?;
    Ok(program)
}
