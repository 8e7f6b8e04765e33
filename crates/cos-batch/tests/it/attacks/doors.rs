//! The same names at the object endpoint and in the console: as keys, beginnings of keys, buckets and jobs. Nothing outside the
//! data folder is opened, made, changed or gone.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    outside::{EACH, hostile, names, of_the_machine},
    seen::Seen,
};
use crate::{
    left,
    support::{Place, SOURCE, Server},
};

/// Slashes and dots as they are, for one name of four.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.');

/// Sends this and gives status, head and body of the answer.
fn ask(address: &str, method: &str, path: &str, headers: &str, body: &str) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {length}");
    stream.write_all(format!("{head}\r\n{headers}\r\n{body}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    left::told("answers", &answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let body = answer.split_off(end);
    let head = String::from_utf8(answer).unwrap();
    (head[9..12].parse().unwrap(), head, body)
}

/// What stands behind this in a text, up to a quotation mark or a semicolon.
fn behind<'a>(text: &'a str, begin: &str) -> &'a str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {text}"));
    rest.split(['"', ';']).next().unwrap()
}

#[test]
fn hostile_names_at_the_doors_reach_nothing_outside() {
    let mut place = Place::new();
    let seen = Seen::of(&mut place);
    let (root, data) = (place.file(""), place.data());
    let canaries = [root.join("canary"), data.join("canary"), data.join("buckets/canary"), root.join("etc/passwd")];
    fs::create_dir_all(root.join("etc")).unwrap();
    canaries.iter().for_each(|canary| fs::write(canary, "sings").unwrap());
    let server = Server::start_with(&place, &["--anonymous", "--objects-listen", "127.0.0.1:0"]);
    let (jobs, objects) = (server.endpoint.trim_start_matches("http://"), server.objects().unwrap());
    let within = || ["", "data", "data/buckets"].map(|folder| names(&root.join(folder)));
    let (before, machine) = (within(), of_the_machine());
    let of_its_own = seen.as_ref().map_or_else(BTreeSet::new, Seen::opened);

    let (mut kept, mut refused) = (0, 0);
    for (number, name) in hostile().iter().enumerate() {
        for set in [NON_ALPHANUMERIC, PATH].into_iter().take(1 + usize::from(number % 4 == 0)) {
            let named = utf8_percent_encode(name, set).to_string();
            let path = format!("/{SOURCE}/{named}");
            match ask(objects, "PUT", &path, "", name).0 {
                200 => {
                    let (status, _, body) = ask(objects, "GET", &path, "", "");
                    assert_eq!((status, &body[..]), (200, name.as_bytes()), "{path}");
                    assert_eq!(ask(objects, "DELETE", &path, "", "").0, 204, "{path}");
                    kept += 1;
                }
                400..500 => refused += 1,
                other => panic!("{path}: {other}"),
            }
            // As a bucket, and as where a list begins; some of them, for a list takes long.
            let others = [format!("/{named}/canary"), format!("/{SOURCE}?prefix={named}")];
            for path in others.into_iter().filter(|_| number % 4 == 0) {
                let (status, _, body) = ask(objects, "GET", &path, "", "");
                assert!(status < 500 && !body.windows(5).any(|five| five == b"sings"), "{path}: {status}");
            }
        }
    }
    assert!(kept > 500, "{kept} objects were kept, {refused} refused");

    // Somebody who is signed in, for an APPID without a key.
    let origin = format!("origin: http://{jobs}\r\n");
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let (_, head, _) = ask(jobs, "POST", "/console/sign-in", &format!("{origin}{form}"), "id=1250000000");
    let cookie = format!("cookie: cos-batch-session={}\r\n", behind(&head, "cos-batch-session="));
    let (_, _, page) = ask(jobs, "GET", &format!("/console/buckets/{SOURCE}"), &cookie, "");
    let own = behind(std::str::from_utf8(&page).unwrap(), "name=\"form\" value=\"").to_owned();
    let kind = "content-type: multipart/form-data; boundary=b\r\n";
    let (mut uploaded, mut shown) = (0, 0);
    for name in hostile().iter().step_by(EACH / 4) {
        let named = utf8_percent_encode(name, NON_ALPHANUMERIC).to_string();
        let part = |name: &str, text: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
        };
        let file = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"canary\"\r\n\r\nhush\r\n--b--\r\n";
        let body = format!("{}{}{file}", part("form", &own), part("prefix", &format!("{name}/")));
        let headers = format!("{origin}{cookie}{kind}");
        let status = ask(jobs, "POST", &format!("/console/buckets/{SOURCE}/upload"), &headers, &body).0;
        assert!([303, 400, 404].contains(&status), "{name}: {status}");
        if status == 303 {
            let key = utf8_percent_encode(&format!("{name}/canary"), NON_ALPHANUMERIC).to_string();
            let (status, _, body) =
                ask(jobs, "GET", &format!("/console/buckets/{SOURCE}/download?key={key}"), &cookie, "");
            assert_eq!((status, &body[..]), (200, &b"hush"[..]), "{name}");
            uploaded += 1;
        }
        for path in [
            format!("/console/buckets/{SOURCE}?prefix={named}"),
            format!("/console/buckets/{SOURCE}/download?key={named}"),
            format!("/console/buckets/{named}"),
            format!("/console/buckets/{named}/download?key=canary"),
            format!("/console/jobs/{named}"),
            format!("/console/jobs/{named}/report"),
            format!("/console/static/x/{named}"),
        ] {
            let (status, _, body) = ask(jobs, "GET", &path, &cookie, "");
            assert!(status < 500 && !body.windows(5).any(|five| five == b"sings"), "{path}: {status}");
            shown += u32::from(status == 200);
        }
    }
    assert!(uploaded > 50 && shown > 50, "{uploaded} uploaded, {shown} shown");
    drop(server);
    if let Some(seen) = seen {
        let in_data = seen.assert_within(&of_its_own, &data, &canaries);
        assert!(in_data > kept, "it has opened an object for each name: {in_data}");
        assert_eq!(seen.connected(), BTreeSet::new(), "connected to");
    }
    assert_eq!((within(), of_the_machine()), (before, machine), "something outside was made, changed or is gone");
    canaries.iter().for_each(|canary| assert_eq!(fs::read(canary).unwrap(), b"sings", "{}", canary.display()));
}
