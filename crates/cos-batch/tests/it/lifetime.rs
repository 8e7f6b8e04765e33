//! Starting, stopping and being killed.

use std::{fs, os::unix::fs::PermissionsExt as _};

use rustix::process::Signal;

use crate::{
    screen,
    support::{Place, Server, assert_exact, program, run},
};

#[test]
fn sigterm_ends_the_server_and_the_job_goes_on_at_the_next_start() {
    let place = Place::new();
    let rows = place.fill(5_000);
    let etag = place.write_manifest(&rows.text);
    let server = Server::start(&place);
    let job = server.create_copy(&etag, &[]);
    server.look_until(&job, |seen| seen["Status"] == "Active" || seen["Status"] == "Complete");
    assert_eq!(server.terminate().code(), Some(0));

    let server = Server::start(&place);
    server.run(&["wait", &job]).with_code(0);
    assert_exact(&place, &server, &job, &rows);
    assert_eq!(server.terminate().code(), Some(0));
}

/// The server asks for more descriptors than a shell gives by default.
#[test]
#[cfg(target_os = "linux")]
fn the_limit_of_open_files_is_raised() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let reachable = maximum.unwrap_or(u64::MAX).min(16 * 1024);
    // The server has this limit from the test.
    setrlimit(Resource::Nofile, Rlimit { current: Some(reachable.min(1024)), maximum }).unwrap();
    let place = Place::new();
    let server = Server::start(&place);
    let limits = fs::read_to_string(format!("/proc/{}/limits", server.id())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft = line.split_whitespace().nth(3).unwrap();
    assert!(soft == "unlimited" || soft.parse::<u64>().unwrap() >= reachable, "{line}");
}

#[test]
fn a_folder_has_one_server_at_a_time() {
    let place = Place::new();
    let mut first = Server::start(&place);
    let second = run(program().arg("serve").arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0"]));
    assert_eq!(second.code, 9, "{second:?}");
    assert!(second.err.contains("already works on") && second.err.contains("process "), "{second:?}");
    assert_eq!(second.out, "");
    assert!(first.is_running());
    assert_eq!(first.run(&["list"]).with_code(0), "no jobs\n");
    first.kill();
    Server::start(&place);
}

#[test]
fn the_key_is_made_once_shown_once_and_its_owners_alone() {
    let place = Place::new();
    let mut command = program();
    command.arg("serve").arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0"]);
    let seen = screen::run_until(command, None, "listening on", Signal::TERM);
    let mode = fs::metadata(place.key_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let file = fs::read_to_string(place.key_file()).unwrap();
    let value = |name: &str| {
        let line = seen.screen.lines().find_map(|line| line.trim().strip_prefix(&format!("export {name}=")));
        line.unwrap_or_else(|| panic!("{name} is not in {}", seen.screen)).to_owned()
    };
    let secret = value("COS_SECRET_KEY");
    assert!(file.contains(&secret) && file.contains(&value("COS_SECRET_ID")));
    assert!(seen.screen.contains(&format!("listening on {}", value("COS_BATCH_ENDPOINT"))), "{}", seen.screen);

    // The lines are all that a command needs.
    let again = Server::start(&place);
    let mut command = program();
    for name in ["COS_APPID", "COS_SECRET_ID", "COS_SECRET_KEY"] {
        command.env(name, value(name));
    }
    assert_eq!(run(command.arg("list").args(["--endpoint", &again.endpoint])).with_code(0), "no jobs\n");
    assert!(!again.usage.contains(&secret), "{}", again.usage);
    assert!(again.usage.contains("export COS_CREDENTIALS="), "{}", again.usage);
    assert_eq!(fs::read_to_string(place.key_file()).unwrap(), file);
    assert!(!fs::read_to_string(place.file("serve.log")).unwrap().contains(&secret));
    again.kill();

    fs::set_permissions(place.key_file(), fs::Permissions::from_mode(0o644)).unwrap();
    let said = run(program().arg("serve").arg("--data").arg(place.data()).args(["--listen", "127.0.0.1:0"]));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("chmod 600"), "{said:?}");
}

/// What a first start says goes into a file or a journal where it does not go to a terminal.
#[test]
fn no_secret_is_written_but_to_a_terminal() {
    let place = Place::new();
    let server = Server::start(&place);
    let file = fs::read_to_string(place.key_file()).unwrap();
    let secret = file.lines().find_map(|line| line.strip_prefix("secret_key = ")).unwrap().trim_matches('"');
    assert!(secret.len() > 20, "{file}");
    assert!(!server.usage.contains(secret), "{}", server.usage);
    assert!(server.usage.starts_with("a key was made and is kept in "), "{}", server.usage);
    assert!(server.usage.contains("export COS_CREDENTIALS="), "{}", server.usage);
    assert!(!fs::read_to_string(place.file("serve.log")).unwrap().contains(secret));
}

#[test]
fn a_file_of_keys_names_tenants_buckets_and_grants() {
    let place = Place::new();
    let rows = place.fill(3);
    let etag = place.write_manifest(&rows.text);
    let keys = place.file("keys.toml");
    let key = |appid: &str| {
        format!("[[key]]\nsecret_id = \"AKID{appid}\"\nsecret_key = \"secretOfTenant{appid}\"\nappid = \"{appid}\"\n")
    };
    let grant = |bucket: &str, rights: &str| {
        format!("[[grant]]\nbucket = \"{bucket}-1250000000\"\nappid = \"77\"\nrights = [{rights}]\n")
    };
    let text =
        [key("1250000000"), key("77"), key("88"), grant("photos", "\"read\""), grant("archive", "\"read\", \"write\"")];
    fs::write(&keys, text.concat()).unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let server = Server::start_with(&place, &["--credentials", keys.to_str().unwrap()]);
    let said = server.usage.lines().all(|line| line.starts_with("console on "));
    assert!(said, "there is nothing to say about keys that the user made: {}", server.usage);
    let of = |appid: &str, words: &[&str]| {
        let mut command = server.command(words);
        command.env_remove("COS_CREDENTIALS").env("COS_APPID", appid);
        run(command
            .env("COS_SECRET_ID", format!("AKID{appid}"))
            .env("COS_SECRET_KEY", format!("secretOfTenant{appid}")))
    };
    let create = [
        "create",
        "--operation",
        "copy",
        "--manifest",
        "photos-1250000000/lists/all.csv",
        "--etag",
        &etag,
        "--target",
        "archive-1250000000",
        "--report-bucket",
        "archive-1250000000",
        "--report-prefix",
        "reports",
    ];
    let denied = of("88", &create);
    assert_eq!(denied.code, 6, "{denied:?}");
    assert!(denied.err.contains("AccessDenied (403): Manifest.Location.ObjectArn"), "{denied:?}");

    let job = of("77", &create).with_code(0).trim().to_owned();
    of("77", &["wait", &job]).with_code(0);
    place.assert_copied(&rows.keys);
    of("88", &["describe", &job]).with_code(8);
    assert_eq!(of("1250000000", &["list"]).with_code(0), "no jobs\n");
}
