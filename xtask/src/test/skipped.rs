//! Tests that passed without looking, for the machine lacks what they need: each says so, in output that nobody sees of a test that
//! passes.

use std::{fs, path::Path};

use anyhow::Context as _;

/// What tests print in place of looking.
const WORD: &str = "SKIPPED: ";

/// What the tests of the last run by nextest have said: the test's name, and why.
pub(super) fn told(target: &Path) -> anyhow::Result<Vec<String>> {
    let file = target.join("nextest/default/junit.xml");
    let text = fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
    Ok(found(&text))
}

fn found(report: &str) -> Vec<String> {
    let mut test = "";
    let mut found = Vec::new();
    for line in report.lines() {
        if let Some((_, rest)) = line.split_once("<testcase name=\"") {
            test = rest.split('"').next().unwrap_or_default();
        }
        if let Some((_, why)) = line.split_once(WORD) {
            let why = why.split('<').next().unwrap_or_default();
            found.push(format!("{test}: {}", why.replace("&quot;", "\"").replace("&amp;", "&")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_looked_at_nothing_is_named() {
        let report = "<testsuite name=\"it\">\n\
            <testcase name=\"one\" classname=\"it\"><system-out>fine</system-out></testcase>\n\
            <testcase name=\"other\" classname=\"it\">\n<system-err>before\nSKIPPED: there is no nginx\nbehind</system-err></testcase>\n\
            <testcase name=\"third\" classname=\"it\"><system-err>SKIPPED: no &quot;x&quot; &amp; y</system-err></testcase>\n";
        assert_eq!(found(report), ["other: there is no nginx", "third: no \"x\" & y"]);
    }
}
