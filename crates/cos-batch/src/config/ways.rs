//! What stands once in a file can be said by a variable and by a flag as well.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use super::{
    EngineSettings, Given, LocalGiven, SpoolGiven, TracesGiven, WebhookGiven,
    pages::{CONFIGURATION, page, settings_of},
};
use crate::args::Args;

/// What there may be many of in a file, so that a single variable cannot say which is meant.
const MANY: [&str; 4] = ["store", "bucket", "appid", "functions"];

/// Variables that are not called by the rule, `COS_BATCH_`, the table and the setting: older ones, and what others decided.
const OTHER_VARIABLES: [(&str, &str); 5] = [
    ("serve.credentials", "COS_BATCH_KEYS"),
    ("serve.log", "RUST_LOG"),
    ("traces.endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("traces.service_name", "OTEL_SERVICE_NAME"),
    ("traces.sample_ratio", "OTEL_TRACES_SAMPLER_ARG"),
];

/// Flags that are not called as their settings; none: there is no flag, since whoever lists processes would see a secret.
const OTHER_FLAGS: [(&str, Option<&str>); 3] =
    [("serve.console", Some("no-console")), ("webhook.url", None), ("webhook.secret", None)];

/// The tables that a file has once, with their settings and the variables of these.
fn tables() -> [(&'static str, &'static [(&'static str, &'static str)]); 5] {
    [
        ("serve", Given::ALL),
        ("traces", TracesGiven::ALL),
        ("spool", SpoolGiven::ALL),
        ("engine", EngineSettings::ALL),
        ("webhook", WebhookGiven::ALL),
    ]
}

#[test]
fn each_setting_has_a_variable_and_a_flag_or_is_one_of_many() {
    let here: BTreeSet<&str> = tables().iter().map(|(table, _)| *table).collect();
    let alone: BTreeSet<&str> = LocalGiven::ALL.iter().map(|(name, _)| *name).collect();
    let all: BTreeSet<String> = here.iter().chain(&alone).chain(&MANY).map(|&name| name.to_owned()).collect();
    assert_eq!(all, settings_of(""), "a table of the file that is in no way of saying it");
    let command = Args::command();
    let serve = command.find_subcommand("serve").unwrap();
    let flags: BTreeSet<&str> = serve.get_arguments().filter_map(|flag| flag.get_long()).collect();
    let page = page(CONFIGURATION);
    let check = |table: &str, name: &str, variable: &str| {
        let whole = [table, name].join(".");
        let words: Vec<&str> = [table, name].into_iter().filter(|word| !word.is_empty() && *word != "serve").collect();
        let expected = format!("COS_BATCH_{}", words.join("_").to_uppercase());
        let other = OTHER_VARIABLES.iter().find(|(known, _)| *known == whole).map(|(_, variable)| *variable);
        assert_eq!(variable, other.unwrap_or(&expected), "{whole}");
        let expected = words.join("-").replace('_', "-");
        let flag = OTHER_FLAGS.iter().find(|(known, _)| *known == whole).map_or(Some(&*expected), |(_, flag)| *flag);
        if let Some(flag) = flag {
            assert!(flags.contains(flag), "{whole} has no flag --{flag}");
        }
        let row = format!("| `{name}` | `{variable}` |");
        assert!(page.contains(&row), "{CONFIGURATION} has no row {row:?}");
    };
    for (table, settings) in tables() {
        let named: BTreeSet<String> = settings.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(named, settings_of(&format!("[{table}]\n")), "{table}");
        settings.iter().for_each(|(name, variable)| check(table, name, variable));
    }
    LocalGiven::ALL.iter().for_each(|(name, variable)| check("", name, variable));
}

#[test]
fn the_page_says_what_has_no_variable() {
    let page = page(CONFIGURATION);
    for name in MANY {
        let told = if name == "functions" { "`[functions.NAME]`".to_owned() } else { format!("`[[{name}]]`") };
        let rule = page.lines().find(|line| line.contains("stand in the file alone")).unwrap();
        assert!(rule.contains(&told), "{told}: {rule}");
    }
}
