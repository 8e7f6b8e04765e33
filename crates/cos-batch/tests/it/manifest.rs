//! `cos-batch manifest`: lists of objects to work on.

use std::{
    fmt::Write as _,
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    plain_server::PlainServer,
    support::{FOREIGN, Place, SOURCE, Said, Server, TARGET, figures, program, run, snapshots},
};

const ODD: [&str; 6] = ["in/a b.txt", "in/a,b.txt", "in/a\"b.txt", "in/100%.txt", "in/+plus.txt", "in/照片 é.txt"];

fn place_with_odd_keys() -> Place {
    let place = Place::new();
    let folder = place.bucket(SOURCE);
    fs::create_dir_all(folder.join("in/deep/er")).unwrap();
    for (size, key) in ODD.iter().enumerate() {
        fs::write(folder.join(key), vec![b'x'; size * 1000]).unwrap();
    }
    fs::write(folder.join("in/deep/er/z.jpg"), "z").unwrap();
    fs::write(folder.join("other.txt"), "o").unwrap();
    place
}

/// Runs a command with this on its standard input.
fn with_input(command: &mut Command, input: &str) -> Said {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may well stop reading at the first bad line.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_list_of_a_prefix_is_a_manifest_that_works() {
    let place = place_with_odd_keys();
    let server = Server::start(&place);
    let to = format!("{SOURCE}/lists/in.csv");
    let said = server.run(&["manifest", "--bucket", SOURCE, "--prefix", "in/", "--to", &to]);
    snapshots().bind(|| {
        let text = format!("exit code {}\n--- standard output\n{}--- error output\n{}", said.code, said.out, said.err);
        insta::assert_snapshot!("manifest", text);
    });
    insta::assert_snapshot!("manifest-rows", fs::read_to_string(place.bucket(SOURCE).join("lists/in.csv")).unwrap());

    let etag = said.out.lines().find_map(|line| line.strip_prefix("ETag      ")).unwrap().to_owned();
    let words = ["create", "--wait", "--operation", "copy", "--target", TARGET, "--manifest", &to, "--etag", &etag];
    let said = server.run(&words);
    assert!(said.code == 0 && said.out.contains("7 of 7 succeeded, 0 failed"), "{said:?}");
    for key in ODD {
        assert!(place.bucket(TARGET).join(key).is_file(), "{key}");
    }
}

/// The jobs of COS Batch cannot name a bucket without an APPID in its name.
#[test]
fn what_comes_next_is_something_that_works() {
    let place = Place::new();
    let config = place.file("config.toml");
    let buckets = place.file("elsewhere");
    fs::create_dir_all(buckets.join("plain/in")).unwrap();
    fs::write(buckets.join("plain/in/a"), "x").unwrap();
    let text = format!(
        "[[store]]\nname = \"disk\"\nkind = \"folder\"\nfolder = \"{}\"\n\
         [[bucket]]\nname = \"plain\"\nstore = \"disk\"\nowner = \"1250000000\"\n",
        buckets.display()
    );
    fs::write(&config, text).unwrap();
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let said = server.run(&["manifest", "--bucket", "plain", "--prefix", "in/", "--to", "plain/lists/in.csv"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.err.starts_with("next: a job of S3 Control;") && !said.err.contains("cos-batch create"), "{said:?}");

    let said = server.run(&["create", "--operation", "delete", "--manifest", "plain/lists/in.csv", "--etag", "e"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("--manifest plain: a bucket's name ends with the APPID of its owner"), "{said:?}");
}

#[test]
fn filters_choose_objects() {
    let place = place_with_odd_keys();
    let server = Server::start(&place);
    let rows = |flags: &[&str]| {
        let words = [&["manifest", "--bucket", SOURCE, "--out", "-"], flags].concat();
        let said = server.run(&words);
        assert_eq!(said.code, 0, "{said:?}");
        said.out.lines().count()
    };
    assert_eq!(rows(&[]), 8);
    assert_eq!(rows(&["--prefix", "in/"]), 7);
    assert_eq!(rows(&["--suffix", ".jpg"]), 1);
    assert_eq!(rows(&["--name", "in/a?b*"]), 3);
    assert_eq!(rows(&["--larger", "1000", "--smaller", "4K"]), 3);
    assert_eq!(rows(&["--older", "1d"]), 0);
    assert_eq!(rows(&["--newer", "1d"]), 8);
    assert_eq!(rows(&["--older", "2999-01-01T00:00:00Z"]), 8);
    assert_eq!(rows(&["--storage-class", "ARCHIVE"]), 0);
    assert_eq!(rows(&["--storage-class", "ARCHIVE", "--storage-class", "STANDARD"]), 8);
}

#[test]
fn keys_from_another_program_need_no_server() {
    let place = Place::new();
    let out = place.file("list.csv");
    let mut command = program();
    command
        .args(["manifest", "--stdin", "--bucket", SOURCE, "--suffix", ".txt", "--output", "json", "--out"])
        .arg(&out);
    let said = with_input(&mut command, "a b.txt\r\n\nc,d.txt\nskipped.jpg\nlast.txt");
    let text = fs::read_to_string(&out).unwrap();
    assert_eq!(text, format!("{SOURCE},a%20b.txt\n{SOURCE},c%2Cd.txt\n{SOURCE},last.txt\n"));
    let document: Value = serde_json::from_str(&said.with_code(0)).unwrap();
    assert_eq!((&document["Rows"], &document["Bytes"]), (&3.into(), &text.len().into()));
    assert_eq!(document["ETag"], place.write_manifest(&text));

    let mut command = program();
    command.args(["manifest", "--stdin", "--out", "-"]);
    let said = with_input(&mut command, &format!("{SOURCE},a,b\n {TARGET} ,c\n"));
    assert_eq!(said.with_code(0), format!("{SOURCE},a%2Cb\n{TARGET},c\n"));
}

#[test]
fn a_list_that_is_longer_than_one_request_is_sent_in_parts() {
    let place = Place::new();
    let server = Server::start(&place);
    let mut input = String::new();
    for number in 0..60_000 {
        writeln!(input, "in/{number:05}/{}", "a long name ".repeat(8)).unwrap();
    }
    let to = format!("{SOURCE}/lists/long.csv");
    let mut command = server.command(&["manifest", "--stdin", "--bucket", SOURCE, "--to", &to, "--output", "json"]);
    let said = with_input(&mut command, &input);
    let document: Value = serde_json::from_str(&said.with_code(0)).unwrap();
    assert_eq!(document["Rows"], 60_000);
    let text = fs::read_to_string(place.bucket(SOURCE).join("lists/long.csv")).unwrap();
    assert_eq!((text.lines().count(), document["Bytes"].as_u64()), (60_000, Some(text.len() as u64)));
    assert!(text.len() > 5 * 1024 * 1024);

    let etag = document["ETag"].as_str().unwrap();
    let words = ["create", "--operation", "delete", "--confirm-required", "--manifest", &to, "--etag", etag];
    let job = server.run(&words).with_code(0);
    server.run(&["wait", job.trim(), "--stop-when-suspended"]).with_code(10);
    assert_eq!(figures(&server.describe(job.trim()))[2], 60_000);
}

#[test]
fn an_inventory_is_a_list_too() {
    let place = place_with_odd_keys();
    let server = Server::start(&place);
    let rows = "\"1250000000\",\"photos\",\"in/a%20b.txt\",\"v2\",\"true\",\"false\",\"5000\",\"2026-01-31T12:00:00Z\",\"STANDARD\"\n\
                \"1250000000\",\"photos\",\"in/a%20b.txt\",\"v1\",\"false\",\"false\",\"9\",\"2026-01-30T12:00:00Z\",\"STANDARD\"\n\
                \"1250000000\",\"photos\",\"gone.txt\",\"v3\",\"true\",\"true\",\"\",\"2026-01-31T12:00:00Z\",\"\"\n\
                \"1250000000\",\"photos\",\"other.txt\",\"v4\",\"true\",\"false\",\"1\",\"2026-01-31T12:00:00Z\",\"ARCHIVE\"\n";
    let md5 = place.write_manifest(rows);
    let list = |md5: &str| {
        format!(
            "{{\"sourceAppid\": \"1250000000\", \"sourceBucket\": \"photos\", \"destinationAppid\": \"1250000000\", \
             \"destinationBucket\": \"photos\", \"fileFormat\": \"CSV\", \"fileSchema\": \"Appid, Bucket, Key, \
             VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, StorageClass\", \"files\": [{{\"key\": \
             \"lists/all.csv\", \"size\": \"{}\", \"md5Checksum\": \"{md5}\"}}]}}",
            rows.len()
        )
    };
    fs::write(place.bucket(SOURCE).join("manifest.json"), list(&md5)).unwrap();
    let inventory = format!("{SOURCE}/manifest.json");
    let run = |flags: &[&str]| server.run(&[&["manifest", "--inventory", &inventory, "--out", "-"], flags].concat());
    let said = run(&[]);
    assert_eq!(said.out, format!("{SOURCE},in/a%20b.txt\n{SOURCE},other.txt\n"), "{said:?}");
    assert!(said.err.contains("2 older versions and delete markers left out"), "{said:?}");
    assert_eq!(run(&["--larger", "100"]).with_code(0), format!("{SOURCE},in/a%20b.txt\n"));
    assert_eq!(run(&["--storage-class", "ARCHIVE"]).with_code(0), format!("{SOURCE},other.txt\n"));

    fs::write(place.bucket(SOURCE).join("manifest.json"), list(&"0".repeat(32))).unwrap();
    let said = run(&[]);
    assert!(said.code == 1 && said.err.contains("the inventory says 00000000"), "{said:?}");
    let said = server.run(&["manifest", "--inventory", &format!("{SOURCE}/none.json"), "--out", "-"]);
    assert!(said.code == 1 && said.err.contains("is not there"), "{said:?}");
}

#[test]
fn what_cannot_be_listed_is_said_with_a_reason() {
    let place = Place::new();
    let server = Server::start(&place);
    let plain = PlainServer::start();
    let mut text = String::new();
    let mut told = |name: &str, said: Said| {
        assert_eq!(said.out, "", "{name}");
        let error = said.err.split("\n\nUsage").next().unwrap_or_default().trim_end();
        writeln!(text, "{name}: exit code {}\n{error}\n", said.code).unwrap();
    };
    let to = format!("{SOURCE}/list.csv");
    told("a bucket of somebody else", server.run(&["manifest", "--bucket", FOREIGN, "--to", &to]));
    told("no such bucket", server.run(&["manifest", "--bucket", "none-1250000000", "--to", &to]));
    let theirs = format!("{FOREIGN}/list.csv");
    told("a place of somebody else", server.run(&["manifest", "--bucket", SOURCE, "--to", &theirs]));
    told("no place", server.run(&["manifest", "--bucket", SOURCE]));
    told("no bucket", server.run(&["manifest", "--to", &to]));
    told("a size", server.run(&["manifest", "--bucket", SOURCE, "--to", &to, "--larger", "many"]));
    told("a time", server.run(&["manifest", "--bucket", SOURCE, "--to", &to, "--older", "yesterday"]));
    let stdin = ["manifest", "--stdin", "--out", "-"];
    told("a line without a bucket", with_input(program().args(stdin), "a\n"));
    told("a line without a key", with_input(program().args(stdin), "a,\n"));
    told("a bucket that is an address", with_input(program().args(stdin), "s3://photos/2025,c\n"));
    let endpoint = ["--anonymous", "--appid", "1", "--endpoint", &plain.without_extension];
    let mut command = program();
    command.args(["manifest", "--bucket", SOURCE, "--to", &to]).args(endpoint);
    told("a server without lists", run(&mut command));
    snapshots().bind(|| insta::assert_snapshot!(text));
    assert!(!place.bucket(SOURCE).join("list.csv").exists());
}
