//! The page: each group's text, its figures and its drawings.

use std::fmt::Write as _;

use crate::{Group, Report, Role, Row, number::number, title};

/// What people wrote around the figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The group's name; empty for the page's beginning.
    pub group: String,
    /// In Markdown, without the heading.
    pub text: String,
}

/// How texts lead to the documents, seen from their own folder; the page is one of the documents.
const TO_DOCUMENTS: &str = "](../../../docs/";

/// How texts lead to all else.
const TO_ROOT: &str = "](../../../";

/// The page, in Markdown.
pub fn page(report: &Report, texts: &[Text]) -> String {
    let text_of = |group: &str| {
        let text = texts.iter().find(|text| text.group == group).map_or("", |text| text.text.trim());
        text.replace(TO_DOCUMENTS, "](").replace(TO_ROOT, "](../")
    };
    let mut page = String::from("# Performance\n\n");
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(page, "{}\n", text_of(""));
    summary(&mut page, report);
    for group in &report.groups {
        let _ = writeln!(page, "## {}\n", title(&group.name));
        let text = text_of(&group.name);
        if !text.is_empty() {
            let _ = writeln!(page, "{text}\n");
        }
        table(&mut page, group);
        for chart in &group.charts {
            let _ = writeln!(page, "![{}]({})\n", chart.title, chart.path_from_docs());
        }
        conditions(&mut page, group);
    }
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// One line for each goal.
fn summary(page: &mut String, report: &Report) {
    if report.groups.iter().flat_map(|group| &group.rows).all(|row| row.goals.is_empty()) {
        return;
    }
    page.push_str("| work | compared with | goal | found | |\n|---|---|---|---|---|\n");
    for group in &report.groups {
        for row in &group.rows {
            for goal in &row.goals {
                let (against, found) = match goal.about() {
                    None => (String::new(), format!("{} {}", number(row.ours.median()), row.unit)),
                    Some(name) => {
                        (name.to_owned(), row.other(name).map_or_else(String::new, |o| ratio(row, &o.spread)))
                    }
                };
                let verdict = row.verdict(goal).as_str();
                let words = goal.words(&row.unit);
                let _ = writeln!(page, "| {} | {against} | {words} | {found} | {verdict} |", row.what);
            }
        }
    }
    page.push('\n');
}

fn table(page: &mut String, group: &Group) {
    page.push_str("| work | | median | least – most | ours against it | goal | |\n|---|---|---:|---:|---:|---|---|\n");
    for row in &group.rows {
        let spread = |spread: &crate::Spread| {
            let range = match spread.values().len() {
                0 | 1 => String::new(),
                _ => format!("{} – {}", number(spread.min()), number(spread.max())),
            };
            format!("{} | {range}", number(spread.median()))
        };
        let goals_alone = goals(row, None);
        let _ = writeln!(page, "| {}, {} | ours | {} | | {goals_alone} |", row.what, row.unit, spread(&row.ours));
        for other in &row.others {
            let name = match other.role {
                Role::Peer => other.name.clone(),
                Role::Limit => format!("limit: {}", other.name),
            };
            let (goals, ratio) = (goals(row, Some(&other.name)), ratio(row, &other.spread));
            let _ = writeln!(page, "| | {name} | {} | {ratio} | {goals} |", spread(&other.spread));
        }
    }
    page.push('\n');
}

/// Two cells: the goals, and whether they were reached.
fn goals(row: &Row, about: Option<&str>) -> String {
    let found: Vec<_> = row.goals.iter().filter(|goal| goal.about() == about).collect();
    let words: Vec<_> = found.iter().map(|goal| goal.words(&row.unit)).collect();
    let verdicts: Vec<_> = found.iter().map(|goal| row.verdict(goal).as_str()).collect();
    format!("{} | {}", words.join(", "), verdicts.join(", "))
}

/// How many times the other ours is.
fn ratio(row: &Row, other: &crate::Spread) -> String {
    let times = row.ours.times(other);
    if !times.is_finite() {
        String::new()
    } else if times < 0.1 && times > 0.0 {
        format!("1/{}×", number(1.0 / times))
    } else {
        format!("{times:.2}×")
    }
}

fn conditions(page: &mut String, group: &Group) {
    let machine = &group.machine;
    let gib = machine.memory as f64 / (1024.0 * 1024.0 * 1024.0);
    let _ = write!(
        page,
        "Measured {} in {} rounds on {} ({} cores, {gib:.0} GiB), {}, {}",
        machine.date, group.rounds, machine.processor, machine.cores, machine.kernel, machine.compiler
    );
    for (name, version) in &group.versions {
        let _ = write!(page, ", {name} {version}");
    }
    page.push_str(if group.quick { "; a short run.\n\n" } else { ".\n\n" });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Goal, Spread};

    #[test]
    fn texts_stand_around_the_figures() {
        let row = Row::new("work", "µs", Spread::new([10.0, 12.0, 11.0]))
            .peer("peer", Spread::new([40.0, 48.0, 44.0]))
            .goal(Goal::times_less(5.0, "peer"))
            .goal(Goal::AtMost(20.0));
        let group = Group { name: "codec".into(), rounds: 3, rows: vec![row], ..Group::default() };
        let texts = [
            Text { group: String::new(), text: "Beginning.\n".into() },
            Text { group: "codec".into(), text: "See [x](../../../docs/x.md), [y](../../../README.md).\n".into() },
        ];
        let page = page(&Report { groups: vec![group] }, &texts);
        for part in [
            "# Performance\n\nBeginning.\n\n| work |",
            "## Reading and writing XML\n\nSee [x](x.md), [y](../README.md).\n\n| work |",
            "| work, µs | ours | 11 | 10 – 12 | | at most 20 µs | reached |\n",
            "| | peer | 44 | 40 – 48 | 0.25× | at least 5× less | **missed** |\n",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        assert!(page.ends_with(".\n") && !page.ends_with("\n\n"));
    }
}
