//! Manifests that are small and become large.

use std::{fs, io::Write as _, time::Instant};

use flate2::{Compression, write::GzEncoder};

use crate::support::{Place, SOURCE, Server, TARGET, etag_of};

/// What the files become.
const BYTES: usize = 10 << 30;

/// One part of a file: parts follow each other, as gzip allows.
const PART: usize = 64 << 20;

/// Memory that the server may take.
const PEAK_KIB_MAX: u64 = 150 * 1024;

/// Ten gigabytes of this text, compressed.
fn bomb(line: &[u8]) -> Vec<u8> {
    let mut part = GzEncoder::new(Vec::new(), Compression::best());
    part.write_all(&line.repeat(PART / line.len())).unwrap();
    let part = part.finish().unwrap();
    part.repeat(BYTES / PART)
}

#[test]
fn ten_gigabytes_in_a_few_megabytes_are_refused_at_once() {
    let place = Place::new();
    let server = Server::start(&place);
    let lists = place.bucket(SOURCE).join("lists");
    fs::create_dir_all(&lists).unwrap();
    let line = format!("{SOURCE},in/file.txt\n");
    for (name, text, why) in [
        ("rows", line.as_bytes(), "200 times as long when decompressed"),
        ("zeros", b"\0", "the row is longer than 65536 bytes"),
    ] {
        let bytes = bomb(text);
        assert!(bytes.len() < 32 << 20, "{}", bytes.len());
        fs::write(lists.join(format!("{name}.csv.gz")), bytes).unwrap();
        let list = format!(
            "{{\"sourceBucket\": \"{SOURCE}\", \"fileFormat\": \"CSV\", \"fileSchema\": \"Bucket, Key\", \
             \"files\": [{{\"key\": \"lists/{name}.csv.gz\"}}]}}"
        );
        fs::write(lists.join(format!("{name}.json")), &list).unwrap();
        let (at, etag) = (format!("{SOURCE}/lists/{name}.json"), etag_of(&list));
        let words = ["create", "--operation", "copy", "--manifest", &at, "--etag", &etag, "--target", TARGET];
        let more = ["--format", "COSInventoryReport_CSV_V1", "--report-bucket", TARGET];
        let begin = Instant::now();
        let job = server.run(&[&words[..], &more].concat()).with_code(0).trim().to_owned();
        server.run(&["wait", &job]).with_code(3);
        let took = begin.elapsed();
        let described = server.describe(&job);
        assert_eq!(described["Status"], "Failed", "{described:#}");
        let reason = described["FailureReasons"][0].to_string();
        assert!(reason.contains(name) && reason.contains(why), "{reason}");
        // All of it would take minutes.
        assert!(took.as_secs() < 30, "{took:?}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches("kB").trim().parse().unwrap();
    assert!(peak < PEAK_KIB_MAX, "{peak} KiB");
}
