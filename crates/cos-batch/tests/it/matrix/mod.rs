//! Each command under each condition: what it says, and with which code it ends.
//!
//! | look in | for |
//! |---|---|
//! | `bad_input` | what is wrong with a flag, a name, a file |
//! | `nobody` | no server, one that ends the connection, says nothing, is something else, or does not know the key |
//! | `pipes` | good input, read by nobody, by a full disk, by a program |

mod bad_input;
mod nobody;
mod pipes;
mod stranger;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    process::{Child, Command, Stdio},
};

use crate::support::{Said, program, run};

/// Words of a command line that has no spaces in its words.
fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

/// Starts all, then waits for each: what waits for an answer does so beside the others.
fn run_all(commands: Vec<Command>) -> Vec<Said> {
    let start = |mut command: Command| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let children: Vec<Child> = commands.into_iter().map(start).collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap().into()).collect()
}

/// What was said, each text once, below the lines after which it was said.
fn grouped(said: &[(String, Said)]) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (line, said) in said {
        assert!(!said.err.contains("panicked"), "{line}: {said:?}");
        // Each request has another id.
        let same =
            |line: &str| if line.starts_with("request id: ") { "request id: NjkyM2FhYmI=" } else { line }.to_owned();
        let err: Vec<String> = said.err.lines().map(same).collect();
        let text = format!("exit code {}\n{}{}", said.code, said.out, err.join("\n"));
        match groups.iter_mut().find(|(known, _)| *known == text) {
            Some((_, lines)) => lines.push(line),
            None => groups.push((text, vec![line])),
        }
    }
    let mut page = String::new();
    for (text, lines) in groups {
        for line in lines {
            writeln!(page, "$ {line}").unwrap();
        }
        writeln!(page, "{}\n", text.trim_end()).unwrap();
    }
    page
}

/// Every command there is, and each part of those that have parts.
pub(crate) fn all_commands() -> BTreeSet<String> {
    let parts = |of: &[&str]| -> Vec<String> {
        let help = run(program().args(of).arg("-h")).with_code(0);
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
        let names = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    let mut all = BTreeSet::from(["manual".to_owned()]);
    for name in parts(&[]) {
        let below = parts(&[&name]);
        if below.is_empty() {
            all.insert(name);
        } else {
            all.extend(below.iter().map(|part| format!("{name} {part}")));
        }
    }
    all
}

/// Which commands these lines call.
fn called<'a>(lines: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let all = all_commands();
    lines
        .filter_map(|line| all.iter().find(|name| format!("{line} ").starts_with(&format!("{name} "))))
        .cloned()
        .collect()
}
