//! Putting a client together: what is refused, and what is not shown.

use std::time::Duration;

use cos_batch_client::{ATTEMPTS_MAX, BuildError, Client, Endpoint, RetryPolicy, SIGNATURE_LIFETIME_MAX};

use crate::script::Script;
use crate::{SECRET_ID, SECRET_KEY, builder, client, credentials, samples};

#[test]
fn what_is_missing_is_named() {
    let endpoint = || Endpoint::url("http://127.0.0.1:9450").unwrap();
    let texts = [
        Client::builder().appid(samples::appid()).anonymous().build().unwrap_err(),
        Client::builder().endpoint(endpoint()).anonymous().build().unwrap_err(),
        Client::builder().endpoint(endpoint()).appid(samples::appid()).build().unwrap_err(),
    ];
    insta::assert_snapshot!(texts.map(|error| error.to_string()).join("\n"));
}

#[test]
fn settings_outside_their_range_are_refused() {
    let script = Script::new();
    let policy = |attempts| RetryPolicy { attempts, ..RetryPolicy::default() };
    let second = Duration::from_secs(1);
    let refused = [
        builder(&script).timeout(Duration::ZERO),
        builder(&script).retry(policy(0)),
        builder(&script).retry(policy(ATTEMPTS_MAX + 1)),
        builder(&script).signature_lifetime(Duration::from_millis(999)),
        builder(&script).signature_lifetime(SIGNATURE_LIFETIME_MAX + second),
        builder(&script).credentials(cos_batch_client::Credentials::new("with space", "secret")),
        builder(&script).credentials(credentials().with_security_token("line\nend")),
    ];
    let texts = refused.map(|builder| builder.build().unwrap_err().to_string());
    insta::assert_snapshot!(texts.join("\n"));
}

#[test]
fn settings_at_the_edges_of_their_range_are_taken() {
    let script = Script::new();
    let policy = |attempts| RetryPolicy { attempts, ..RetryPolicy::default() };
    for builder in [
        builder(&script).timeout(Duration::from_nanos(1)),
        builder(&script).timeout(Duration::MAX),
        builder(&script).retry(policy(1)),
        builder(&script).retry(policy(ATTEMPTS_MAX)),
        builder(&script).signature_lifetime(Duration::from_secs(1)),
        builder(&script).signature_lifetime(SIGNATURE_LIFETIME_MAX),
    ] {
        builder.build().unwrap();
    }
}

#[test]
fn nothing_secret_is_shown() {
    let script = Script::new();
    let builder = builder(&script).credentials(credentials().with_security_token("tok/en+1="));
    let shown = format!("{builder:?} {:?}", client(&script));
    assert!(shown.contains("127.0.0.1:9450") && shown.contains("1250000000"), "{shown}");
    for secret in [SECRET_ID, SECRET_KEY, "tok/en"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_client_over_http_is_built_without_a_runtime() {
    let client = Client::builder()
        .endpoint(Endpoint::cos(&"100000000001".parse().unwrap(), "ap-guangzhou").unwrap())
        .appid(samples::appid())
        .credentials(credentials());
    if cfg!(feature = "tls") {
        client.build().unwrap();
    } else {
        assert!(matches!(client.build(), Err(BuildError::Tls(_))));
    }
}
