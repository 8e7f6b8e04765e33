//! Examples for the ends of long helps, of commands that need one alone and have it nowhere else.

/// Commands, by the words that choose them, each with a whole line that could be typed; what is broken into two goes on indented.
const EXAMPLES: &[(&str, &str)] = &[
    ("serve", "cos-batch serve --data data --metrics-listen 127.0.0.1:9451"),
    (
        "validate",
        "cos-batch validate --operation delete --manifest photos-1250000000/list.csv \\\n    \
         --etag 900150983cd24fb0d6963f7d28e17f72 --report-bucket archive-1250000000",
    ),
    ("describe", "cos-batch describe JOB --output json"),
    ("list", "cos-batch list --newest --limit 20 --status Failed,Cancelled"),
    ("priority", "cos-batch priority JOB 50"),
    ("confirm", "cos-batch confirm JOB --dry-run"),
    ("cancel", "cos-batch cancel JOB --reason wrong-manifest --yes"),
    ("delete", "cos-batch delete JOB"),
    ("wait", "cos-batch wait JOB --give-up-after 3600"),
    ("watch", "cos-batch watch"),
    ("report", "cos-batch report JOB --failed"),
    ("retry", "cos-batch retry JOB --wait"),
    ("config", "cos-batch config check --config cos-batch.toml --connect"),
    ("backup", "cos-batch backup --data /var/lib/cos-batch --to /backup/monday"),
    ("restore", "cos-batch restore --from /backup/monday --data /var/lib/cos-batch"),
    ("demo", "cos-batch demo --objects 2000"),
];

/// The example of this command, as the end of its help; nothing where there is none, which a test sees to.
pub(super) fn of(command: &str) -> String {
    let Some((_, line)) = EXAMPLES.iter().find(|(name, _)| *name == command) else { return String::new() };
    let lines: Vec<String> = line.lines().map(|line| format!("  {line}")).collect();
    format!("Example:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::*;
    use crate::args::Args;

    #[test]
    fn each_command_has_an_example_that_is_understood() {
        let whole = Args::command();
        // In the end of its help, in what it says of itself, or in those of commands below it.
        fn has_one(command: &clap::Command) -> bool {
            let texts = [command.get_after_long_help(), command.get_long_about()];
            let shown = texts.into_iter().flatten().any(|text| text.to_string().contains(" cos-batch "));
            shown || (command.has_subcommands() && command.get_subcommands().any(has_one))
        }
        for command in whole.get_subcommands().filter(|command| !command.is_hide_set()) {
            assert!(has_one(command), "{}", command.get_name());
        }
        for (name, line) in EXAMPLES {
            let command = whole.find_subcommand(name).unwrap();
            assert_eq!(command.get_after_long_help().map(ToString::to_string), Some(of(name)), "{name}");
            let words = line.replace("\\\n", " ").replace("JOB", "01a20ba1-cc2e-7f77-b6a4-0fb0ea754905");
            let words: Vec<&str> = words.split_whitespace().collect();
            assert_eq!(words[..2], ["cos-batch", name], "{line}");
            if let Err(error) = Args::try_parse_from(&words) {
                panic!("{line}: {error}");
            }
        }
    }
}
