//! TLS with a real server: each `sslmode`, and certificates of either side.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use cos_batch_engine::SystemClock;
use cos_batch_jobstore::PostgresJobStore;
use cos_batch_nodetest::{Postgres, Tls};
use rcgen::{CertificateParams, DnType, KeyPair};

/// How many sessions over TCP are encrypted, and how many are not; those of `psql` go over the socket.
const SESSIONS: &str = "SELECT count(*) FILTER (WHERE ssl), count(*) FILTER (WHERE NOT ssl) FROM pg_stat_ssl \
                        JOIN pg_stat_activity USING (pid) WHERE client_addr IS NOT NULL";

/// Ends them, and tells how many there were.
const END: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE client_addr IS NOT NULL";

/// So often at most, each time with a process of its own: a generous guard, once or twice is enough.
const LOOKS_MAX: u32 = 1_000;

/// A certificate that vouches for itself, and its key, as PEM.
struct Made {
    cert: String,
    key: String,
}

fn make(name: &str) -> Made {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    let cert = params.self_signed(&key).unwrap();
    Made { cert: pem("CERTIFICATE", cert.der()), key: pem("PRIVATE KEY", &key.serialize_der()) }
}

fn pem(what: &str, der: &[u8]) -> String {
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", BASE64_STANDARD.encode(der))
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// What the server says of the sessions of a store that was opened so; or why it could not be.
async fn sessions(server: &Postgres, host: &str, options: &str) -> Result<String, String> {
    let port = server.port();
    let url = format!("postgres://test@{host}:{port}/postgres?schema=tls&pool_size=2&connect_timeout=5{options}");
    let store = PostgresJobStore::open(&url, |_| None, SystemClock).await.map_err(|error| error.to_string())?;
    let told = server.sql(SESSIONS).unwrap();
    drop(store);
    // They would end a moment later by themselves; the next case must not find them.
    for _ in 0..LOOKS_MAX {
        if server.sql(END).unwrap() == "0" {
            return Ok(told);
        }
    }
    panic!("sessions do not end");
}

fn is_encrypted(told: &Result<String, String>) -> bool {
    let (encrypted, plain) = told.as_ref().unwrap().split_once('|').unwrap();
    assert!((encrypted == "0") != (plain == "0"), "all of them alike: {encrypted} encrypted, {plain} not");
    encrypted != "0"
}

#[tokio::test]
async fn each_mode_trusts_whom_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) = (make("localhost"), make("localhost"));
    let root = file(folder.path(), "ours.pem", &ours.cert);
    let other = file(folder.path(), "others.pem", &others.cert);
    let tls = Tls { cert: &ours.cert, key: &ours.key, client_root: None };
    let modes = [
        ("localhost", "&sslmode=disable".to_owned(), false),
        ("localhost", String::new(), true),
        ("localhost", "&sslmode=require".to_owned(), true),
        // The certificate is another host's, which this mode does not look at.
        ("127.0.0.1", format!("&sslmode=verify-ca&sslrootcert={root}"), true),
        ("localhost", format!("&sslmode=verify-full&sslrootcert={root}"), true),
    ];
    let server = Postgres::start_with_tls(&tls).unwrap();
    for (host, options, encrypted) in modes {
        assert_eq!(is_encrypted(&sessions(&server, host, &options).await), encrypted, "{host} {options}");
    }
    for (host, options, why) in [
        ("127.0.0.1", format!("&sslmode=verify-full&sslrootcert={root}"), "not valid for name"),
        ("localhost", format!("&sslmode=verify-full&sslrootcert={other}"), "certificate"),
        ("localhost", format!("&sslmode=require&sslrootcert={other}"), "certificate"),
        ("localhost", "&sslmode=verify-full".to_owned(), "certificate"),
        ("localhost", "&sslrootcert=system".to_owned(), "certificate"),
    ] {
        let refused = sessions(&server, host, &options).await.unwrap_err();
        assert!(refused.contains(why), "{host} {options}: {refused}");
    }
    // A server without TLS is no reason to go on in the open, unless that is what `prefer` says.
    let server = Postgres::start().unwrap();
    assert!(!is_encrypted(&sessions(&server, "localhost", "").await));
    let refused = sessions(&server, "localhost", "&sslmode=require").await.unwrap_err();
    assert!(refused.to_lowercase().contains("tls"), "{refused}");
}

#[tokio::test]
async fn a_server_that_asks_for_a_certificate_is_shown_one() {
    let folder = tempfile::tempdir().unwrap();
    let (host, client) = (make("localhost"), make("test"));
    let tls = Tls { cert: &host.cert, key: &host.key, client_root: Some(&client.cert) };
    let cert = file(folder.path(), "client.pem", &client.cert);
    let key = file(folder.path(), "client.key", &client.key);
    let server = Postgres::start_with_tls(&tls).unwrap();
    let with_key = format!("&sslmode=require&sslcert={cert}&sslkey={key}");
    let mode = |mode| fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
    for readable in [0o604, 0o644, 0o660] {
        mode(readable);
        let refused = sessions(&server, "localhost", &with_key).await.unwrap_err();
        assert!(refused.contains("others than its owner"), "{readable:o}: {refused}");
    }
    mode(0o600);
    assert!(is_encrypted(&sessions(&server, "localhost", &with_key).await));
    let refused = sessions(&server, "localhost", "&sslmode=require").await.unwrap_err();
    assert!(refused.contains("certificate"), "{refused}");
}
