//! `cargo xtask bench`: builds what measures, runs it, and keeps what it found.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use cos_batch_figures::{Change, Report, Text, changes, page};
use xshell::{Shell, cmd};

use crate::long;

/// Where figures are kept.
const FIGURES: &str = "docs/performance.json";

/// The page that shows them.
const PAGE: &str = "docs/performance.md";

/// The group that is measured by [`long::nodes`]: several processes and a PostgreSQL.
const NODES: &str = "nodes";

/// The folder of its drawings.
const CHARTS: &str = "docs/performance";

/// What people wrote around the figures: `<group>.md`, and [`HEAD`].
const TEXTS: &str = "xtask/bench/text";

/// The page's beginning.
const HEAD: &str = "head";

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The groups to measure; all if none is named, but for `nodes`, whose figures stand on the page on scaling.
    groups: Vec<String>,
    /// A short run, to see that everything works: its figures are printed but not kept.
    #[arg(long)]
    quick: bool,
    /// How many times each contender is measured.
    #[arg(long, value_name = "N")]
    rounds: Option<usize>,
    /// Measure nothing; write the page anew, after a text was changed.
    #[arg(long, conflicts_with_all = ["groups", "quick", "rounds", "lint"])]
    page: bool,
    /// Measure nothing; let clippy look at the package that measures, which no stage of the test does, and run its tests.
    #[arg(long, conflicts_with_all = ["groups", "quick", "rounds"])]
    lint: bool,
}

/// Measures and keeps, or does what else the arguments say.
///
/// # Errors
///
/// What cannot be built, measured or written.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let shell = Shell::new()?;
    shell.change_dir(root);
    if arguments.lint {
        cmd!(shell, "cargo clippy -p cos-batch-bench --all-targets --all-features -- -D warnings").run()?;
        cmd!(shell, "cargo test -p cos-batch-bench --quiet").run()?;
        return Ok(());
    }
    let (nodes, groups): (Vec<String>, Vec<String>) = arguments.groups.iter().cloned().partition(|name| name == NODES);
    if !nodes.is_empty() {
        long::nodes::run(root, &long::nodes::Arguments::of_bench(arguments.quick))?;
        if groups.is_empty() {
            return Ok(());
        }
    }
    let mut kept = read(root)?;
    if !arguments.page {
        let now = measured(&shell, root, arguments, &groups)?;
        print_changes(&changes(&kept, &now));
        print_verdicts(&now);
        if arguments.quick {
            println!("a short run: {FIGURES} and {PAGE} are as they were");
            return Ok(());
        }
        kept.take(now);
    }
    for (path, text) in files(root, &kept)? {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    println!("{PAGE} is written");
    Ok(())
}

/// Fails if the page is not what the kept figures and the texts make.
///
/// # Errors
///
/// A file that differs or cannot be read.
pub(crate) fn check(root: &Path) -> anyhow::Result<()> {
    for (path, text) in files(root, &read(root)?)? {
        let found = fs::read_to_string(root.join(&path)).with_context(|| format!("reading {}", path.display()))?;
        let shown = path.display();
        ensure!(found == text, "{shown} is not what {FIGURES} and {TEXTS} make: cargo xtask bench --page");
    }
    Ok(())
}

fn measured(shell: &Shell, root: &Path, arguments: &Arguments, groups: &[String]) -> anyhow::Result<Report> {
    let target = crate::target(root);
    let output = target.join("bench.json");
    cmd!(shell, "cargo build --release --quiet -p cos-batch-bench").run()?;
    let program = target.join("release/cos-batch-bench");
    let mut words = groups.to_vec();
    if arguments.quick {
        words.push("--quick".into());
    }
    if let Some(rounds) = arguments.rounds {
        words.extend(["--rounds".into(), rounds.to_string()]);
    }
    cmd!(shell, "{program} {words...} --root {root} --target {target} --output {output}").run()?;
    parse(&output)
}

/// What was kept; nothing at first.
fn read(root: &Path) -> anyhow::Result<Report> {
    let path = root.join(FIGURES);
    if path.exists() { parse(&path) } else { Ok(Report::default()) }
}

fn parse(path: &Path) -> anyhow::Result<Report> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a report", path.display()))
}

/// Every file that is written, by its path from the root.
fn files(root: &Path, report: &Report) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut files = vec![
        (FIGURES.into(), serde_json::to_string_pretty(report)? + "\n"),
        (PAGE.into(), page(report, &texts(&root.join(TEXTS))?)),
    ];
    for chart in report.groups.iter().flat_map(|group| &group.charts) {
        files.push((Path::new(CHARTS).join(format!("{}.svg", chart.file)), chart.svg()));
    }
    Ok(files)
}

fn texts(folder: &Path) -> anyhow::Result<Vec<Text>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let group = if name == HEAD { String::new() } else { name };
        texts.push(Text { group, text: fs::read_to_string(&path)? });
    }
    Ok(texts)
}

fn print_changes(changes: &[Change]) {
    println!("{:<70} {:<24} {:>12} {:>12} {:>8}", "work", "whose", "committed", "now", "change");
    for change in changes {
        let work = format!("{}: {}, {}", change.group, change.what, change.unit);
        let before = change.before.map_or_else(|| "new".to_owned(), |before| format!("{before:.3}"));
        let percent = change.percent().map_or_else(String::new, |percent| format!("{percent:+.1} %"));
        println!("{work:<70} {:<24} {before:>12} {:>12.3} {percent:>8}", change.whose, change.now);
    }
}

fn print_verdicts(report: &Report) {
    for row in report.groups.iter().flat_map(|group| &group.rows) {
        for goal in &row.goals {
            let about = goal.about().unwrap_or_default();
            let found = row.other(about).map_or_else(|| row.ours.median(), |other| row.ours.times(&other.spread));
            println!("{}: {} {about}: {found:.3}: {:?}", row.what, goal.words(&row.unit), row.verdict(goal));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cos_batch_figures::{Chart, Group, Row, Scale, Spread};

    #[test]
    fn a_page_that_was_edited_by_hand_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join(TEXTS)).unwrap();
        fs::write(root.join(TEXTS).join("head.md"), "Beginning.\n").unwrap();
        fs::write(root.join(TEXTS).join("codec.md"), "About it.\n").unwrap();
        let chart = Chart {
            file: "a".into(),
            title: "A".into(),
            across: "x".into(),
            up: "y".into(),
            across_scale: Scale::Linear,
            up_scale: Scale::Linear,
            series: Vec::new(),
        };
        let rows = vec![Row::new("work", "µs", Spread::new([1.5, 2.25]))];
        let group = Group { name: "codec".into(), rows, charts: vec![chart], ..Group::default() };
        fs::create_dir_all(root.join("docs")).unwrap();
        fs::write(root.join(FIGURES), serde_json::to_string(&Report { groups: vec![group] }).unwrap()).unwrap();
        assert!(check(root).is_err());
        let arguments = Arguments { groups: Vec::new(), quick: false, rounds: None, page: true, lint: false };
        run(root, &arguments).unwrap();
        check(root).unwrap();
        let page = fs::read_to_string(root.join(PAGE)).unwrap();
        assert!(page.contains("Beginning.") && page.contains("About it.") && page.contains("(performance/a.svg)"));
        fs::write(root.join(PAGE), page.replace("1.88", "1.00")).unwrap();
        let error = check(root).unwrap_err().to_string();
        assert!(error.contains("docs/performance.md is not what"), "{error}");
    }
}
