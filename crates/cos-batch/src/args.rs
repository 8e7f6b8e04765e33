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
    fn the_page_of_commands_and_flags_is_what_they_are() {
        let page = include_str!("../../../docs/flags.md");
        assert!(
            page == crate::command::markdown::page(Args::command()),
            "docs/flags.md is to be written anew: cargo xtask docs"
        );
    }

    /// What cargo and other programs have a flag for, on pages and in READMEs.
    const OTHERS: [&str; 6] = ["--release", "--bin", "--features", "--now", "--schema", "--static"];

    #[test]
    fn the_pages_name_no_flag_that_there_is_not() {
        fn flags(command: &clap::Command, found: &mut std::collections::BTreeSet<String>) {
            found.extend(command.get_arguments().filter_map(|argument| Some(format!("--{}", argument.get_long()?))));
            command.get_subcommands().for_each(|below| flags(below, found));
        }
        let mut known = std::collections::BTreeSet::from(["--help".to_owned(), "--version".to_owned()]);
        flags(&Args::command(), &mut known);
        for page in [
            "cli",
            "configuration",
            "console",
            "guide-cos",
            "guide-stores",
            "guide-testing",
            "manifests",
            "metrics",
            "objects",
            "operating",
            "operations",
            "s3control",
            "tutorial",
        ] {
            let text = std::fs::read_to_string(format!("{}/../../docs/{page}.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
            for (at, _) in text.match_indices("--") {
                let begins = text[..at].ends_with(['`', ' ', '(', '\n', '[']);
                let flag: String = text[at..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect();
                if begins && flag.len() > 3 {
                    assert!(known.contains(&flag) || OTHERS.contains(&&*flag), "docs/{page}.md: {flag}");
                }
            }
        }
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
