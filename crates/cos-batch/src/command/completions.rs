//! What comes with the program: completions for shells, and pages of the manual.

use std::{fs, path::PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;

use super::markdown;
use crate::{
    exit::{Error, Exit},
    output::Terminal,
    serve::make_folder,
};

/// Name of the program.
const NAME: &str = "cos-batch";

/// The file with all commands and flags on one page.
const ONE_PAGE: &str = "flags.md";

/// Write what a shell needs to complete commands and flags.
///
/// For bash: cos-batch completions bash > ~/.local/share/bash-completion/completions/cos-batch
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Write the pages of the manual into a folder, and `flags.md`: all commands and flags on one page.
#[derive(Args, Debug)]
pub(crate) struct Manual {
    /// The folder; made if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl Completions {
    pub(crate) fn run(self, mut whole: Command, terminal: &mut Terminal) -> Result<Exit, Error> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut whole, NAME, &mut text);
        terminal.bytes(&text)?;
        Ok(Exit::Ok)
    }
}

impl Manual {
    pub(crate) fn run(self, whole: Command, terminal: &mut Terminal) -> Result<Exit, Error> {
        make_folder(&self.folder)?;
        let failed = |error| Error::usage(format!("{}: {error}", self.folder.display()));
        fs::write(self.folder.join(ONE_PAGE), markdown::page(whole.clone())).map_err(failed)?;
        clap_mangen::generate_to(whole, &self.folder).map_err(failed)?;
        terminal.line(&format!("pages are in {}", self.folder.display()))?;
        Ok(Exit::Ok)
    }
}
