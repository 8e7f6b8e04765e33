//! How the commands behave towards people and scripts.

use std::{collections::BTreeSet, fmt::Write as _, fs};

use serde_json::Value;

use crate::{
    matrix::all_commands,
    screen,
    support::{Place, SOURCE, Server, TARGET, program, run, snapshots},
};

#[test]
fn a_typing_error_is_answered_with_what_was_meant() {
    let place = Place::new();
    fs::write(place.file("profiles.toml"), "[local]\nendpoint = \"http://127.0.0.1:1\"\n[night]\n").unwrap();
    let mut text = String::new();
    for words in [
        &["lst"][..],
        &["descrbe", "x"],
        &["list", "--statsu", "Active"],
        &["list", "--status", "Actve"],
        &["list", "--output", "jsn"],
        &["list", "--profile", "nihgt"],
        &["completions", "bsh"],
        &["watch", "--every", "0"],
        &["watch", "--output", "json"],
        &["describe"],
        &["retry", "--dry-run", "--wait", "x"],
    ] {
        let mut command = program();
        command.env("COS_BATCH_PROFILES", place.file("profiles.toml")).args(words);
        let said = run(&mut command);
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{words:?}: {said:?}");
        let error = said.err.split("\n\nUsage").next().unwrap().split("\n\nFor more").next().unwrap();
        let error = error.replace(&place.file("profiles.toml").display().to_string(), "profiles.toml");
        writeln!(text, "{}\n{}\n", words.join(" "), error.trim_end()).unwrap();
    }
    insta::assert_snapshot!("manners-typing-errors", text);
}

#[test]
fn a_profile_stands_behind_flags_and_environment() {
    let place = Place::new();
    let server = Server::start(&place);
    let profiles = place.file("profiles.toml");
    let text = format!("[here]\nendpoint = {:?}\ncredentials = {:?}\n", server.endpoint, place.key_file());
    fs::write(&profiles, text).unwrap();
    let with = |words: &[&str], endpoint: Option<&str>| {
        let mut command = program();
        command.env("COS_BATCH_PROFILES", &profiles).args(words);
        if let Some(endpoint) = endpoint {
            command.env("COS_BATCH_ENDPOINT", endpoint);
        }
        run(&mut command)
    };
    assert_eq!(with(&["list", "--profile", "here"], None).with_code(0), "no jobs\n");
    assert_eq!(with(&["list", "--profile", "here"], Some("http://127.0.0.1:1")).code, 7, "the environment goes before");
    let mut command = program();
    command.env("COS_BATCH_PROFILES", &profiles).env("COS_BATCH_PROFILE", "here").arg("list");
    assert_eq!(run(&mut command).with_code(0), "no jobs\n");
}

#[test]
fn what_is_asked_on_a_terminal_is_not_asked_of_a_script() {
    let place = Place::new();
    let rows = place.fill(3);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &["--confirm-required"]);
    server.look_until(&job, |job| job["Status"] == "Suspended");
    let told = server.run(&["confirm", "--dry-run", &job]).with_code(0);
    snapshots().bind(|| insta::assert_snapshot!("manners-confirm-dry-run", told));
    assert_eq!(server.describe(&job)["Status"], "Suspended", "nothing was changed");

    let asked = |words: &[&str], answer: &str| screen::run_answering(server.command(words), "[y/N] ", answer);
    for answer in ["n\n", "\n"] {
        let seen = asked(&["confirm", &job], answer);
        assert_eq!(seen.code, 1, "{}", seen.screen);
        assert!(seen.screen.contains("not confirmed: nothing was changed"), "{}", seen.screen);
    }
    assert_eq!(server.describe(&job)["Status"], "Suspended");
    let seen = asked(&["delete", &job], "no\n");
    assert!(seen.screen.contains("Delete ") && seen.code == 1, "{}", seen.screen);
    let seen = asked(&["confirm", &job], "y\n");
    assert_eq!(seen.code, 0, "{}", seen.screen);
    snapshots().bind(|| insta::assert_snapshot!("manners-confirm-asked", seen.screen));
    server.run(&["wait", &job]).with_code(0);
    let seen = screen::run(server.command(&["delete", "--yes", &job]));
    assert!(seen.code == 0 && !seen.screen.contains("[y/N]"), "{}", seen.screen);
}

#[test]
fn dry_runs_leave_nothing_behind() {
    let place = Place::new();
    let mut rows = place.fill(2);
    rows.add_failing(SOURCE, "gone");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &[]);
    server.run(&["wait", &job]).with_code(4);
    let told = server.run(&["retry", "--dry-run", &job]).with_code(0);
    snapshots().bind(|| insta::assert_snapshot!("manners-retry-dry-run", told));
    let jobs: Value = serde_json::from_str(&server.run(&["list", "--output", "json"]).with_code(0)).unwrap();
    assert_eq!(jobs["Jobs"].as_array().unwrap().len(), 1);
    let to = format!("{SOURCE}/lists/new.csv");
    let told = server.run(&["manifest", "--dry-run", "--bucket", SOURCE, "--to", &to]).with_code(0);
    assert!(told.contains("Rows      3"), "{told}");
    assert!(!place.bucket(SOURCE).join("lists/new.csv").exists());
}

#[test]
fn watch_draws_on_a_terminal_and_writes_once_elsewhere() {
    let place = Place::new();
    let rows = place.fill(600);
    let etag = place.write_manifest(&rows.text);
    // So slow that the job is seen while it runs.
    let slow = place.file("slow.toml");
    fs::write(&slow, "[[appid]]\nappid = \"1250000000\"\njob_operations_per_second = 200\n").unwrap();
    let server = Server::start_with(&place, &["--config", slow.to_str().unwrap()]);
    assert_eq!(server.run(&["watch"]).with_code(0), "0 jobs not ended\n");
    let waiting = server.create_copy(&etag, &["--confirm-required", "--description", "waits"]);
    server.look_until(&waiting, |job| job["Status"] == "Suspended");
    let told = server.run(&["watch"]).with_code(0).replace(&waiting[..13], "00000000-0000");
    snapshots().bind(|| insta::assert_snapshot!("manners-watch-pipe", told));
    server.run(&["cancel", &waiting]).with_code(0);
    server.look_until(&waiting, |job| job["Status"] == "Cancelled");
    server.create_copy(&etag, &[]);
    let seen = screen::run(server.command(&["watch", "--until-idle"]));
    assert_eq!(seen.code, 0, "{}", seen.screen);
    let last: Vec<&str> = seen.screen.lines().collect();
    assert!(seen.frames.iter().any(|frame| frame.contains("Active")), "{:#?}", seen.frames);
    assert_eq!(last[0], "0 jobs not ended", "{}", seen.screen);
    assert!(
        last.len() == 2 && last[1].contains("Complete"),
        "drawn over, not below, and what ended stays: {}",
        seen.screen
    );
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../../../../docs/output.schema.json")).unwrap();
    let place = Place::new();
    let mut rows = place.fill(2);
    rows.add_failing(SOURCE, "gone");
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let mut checked = BTreeSet::new();
    let mut check = |definition: &str, words: &[&str]| {
        let said = server.run(words);
        assert!(said.code == 0 || said.code == 4, "{words:?}: {said:?}");
        let value: Value = serde_json::from_str(&said.out).unwrap();
        let mut wrong = Vec::new();
        violations(&schema, &schema["$defs"][definition], &value, definition, &mut wrong);
        assert!(wrong.is_empty(), "{words:?}: {wrong:?}\n{value:#}");
        assert!(!schema["$defs"][definition].is_null());
        checked.insert(definition.to_owned());
        value
    };
    let manifest = format!("{SOURCE}/lists/all.csv");
    let copy =
        ["--operation", "copy", "--manifest", &manifest, "--etag", &etag, "--target", TARGET, "--output", "json"];
    let report = ["--report-bucket", TARGET, "--confirm-required", "--description", "words"];
    check("validate", &[&["validate"][..], &copy].concat());
    let made = check("create", &[&["create"][..], &copy, &report].concat());
    let job = made["JobId"].as_str().unwrap().to_owned();
    server.look_until(&job, |job| job["Status"] == "Suspended");
    check("describe", &["describe", &job, "--output", "json"]);
    check("priority", &["priority", &job, "7", "--output", "json"]);
    check("confirm", &["confirm", &job, "--reason", "why not", "--output", "json"]);
    check("wait", &["wait", &job, "--output", "json"]);
    check("list", &["list", "--output", "json"]);
    let again = check("retry", &["retry", &job, "--confirm-required", "--output", "json"]);
    let again = again["JobId"].as_str().unwrap().to_owned();
    check("cancel", &["cancel", &again, "--output", "json"]);
    check("delete", &["delete", &again, "--output", "json"]);
    check("report", &["report", &job, "--output", "json"]);
    check("reportRows", &["report", &job, "--rows", "--output", "json"]);
    check("createSample", &[&["create", "--sample", "1"][..], &copy].concat());
    check("conformance", &[&["conformance", "--group", "limits"][..], &copy].concat());
    let to = format!("{SOURCE}/lists/new.csv");
    check("manifest", &["manifest", "--bucket", SOURCE, "--to", &to, "--output", "json"]);
    let commands: BTreeSet<String> = schema["$defs"].as_object().unwrap().keys().cloned().collect();
    let commands = commands.into_iter().filter(|name| name.starts_with(char::is_lowercase)).collect();
    assert_eq!(checked, commands, "every definition of a command was held against its output");
    let help = run(program().arg("-h")).with_code(0);
    let names = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let with_json = names.filter(|name| !name.is_empty() && !name.starts_with('-')).filter(|name| {
        let help = run(program().args([name, "-h"])).with_code(0);
        // `watch` has the flag to say that it is not for programs.
        help.contains("--output") && help.contains("json") && *name != "watch"
    });
    for name in with_json {
        assert!(checked.contains(name), "{name} writes JSON that no definition describes");
    }
}

/// What a value breaks of a schema; as much of JSON Schema as ours uses, and members that it does not name.
fn violations(root: &Value, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
    let known = ["$ref", "type", "required", "properties", "items", "enum", "minimum", "minLength", "description"];
    for word in schema.as_object().unwrap().keys() {
        assert!(known.contains(&word.as_str()), "this check does not know {word}");
    }
    if let Some(name) = schema["$ref"].as_str() {
        let target = &root["$defs"][name.strip_prefix("#/$defs/").unwrap()];
        assert!(target.is_object(), "{name} is defined");
        return violations(root, target, value, path, wrong);
    }
    let is = match schema["type"].as_str() {
        None => true,
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some(other) => panic!("this check does not know the type {other}"),
    };
    let allowed = schema["enum"].as_array().is_none_or(|all| all.contains(value));
    let long =
        schema["minLength"].as_u64().is_none_or(|least| value.as_str().is_some_and(|text| text.len() as u64 >= least));
    let large = schema["minimum"].as_i64().is_none_or(|least| value.as_i64().is_none_or(|number| number >= least));
    if !(is && allowed && long && large) {
        wrong.push(format!("{path}: {value}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            wrong.push(format!("{path}: {name} is missing"));
        }
    }
    let properties = schema["properties"].as_object();
    for (name, member) in value.as_object().into_iter().flatten() {
        match properties.map(|all| all.get(name)) {
            Some(Some(schema)) => violations(root, schema, member, &format!("{path}.{name}"), wrong),
            Some(None) => wrong.push(format!("{path}: {name} is not in the schema")),
            None => {}
        }
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            violations(root, &schema["items"], item, &format!("{path}[{index}]"), wrong);
        }
    }
}

#[test]
fn completions_and_manual_know_every_command() {
    let place = Place::new();
    let folder = place.file("man");
    run(program().arg("manual").arg(&folder)).with_code(0);
    // Who makes packages writes the pages; others need not know the command.
    let commands: Vec<String> = all_commands().into_iter().filter(|name| name != "manual").collect();
    assert!(commands.iter().any(|name| name == "sign url"), "{commands:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = run(program().args(["completions", shell])).with_code(0);
        assert!(commands.iter().all(|name| name.split(' ').all(|word| text.contains(word))), "{shell}");
        assert!(text.contains("give-up-after"), "{shell}");
    }
    for name in commands {
        let page = fs::read_to_string(folder.join(format!("cos-batch-{}.1", name.replace(' ', "-")))).unwrap();
        assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH OPTIONS"), "{name}");
    }
    assert!(folder.join("cos-batch.1").exists());
}
