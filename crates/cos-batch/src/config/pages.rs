//! The pages have the settings that a file may have, and files on them are right.

use std::{collections::BTreeSet, fs, path::Path};

use cos_batch_engine::Config as EngineConfig;
use cos_batch_objectstore::HttpSettings;

use super::{
    Config, EngineSettings, FUNCTIONS_MAX, LISTEN_DEFAULT, LOG_DEFAULT, Role, SERVICE_NAME_DEFAULT, function,
    store::COPY_SECONDS_MAX,
};
use crate::{blocks::blocks, logging::LogFormat};

pub(super) const CONFIGURATION: &str = "docs/configuration.md";
const OPERATING: &str = "docs/operating.md";

pub(super) fn page(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// The settings that a table takes, as its own refusal of another one names them.
pub(super) fn settings_of(table: &str) -> BTreeSet<String> {
    let refused = Config::parse(&format!("{table}no_such_setting = 1\n")).unwrap_err().to_string();
    let (_, known) = refused.split_once("unknown field `no_such_setting`, expected ").unwrap();
    let known = known.split(" (did you mean").next().unwrap();
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What stands in code quotes, up to a blank in each.
fn quoted(text: &str) -> BTreeSet<String> {
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.map(|name| name.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn each_setting_of_the_file_is_on_a_page() {
    let mut named = BTreeSet::new();
    for path in [CONFIGURATION, OPERATING] {
        let page = page(path);
        let in_files = blocks(&page).into_iter().filter(|block| block.kind == "toml");
        for block in in_files {
            for line in block.text.lines() {
                // `name = value`, `[name]`, `[[name]]`, each perhaps behind a `#`.
                let start = line.trim_start_matches(['#', ' ', '[']);
                named.insert(start.split([' ', ']', '.']).next().unwrap_or_default().to_owned());
            }
        }
        // Tables of their own stand there as `[name]`.
        let start = |name: &String| name.trim_matches(['[', ']']).split('.').next().unwrap_or_default().to_owned();
        named.extend(quoted(&page).iter().map(start));
    }
    let tables = [
        "",
        "[[store]]\n",
        "[[bucket]]\n",
        "[spool]\n",
        "[serve]\n",
        "[engine]\n",
        "[[appid]]\n",
        "[traces]\n",
        "[functions.f]\n",
        "[webhook]\n",
    ];
    for table in tables {
        let settings = settings_of(table);
        assert!(settings.len() > 1, "{table}{settings:?}");
        let missing: Vec<_> = settings.difference(&named).collect();
        assert!(missing.is_empty(), "no page has anything on {missing:?} of {table:?}");
    }
}

/// The names in the first column of the tables below this heading.
fn rows_below<'p>(page: &'p str, heading: &str) -> Vec<(BTreeSet<String>, &'p str)> {
    let section = page.split(&format!("\n## {heading}\n")).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| (quoted(row.split('|').nth(1).unwrap_or_default()), row)).collect()
}

#[test]
fn no_page_has_a_setting_that_there_is_not() {
    let page = page(CONFIGURATION);
    for (heading, table) in [
        ("How `serve` itself is set", "[serve]\n"),
        ("Traces", "[traces]\n"),
        ("Functions", "[functions.f]\n"),
        ("Settings of a store", "[[store]]\n"),
        ("How the engine works", "[engine]\n"),
    ] {
        let settings = settings_of(table);
        let rows = rows_below(&page, heading);
        assert!(!rows.is_empty(), "{heading}");
        for (names, row) in rows {
            assert!(names.is_subset(&settings), "{heading}: {row}");
        }
    }
}

#[test]
fn the_engines_settings_stand_there_with_what_holds_without_them() {
    let page = page(CONFIGURATION);
    let rows = rows_below(&page, "How the engine works");
    for (name, value) in EngineSettings::effective(&EngineConfig::default()) {
        let (_, row) = rows.iter().find(|(names, _)| names.contains(name)).unwrap();
        let expected = value.map_or("no limit".to_owned(), |value| value.to_string());
        assert!(row.ends_with(&format!("| {expected} |")), "{name} is {expected} if it is not set: {row}");
        // A range stands there as `1–256`: both ends are taken, and nothing beyond.
        let range = row.split([' ', ',', ';', ':', '|']).filter_map(|word| word.split_once('–'));
        let range = range.filter_map(|(least, most)| Some((least.parse::<u64>().ok()?, most.parse::<u64>().ok()?)));
        for (least, most) in range {
            let taken = |value: u64| {
                let parsed = Config::parse(&format!("[engine]\n{name} = {value}\n"));
                parsed.and_then(|config| config.engine()).is_ok()
            };
            assert!(taken(least) && taken(most), "{row}");
            assert!(!taken(most + 1) && (least == 0 || !taken(least - 1)), "{row}");
        }
    }
}

#[test]
fn what_holds_without_other_settings_stands_there_too() {
    let page = page(CONFIGURATION);
    let row = |name: &str, rest: &str| {
        let rows: Vec<_> = page.lines().filter(|line| line.starts_with(&format!("| `{name}` |"))).collect();
        assert!(rows.iter().any(|row| row.contains(rest)), "{name} is described otherwise: no {rest:?} in {rows:?}");
    };
    let http = HttpSettings::default();
    row("connections", &format!("connections, and so requests at the same time, at most ({})", http.connections_max));
    let (long, other) = (http.long_timeout.as_secs(), http.total_timeout.as_secs());
    row("copy_timeout", &format!("1–{COPY_SECONDS_MAX} ({long}); anything else takes at most {other} |"));
    row("timeout", &format!("1–{} ({})", function::SECONDS_MAX, function::SECONDS_DEFAULT));
    assert!(page.contains(&format!("there are at most {FUNCTIONS_MAX}.")));
    row("listen", &format!("| `{LISTEN_DEFAULT}` |"));
    row("log", &format!("| `{LOG_DEFAULT}` |"));
    row("log_format", &format!("| `{}` |", LogFormat::default().name()));
    row("role", &format!("| `{}` |", clap::ValueEnum::to_possible_value(&Role::default()).unwrap().get_name()));
    row("service_name", &format!("| `{SERVICE_NAME_DEFAULT}` |"));
}

#[test]
fn files_on_the_pages_are_right() {
    let read = |path: &str| blocks(&page(path)).into_iter().filter(|block| block.kind == "toml").collect::<Vec<_>>();
    for path in [CONFIGURATION, OPERATING, "docs/s3control.md", "docs/guide-stores.md", "docs/guide-cos.md"] {
        let files = read(path);
        assert!(!files.is_empty(), "{path}");
        for file in files {
            // What depends on variables of the environment, and on other files, is not looked at.
            let config = Config::parse(&file.text).unwrap_or_else(|error| panic!("{path}: {error}\n{}", file.text));
            config.engine().unwrap_or_else(|error| panic!("{path}: {error}\n{}", file.text));
        }
    }
    let [keys, profiles] = &read("docs/cli.md")[..] else { panic!("a file of keys and one of profiles") };
    crate::credentials::Credentials::parse(&keys.text).unwrap();
    crate::profile::pick(&profiles.text, "night", Path::new("")).unwrap();
}
