//! The report for people.

use std::fmt;

use super::{Basis, CheckResult, Outcome, Report};

/// Characters in a line: what a terminal has at the least.
const COLUMNS: usize = 80;

/// Where the texts of a check's details begin.
const INDENT: usize = 18;

/// Most characters of what was found that are shown; answers can be long.
const SHOWN_MAX: usize = 600;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut group = None;
        for result in &self.checks {
            if group != Some(result.check.group()) {
                group = Some(result.check.group());
                writeln!(f, "{}", result.check.group())?;
            }
            check(f, result)?;
        }
        if !self.left_behind.is_empty() {
            writeln!(f, "left behind, since they could not be deleted")?;
            for job in &self.left_behind {
                writeln!(f, "  {}", job.as_str().escape_debug())?;
            }
        }
        let (failed, skipped) = (self.failed_ids().count(), self.skipped_ids().count());
        let passed = self.passed();
        write!(f, "{}: {passed} passed, {failed} failed, {skipped} skipped; {} requests", self.suite, self.requests)
    }
}

fn check(f: &mut fmt::Formatter<'_>, result: &CheckResult) -> fmt::Result {
    let check = &result.check;
    match &result.outcome {
        Outcome::Passed => writeln!(f, "  ok    {}", check.id),
        Outcome::Skipped { why } => {
            writeln!(f, "  skip  {}", check.id)?;
            detail(f, "why", why)
        }
        Outcome::Failed { expected, found } => {
            writeln!(f, "  FAIL  {}", check.id)?;
            detail(f, "rule", check.rule)?;
            let source = match check.basis {
                Basis::Documented => check.source.to_owned(),
                Basis::Settled => format!("{} (settled by cos-batch, since the API is silent)", check.source),
            };
            detail(f, "source", &source)?;
            detail(f, "expected", expected)?;
            detail(f, "found", found)
        }
    }
}

fn detail(f: &mut fmt::Formatter<'_>, name: &str, text: &str) -> fmt::Result {
    write!(f, "        {name:<10}")?;
    for (index, line) in wrapped(text).iter().enumerate() {
        if index > 0 {
            write!(f, "{:INDENT$}", "")?;
        }
        writeln!(f, "{line}")?;
    }
    Ok(())
}

/// The text in lines that fit, without characters that could steer a terminal.
fn wrapped(text: &str) -> Vec<String> {
    let mut clean: String = text.chars().take(SHOWN_MAX).flat_map(shown).collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        clean.push('…');
    }
    let room = COLUMNS - INDENT;
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in clean.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + word.len() > room {
            lines.push(String::new());
            used = 0;
        }
        while word.len() > room {
            let rest = word.split_off(room);
            lines.push(word.into_iter().collect());
            word = rest;
            lines.push(String::new());
        }
        let Some(line) = lines.last_mut() else { continue };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        used += word.len();
        line.extend(word);
    }
    lines.retain(|line| !line.is_empty());
    if lines.is_empty() {
        lines.push(String::new());
    }
    lines
}

fn shown(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

#[cfg(test)]
mod tests {
    use super::super::{CheckInfo, Group};
    use super::*;

    fn result(id: &'static str, basis: Basis, outcome: Outcome) -> CheckResult {
        let rule = "a rule that is long enough to need a second line when it is shown to a person in a terminal";
        CheckResult { check: CheckInfo { id, rule, basis, source: "CreateJob" }, outcome }
    }

    fn sample() -> Report {
        let failed = |found: &str| Outcome::Failed { expected: "something".into(), found: found.into() };
        Report {
            suite: "wire",
            checks: vec![
                result("basic/one", Basis::Documented, Outcome::Passed),
                result("basic/two", Basis::Documented, failed("a \u{1b}[2J\nthat would clear the screen")),
                result("auth/three", Basis::Settled, failed(&"x".repeat(150))),
                result("auth/four", Basis::Settled, Outcome::Skipped { why: "there is no second account".into() }),
            ],
            requests: 12,
            left_behind: vec![cos_batch_model::JobId::new("job-1").unwrap()],
        }
    }

    #[test]
    fn as_text() {
        let text = sample().to_string();
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn as_json() {
        insta::assert_snapshot!(sample().to_json());
    }

    #[test]
    fn what_is_found_may_have_any_length() {
        for length in [0, 1, 61, 62, 63, 124, 125, 599, 600, 601, 5000] {
            let text = "é".repeat(length);
            let lines = wrapped(&text);
            assert!(lines.iter().all(|line| line.chars().count() <= COLUMNS - INDENT), "{length}");
            let kept = lines.concat().chars().filter(|c| *c == 'é').count();
            assert_eq!(kept, length.min(SHOWN_MAX), "{length}");
        }
        assert_eq!(wrapped("a b"), ["a b"]);
    }

    #[test]
    fn counts() {
        let report = sample();
        assert!(!report.is_conformant());
        assert_eq!(report.failed_ids().collect::<Vec<_>>(), ["basic/two", "auth/three"]);
        assert_eq!(report.skipped_ids().collect::<Vec<_>>(), ["auth/four"]);
        assert_eq!(report.passed(), 1);
        assert_eq!(report.checks[2].check.group(), Group::Auth);
    }
}
