//! Nothing that a user writes becomes an address.

use std::net::{TcpListener, TcpStream};

use cos_batch_nullstore::{NullStore, Options};

use super::seen::Seen;
use crate::{
    raw::Caller,
    remote,
    support::{Place, SOURCE, Server, TARGET, etag_of, program, run},
};

/// A bucket of a store over HTTP: this server does connect to others, to those that the operator has named.
const FAR: &str = "far-1250000000";

/// Where the texts between tags are in a document.
pub(super) fn leaves(document: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = document[at..].find('>').map(|place| at + place + 1) {
        let Some(close) = document[open..].find('<').map(|place| open + place) else { break };
        // What an opening tag begins and its own closing tag ends.
        if document[close..].starts_with("</") && !document[open..close].trim().is_empty() {
            found.push(open..close);
        }
        at = close;
    }
    found
}

/// Each field of a job, one after the other, has the address of a trap in it, in every form that something could take for one;
/// and so have rows of the manifest. The trap is never stepped into, whatever becomes of the job; the store that the operator
/// has named is asked.
#[tokio::test(flavor = "multi_thread")]
async fn what_users_write_is_never_connected_to() {
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    // Whoever comes is noticed.
    let control = TcpStream::connect(trap.local_addr().unwrap()).unwrap();
    assert_eq!(trap.accept().unwrap().1, control.local_addr().unwrap());
    let (address, port) = (trap.local_addr().unwrap(), trap.local_addr().unwrap().port());
    let forms = [
        format!("http://{address}/"),
        format!("{address}"),
        format!("127.0.0.1:{port}/x-1250000000"),
        format!("//{address}/x"),
        format!("x-1250000000@{address}#"),
        "169.254.169.254".to_owned(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("http://localhost:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://2130706433:{port}/"),
        "http://metadata.tencentyun.com/".to_owned(),
        "localhost".to_owned(),
    ];
    let store = NullStore::start(Options::default()).await.unwrap();
    let mut place = Place::new();
    let seen = Seen::of(&mut place);
    let rows = place.fill(3);
    let hostile: String =
        forms.iter().map(|form| format!("{form},in/x\n{SOURCE},{form}\n{SOURCE},http%3A//{address}/x\n")).collect();
    let etag = place.write_manifest(&format!("{}{hostile}", rows.text));
    let manifest = format!("{SOURCE}/lists/all.csv");
    let document = |operation: &[&str]| {
        let words = ["create", "--dry-run", "--manifest", &manifest, "--etag", &etag, "--operation"];
        let more = ["--report-bucket", TARGET, "--report-prefix", "reports", "--description", "words"];
        let mut command = program();
        run(command.env("COS_APPID", "1250000000").args(words).args(operation).args(more)).with_code(0)
    };
    let copy = ["copy", "--target", TARGET, "--meta", "name=value", "--prefix-from", "in/", "--prefix-to", "out/"];
    let operations = [&copy[..], &["tag", "--tag", "colour=red"], &["restore", "--days", "3"], &["delete"]];
    let documents = operations.map(document);

    // In one bucket, as a manifest has to be, so that each row is worked on.
    let of_one = |line: &&str| line.starts_with(SOURCE);
    let far: String = rows.text.lines().chain(hostile.lines()).filter(of_one).map(|line| format!("{line}\n")).collect();
    let far = far.replace(SOURCE, FAR);
    store.keep(FAR, "lists/all.csv", far.clone().into());
    let config = remote::config(&place, &store, &[FAR], "", "");
    let server = Server::start_with(&place, &["--config", config.to_str().unwrap()]);
    let caller = Caller::new(&server, &place);
    let (mut made, mut refused) = (Vec::new(), 0);
    for (of_document, document) in documents.iter().enumerate() {
        let leaves = leaves(document);
        assert!(leaves.len() > 12, "{document}");
        for (number, leaf) in leaves.iter().enumerate() {
            let region_of_a_name = document[leaf.clone()].replace("qcs::cos:local:", &format!("qcs::cos:{address}:"));
            for (of_leaf, form) in forms.iter().chain([&region_of_a_name]).enumerate() {
                let mut body = document.clone();
                body.replace_range(leaf.clone(), form);
                // Each is a job of its own, unless it is the token that is replaced.
                let token = format!("<ClientRequestToken>{of_document}-{number}-{of_leaf}-");
                let body = body.replace("<ClientRequestToken>", &token);
                let mut request = caller.request("POST", "/jobs", &body);
                caller.sign(&mut request);
                let answer = caller.send(request);
                match answer.status {
                    200 => made.push(answer.job()),
                    400 | 403 => {
                        assert!(!answer.body.contains("already used"), "{form}: {}", answer.body);
                        refused += 1;
                    }
                    _ => panic!("{form}: {} {}", answer.status, answer.body),
                }
            }
        }
    }
    assert!(!made.is_empty() && refused > 200, "{} jobs were made, {refused} refused", made.len());
    let manifest = format!("{FAR}/lists/all.csv");
    let words = ["create", "--operation", "delete", "--manifest", &manifest, "--etag", &etag_of(&far)];
    made.push(server.run(&[&words[..], &["--report-bucket", TARGET]].concat()).with_code(0).trim().to_owned());
    for job in &made {
        let waited = server.run(&["wait", job]);
        assert!([0, 3, 4].contains(&waited.code), "{waited:?}");
    }
    drop(server);
    assert!(store.seen().buckets[FAR].operations > forms.len() as u64, "the store was asked for each key");
    // Wherever it leads: whoever asks for a name connects to somebody who knows it.
    if let Some(seen) = seen {
        assert_eq!(seen.connected(), [store.address().to_string()].into(), "connected to");
    }
    // Whoever had come would wait to be let in.
    let come = trap.accept();
    assert!(come.is_err(), "{come:?} came");
}
