//! The command line as a whole.

use clap::Parser;

use crate::{command::Command, exit::Exit};

/// COS Batch Operations: one operation on every object that a manifest names.
///
/// `cos-batch serve` runs a server on a local folder. The other commands talk to such a server, or to the service of
/// Tencent Cloud. `cos-batch demo` shows all of it in a few seconds.
#[derive(Debug, Parser)]
#[command(name = "cos-batch", version, max_term_width = 100, after_long_help = Exit::help(), disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_page_on_the_command_line_names_every_command_and_variable() {
        let page = include_str!("../../../docs/cli.md");
        for command in Args::command().get_subcommands() {
            assert!(
                page.contains(&format!("`cos-batch {}", command.get_name())),
                "docs/cli.md: {}",
                command.get_name()
            );
            for variable in command.get_arguments().filter_map(|argument| argument.get_env()) {
                let variable = variable.to_str().unwrap();
                assert!(page.contains(&format!("`{variable}`")), "docs/cli.md: {variable}");
            }
        }
    }
}
