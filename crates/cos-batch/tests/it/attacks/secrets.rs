//! Secrets are in the files that they were written into, and nowhere else; and what users write makes no lines of the log.

use std::{fs, io::Write as _, net::TcpStream, path::Path};

use cos_batch_nullstore::{Faults, NullStore, Options};

use crate::{
    plain::get,
    support::{Place, SOURCE, Server, TARGET, run, write_private},
};

const STORE_SECRET: &str = "theStoresOwnSecretKey0123456789abcdef";
const STORE_TOKEN: &str = "theStoresOwnSessionToken0123456789abcdef";
const CALLER_SECRET: &str = "theCallersSecretKey0123456789abcdef";
const CALLER_TOKEN: &str = "theCallersToken0123456789abcdef";

/// A bucket of a store that fails in every way.
const REMOTE: &str = "remote-1250000000";

/// Files in which one of these is, those aside that have them by right.
fn found_in(folder: &Path, secrets: &[&str], found: &mut Vec<String>) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += found_in(&path, secrets, found);
            continue;
        }
        files += 1;
        let name = path.file_name().unwrap().to_str().unwrap();
        let bytes = fs::read(&path).unwrap();
        for secret in secrets.iter().filter(|_| !["config.toml", "keys.toml"].contains(&name)) {
            if bytes.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                found.push(format!("{secret} is in {}", path.display()));
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_stay_where_they_are_and_lines_are_the_servers_own() {
    let faults = Faults { errors: 200, resets: 100, lost_answers: 100, errors_in_200: 100, ..Faults::default() };
    let store = NullStore::start(Options { faults, ..Options::default() }).await.unwrap();
    let place = Place::new();
    let config = place.file("config.toml");
    let text = format!(
        "[[store]]\nname = \"null\"\nkind = \"s3\"\nstyle = \"path\"\nendpoint = \"http://{}\"\n\
         secret_id = \"AKIDSTORE\"\nsecret_key = \"{STORE_SECRET}\"\nsession_token = \"{STORE_TOKEN}\"\n\
         [[bucket]]\nname = \"{REMOTE}\"\nstore = \"null\"\n",
        store.address()
    );
    write_private(&config, &text);
    let keys = place.file("keys.toml");
    let text = format!(
        "[[key]]\nsecret_id = \"AKIDCALLER\"\nsecret_key = \"{CALLER_SECRET}\"\nsecurity_token = \"{CALLER_TOKEN}\"\n\
         appid = \"1250000000\"\n"
    );
    write_private(&keys, &text);
    let flags = ["--config", config.to_str().unwrap(), "--credentials", keys.to_str().unwrap(), "--log", "trace"];
    let flags = [&flags[..], &["--metrics-listen", "127.0.0.1:0"]].concat();
    let server = Server::start_with(&place, &flags);
    let command = |secret: &str, token: &str, words: &[&str]| {
        let mut command = server.command(words);
        command.env_remove("COS_CREDENTIALS").env("COS_APPID", "1250000000");
        command.env("COS_SECRET_ID", "AKIDCALLER").env("COS_SECRET_KEY", secret).env("COS_SESSION_TOKEN", token);
        run(&mut command)
    };
    let asked = |words: &[&str]| command(CALLER_SECRET, CALLER_TOKEN, words);

    // Keys with line ends, control characters and words of a log in them; some copies fail for good.
    let forged = "in/x\n2026-01-01T00:00:00Z ERROR forged: line\u{1b}[2J\u{1b}]0;title\u{7}";
    let encoded = percent_encoding::utf8_percent_encode(forged, percent_encoding::NON_ALPHANUMERIC);
    let rows = place.fill(200);
    let etag = place.write_manifest(&format!("{}{SOURCE},{encoded}\n", rows.text));
    let manifest = format!("{SOURCE}/lists/all.csv");
    let (mut all_said, mut documents) = (String::new(), String::new());
    // What a description may have: line ends, the control sequence introducer in one character, a turn of the direction.
    let described = "night\n2026-01-01T00:00:00Z ERROR forged: line\u{9b}2J\u{202e}";
    for target in [TARGET, REMOTE] {
        let words = ["create", "--operation", "copy", "--manifest", &manifest, "--etag", &etag, "--target", target];
        let more = ["--report-bucket", TARGET, "--report-prefix", "reports", "--description"];
        // With ESC it is none.
        assert_ne!(asked(&[&words[..], &more, &[forged]].concat()).code, 0);
        let said = asked(&[&words[..], &more, &[described]].concat());
        let job = said.with_code(0).trim().to_owned();
        let words: [&[&str]; 8] = [
            &["wait", &job],
            &["describe", &job],
            &["report", &job],
            &["list"],
            &["describe", &job, "--output", "json"],
            &["describe", &job, "--output", "xml"],
            &["list", "--output", "json"],
            &["list", "--output", "xml"],
        ];
        for words in words {
            let said = asked(words);
            // In XML a line end of a text is a line end.
            if words.contains(&"xml") { &mut documents } else { &mut all_said }.push_str(&said.out);
            all_said.push_str(&said.err);
        }
    }
    // Refused callers: a wrong secret, a wrong token, no token.
    for (secret, token) in [("wrong", CALLER_TOKEN), (CALLER_SECRET, "wrong"), (CALLER_SECRET, "")] {
        let said = command(secret, token, &["list"]);
        assert_ne!(said.code, 0, "{said:?}");
        all_said.push_str(&said.err);
    }
    // Somebody who signs in with a name that would be a line of its own.
    let address = server.endpoint.trim_start_matches("http://");
    let name = "id=x%0A2026-01-01T00%3A00%3A00Z+ERROR+forged%1b%5B2J%C2%9B2J";
    let head = format!(
        "POST /console/sign-in HTTP/1.1\r\nhost: {address}\r\norigin: http://{address}\r\nconnection: close\r\n"
    );
    let kind = "content-type: application/x-www-form-urlencoded";
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "{head}{kind}\r\ncontent-length: {}\r\n\r\n{name}", name.len()).unwrap();
    std::io::copy(&mut stream, &mut std::io::sink()).unwrap();
    let (status, metrics) = get(server.metrics().unwrap(), "/metrics");
    assert!(status == 200 && metrics.contains("cos_batch_tasks_total"), "{metrics}");
    all_said.push_str(&metrics);
    all_said.push_str(&server.usage);
    assert_eq!(server.terminate().code(), Some(0));

    let secrets = [STORE_SECRET, STORE_TOKEN, CALLER_SECRET, CALLER_TOKEN];
    let mut found = Vec::new();
    let files = found_in(&place.file(""), &secrets, &mut found);
    assert_eq!(found, [] as [String; 0]);
    assert!(files > 200, "{files} files");
    for secret in secrets {
        assert!(!all_said.contains(secret) && !documents.contains(secret), "{secret} was said");
    }
    let log = fs::read_to_string(place.file("serve.log")).unwrap();
    assert!(log.lines().count() > 10, "{log}");
    assert!(!log.contains("q-signature="), "no signature is logged");
    let name = r"x\n2026-01-01T00:00:00Z ERROR forged\u{1b}[2J\u{9b}2J";
    assert!(log.lines().any(|line| line.contains("a sign-in with a wrong key") && line.contains(name)), "{log}");
    // The description in a table, in JSON and in XML.
    for (said, escaped) in [
        (&all_said, "line\\u{9b}2J\\u{202e}"),
        (&all_said, "line\\u009b2J\\u202e"),
        (&documents, "line&#x9b;2J&#x202e;"),
    ] {
        assert!(said.contains(escaped), "{escaped} was not said: {said}");
    }
    for text in [&log, &all_said, &documents] {
        let control = text.chars().find(|c| c.is_control() && !['\n', '\t'].contains(c) || *c == '\u{202e}');
        assert_eq!(control, None, "control characters reach no terminal");
    }
    for text in [&log, &all_said] {
        let forged = text.lines().find(|line| line.starts_with("2026-01-01T00:00:00Z ERROR forged"));
        assert_eq!(forged, None, "no line is somebody else's");
    }
}
