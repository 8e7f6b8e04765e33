//! Connections, and how long anything may take: nothing hangs, nothing is sent twice that does harm, no connection is left
//! behind.

use std::time::Duration;

use bytes::Bytes;
use cos_batch_objectstore::{
    BoxFuture, CredentialsSource, ErrorKind, Fetched, HttpDialect, HttpSettings, HttpStore, ObjectStore as _,
    PutRequest, StaticCredentials,
};

use super::{
    doing::{COPIED, LATEST, copy, get, part, put_tags, quick, restore, store, store_with},
    script::{Script, Then, answer, error},
    signed::credentials,
};

/// A second request would be refused as one too many, which looks like a failure of the only one that was asked for.
#[tokio::test]
async fn a_restore_is_not_sent_again_unseen() {
    let accepted = (answer("202 Accepted", "", ""), Then::Keep);
    let script = Script::start([accepted.clone(), (String::new(), Then::Close), accepted]).await;
    let store = store(&script);
    restore(&store, LATEST).await.unwrap();
    assert_eq!(restore(&store, LATEST).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(script.requests().len(), 2);
}

/// Stores begin to answer a copy before it is done, and send a space from time to time.
#[tokio::test]
async fn a_long_copy_is_waited_for_as_long_as_something_comes() {
    let slowly = |pauses: usize| {
        let told = format!("{}{COPIED}", "\0 ".repeat(pauses));
        let length = told.len() - pauses;
        (format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{told}"), Then::Keep)
    };
    // Longer than any other request may take.
    let patient =
        || HttpSettings { gap_timeout: Duration::from_secs(30), long_timeout: Duration::from_secs(60), ..quick() };
    let script = Script::start([slowly(12)]).await;
    copy(&store_with(&script, patient())).await.unwrap();
    let script = Script::start([slowly(12)]).await;
    assert_eq!(put_tags(&store_with(&script, patient())).await.unwrap_err().kind(), ErrorKind::Unreachable);
    // But not for ever, and not when nothing comes any more.
    for (told, long, reason) in [
        (slowly(12), 250, "no whole answer within 0.25 s"),
        (("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n ".to_owned(), Then::Hang), 60_000, "no more of the answer"),
    ] {
        let script = Script::start([told]).await;
        let settings = HttpSettings { long_timeout: Duration::from_millis(long), ..quick() };
        let failed = copy(&store_with(&script, settings)).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unreachable);
        assert!(failed.message().contains(reason), "{failed}");
    }
}

/// Other stores answer a copy when it is done.
#[tokio::test]
async fn a_copy_that_is_answered_at_its_end_is_waited_for() {
    let late = || (format!("\0\0\0\0\0\0{}", answer("200 OK", "", COPIED)), Then::Keep);
    let settings =
        || HttpSettings { work_timeout: Duration::from_secs(30), long_timeout: Duration::from_secs(60), ..quick() };
    let script = Script::start([late()]).await;
    copy(&store_with(&script, settings())).await.unwrap();
    let script = Script::start([late()]).await;
    let failed = put_tags(&store_with(&script, settings())).await.unwrap_err();
    assert!(failed.message().contains("no answer within 0.3 s"), "{failed}");
}

/// A server that has seen enough answers before it has read everything; what it does not read stands in the way.
#[tokio::test]
async fn a_connection_with_half_a_request_in_it_is_not_used_again() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        for told in [error("503 Slow Down", "SlowDown"), answer("200 OK", "", COPIED)] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut some = [0; 1024];
            let _ = stream.read(&mut some).await.unwrap();
            stream.write_all(told.as_bytes()).await.unwrap();
            held.push(stream);
        }
        std::future::pending::<()>().await;
    });
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{address}")).settings(quick());
    let store = builder.build().unwrap();
    let large = PutRequest::new("b-1", "k", Bytes::from(vec![0; 16 * 1024 * 1024]));
    assert_eq!(store.put(large).await.unwrap_err().kind(), ErrorKind::SlowDown);
    copy(&store).await.unwrap();
    server.abort();
}

/// Whoever hands out credentials may be gone: requests do not wait for ever, and surely were not sent.
#[tokio::test]
async fn waiting_for_credentials_has_an_end() {
    #[derive(Debug)]
    struct Never;
    impl CredentialsSource for Never {
        fn fetch(&self) -> BoxFuture<'_, Result<Fetched, String>> {
            Box::pin(std::future::pending())
        }
    }
    let script = Script::start([]).await;
    let builder = HttpStore::builder(HttpDialect::S3, format!("http://{}", script.address));
    let store = builder.credentials(Never).settings(quick()).build().unwrap();
    let failed = copy(&store).await.unwrap_err();
    assert_eq!((failed.kind(), script.connections()), (ErrorKind::ServiceUnavailable, 0), "{failed}");
}

/// A server that takes connections and says nothing: the time runs out before there is anything to send a request on.
#[tokio::test]
async fn what_runs_out_of_time_before_it_is_sent_was_surely_not_sent() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("https://{}", listener.local_addr().unwrap());
    let settings = HttpSettings { connect_timeout: Duration::from_secs(60), ..quick() };
    let store = HttpStore::builder(HttpDialect::S3, endpoint).settings(settings).build().unwrap();
    let failed = put_tags(&store).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable, "{failed}");
    assert!(failed.message().contains("no connection within 0.9 s"), "{failed}");
}

#[test]
fn no_time_is_none() {
    for settings in [
        HttpSettings { idle_timeout: Duration::ZERO, ..HttpSettings::default() },
        HttpSettings { gap_timeout: Duration::ZERO, ..HttpSettings::default() },
        HttpSettings { long_timeout: Duration::ZERO, ..HttpSettings::default() },
    ] {
        let built = HttpStore::builder(HttpDialect::S3, "http://127.0.0.1:1").settings(settings).build();
        assert_eq!(built.unwrap_err().to_string(), "settings: times must not be 0");
    }
}

#[tokio::test]
async fn passwords_are_not_shown() {
    let builder =
        HttpStore::builder(HttpDialect::S3, "https://me:hush@s3.example").proxy("http://me:hush@proxy.example");
    let shown = format!("{builder:?}");
    assert!(!shown.contains("hush"), "{shown}");
    assert!(!builder.build().unwrap_err().to_string().contains("hush"));
    for endpoint in ["https://s3.example", "http://s3.example"] {
        let builder = HttpStore::builder(HttpDialect::S3, endpoint).proxy("http://me:hush@proxy.example");
        let store = builder.credentials(StaticCredentials::new(credentials())).build().unwrap();
        let shown = format!("{store:?}");
        // `me:hush` in the form of a header.
        assert!(!shown.contains("hush") && !shown.contains("bWU6aHVzaA"), "{shown}");
    }
}

#[tokio::test]
async fn where_no_answer_came_nobody_knows() {
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{COPIED}");
    for (told, then) in [
        (String::new(), Then::Close),
        (String::new(), Then::Reset),
        (String::new(), Then::HalfClose),
        (String::new(), Then::Hang),
        ("HTTP/1.1 200 OK\r\ncontent-".to_owned(), Then::HalfClose),
        ("this is not HTTP\r\n\r\n".to_owned(), Then::Close),
        (short.clone(), Then::Close),
        (short.clone(), Then::Reset),
        (short, Then::Hang),
    ] {
        let script = Script::start([(told.clone(), then)]).await;
        let store = store_with(&script, quick());
        let failed = copy(&store).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::Unreachable, "{told:?} {then:?}: {failed}");
        assert_eq!(script.requests().len(), 1, "{told:?} {then:?}");
        // A connection that something went wrong on is not kept.
        script.all_closed().await;
    }
}

#[tokio::test]
async fn what_was_surely_not_sent_is_told_apart() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    let store = HttpStore::builder(HttpDialect::Cos, format!("http://{nobody}")).build().unwrap();
    let failed = copy(&store).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable);
    assert!(failed.message().contains("refused"), "{failed}");
}

#[tokio::test]
async fn one_connection_takes_one_request_after_another() {
    let script = Script::start((0..20).map(|_| (answer("200 OK", "", COPIED), Then::Keep))).await;
    let store = store(&script);
    for _ in 0..20 {
        copy(&store).await.unwrap();
    }
    assert_eq!((script.requests().len(), script.connections()), (20, 1));
    drop(store);
    script.all_closed().await;
}

#[tokio::test]
async fn an_unused_connection_does_not_stay() {
    let script = Script::start([(answer("200 OK", "", COPIED), Then::Keep)]).await;
    let settings = HttpSettings { idle_timeout: Duration::from_millis(50), ..HttpSettings::default() };
    let store = store_with(&script, settings);
    copy(&store).await.unwrap();
    script.all_closed().await;
}

/// Content and operations, with a body or without: one after another they need one connection.
#[tokio::test]
async fn a_connection_takes_requests_of_every_kind() {
    let chunks = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nx: y\r\n\r\n".to_owned();
    let answers =
        [part("hello"), answer("200 OK", "", COPIED), answer("204 No Content", "", ""), part("hello"), chunks];
    let script = Script::start(answers.map(|answer| (answer, Then::Keep))).await;
    let store = store(&script);
    assert_eq!(get(&store).await.unwrap(), "hello");
    copy(&store).await.unwrap();
    put_tags(&store).await.unwrap();
    assert_eq!(get(&store).await.unwrap(), "hello");
    // Not XML, and so no answer; but the connection is read to its end.
    copy(&store).await.unwrap_err();
    assert_eq!(script.connections(), 1);
}

/// Whoever answers twice would be believed the second time by the next request.
#[tokio::test]
async fn what_is_said_unasked_is_no_answer() {
    let unasked = answer("200 OK", "", COPIED);
    let script =
        Script::start([(format!("{unasked}{unasked}"), Then::Keep), (answer("200 OK", "", COPIED), Then::Keep)]).await;
    let store = store(&script);
    copy(&store).await.unwrap();
    copy(&store).await.unwrap();
    assert_eq!((script.requests().len(), script.connections()), (2, 2));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_is_replaced() {
    let script = Script::start((0..5).map(|_| (answer("200 OK", "", COPIED), Then::Close))).await;
    let store = store(&script);
    for _ in 0..5 {
        copy(&store).await.unwrap();
        // So that its end is seen before it is used again.
        script.all_closed().await;
    }
    assert_eq!(script.requests().len(), 5);
}

#[tokio::test]
async fn at_the_end_of_a_kept_connection_only_what_does_no_harm_is_sent_again() {
    // The first answer keeps the connection; the next request meets its end, and is answered on another.
    let script =
        Script::start([(part("hello"), Then::Keep), (String::new(), Then::Close), (part("hello"), Then::Keep)]).await;
    let store_of_get = store(&script);
    get(&store_of_get).await.unwrap();
    assert_eq!(get(&store_of_get).await.unwrap(), b"hello"[..]);
    assert_eq!((script.requests().len(), script.connections()), (3, 2));

    let copied = (answer("200 OK", "", COPIED), Then::Keep);
    let script = Script::start([copied.clone(), (String::new(), Then::Close), copied]).await;
    let store_of_copy = store(&script);
    copy(&store_of_copy).await.unwrap();
    assert_eq!(copy(&store_of_copy).await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!(script.requests().len(), 2, "a copy may have been made");
}

#[tokio::test]
async fn a_request_that_is_given_up_frees_its_place() {
    let script = Script::start([(String::new(), Then::Hang), (answer("200 OK", "", COPIED), Then::Keep)]).await;
    let store = store_with(&script, HttpSettings { connections_max: 1, ..quick() });
    let (first, second) = tokio::join!(copy(&store), copy(&store));
    let kinds = [first, second].map(|result| result.map_err(|error| error.kind()));
    assert!(kinds.contains(&Err(ErrorKind::Unreachable)), "{kinds:?}");
    assert!(kinds.contains(&Ok(())) || kinds.contains(&Err(ErrorKind::NoFreeConnection)), "{kinds:?}");
    assert!(script.connections() <= 2);
}

#[tokio::test]
async fn what_is_no_operation_does_not_wait_behind_operations() {
    assert_eq!(store(&Script::start([]).await).operations_max(), Some(120), "of 128 connections");
    // All places that operations may have are taken by ones that get no answer; a read has a place of its own.
    let settings = HttpSettings {
        connections_max: 16,
        work_timeout: Duration::from_secs(2),
        total_timeout: Duration::from_secs(2),
        ..quick()
    };
    let hang = (0..15).map(|_| (String::new(), Then::Hang));
    let script = Script::start(hang.chain([(part("hello"), Then::Keep)])).await;
    let store = store_with(&script, settings);
    assert_eq!(store.operations_max(), Some(15));
    let operations = futures_util::future::join_all((0..16).map(|_| copy(&store)));
    let read = async {
        while script.requests().len() < 15 {
            tokio::task::yield_now().await;
        }
        get(&store).await
    };
    let (mut results, read) = tokio::join!(operations, read);
    assert_eq!(read.unwrap(), b"hello"[..]);
    // The sixteenth found no place at all, and the store is not blamed for it.
    let last = results.pop().unwrap().unwrap_err();
    assert_eq!((last.kind(), last.code().as_ref()), (ErrorKind::NoFreeConnection, "NoFreeConnection"));
}

#[tokio::test]
async fn a_proxy_gets_whole_addresses() {
    let script = Script::start([(answer("200 OK", "", COPIED), Then::Keep)]).await;
    let proxy = format!("http://me:secret@{}", script.address);
    let builder = HttpStore::builder(HttpDialect::S3, "http://s3.example:81").proxy(proxy);
    let store = builder.credentials(StaticCredentials::new(credentials())).build().unwrap();
    copy(&store).await.unwrap();
    let request = &script.requests()[0];
    assert!(request.starts_with("PUT http://b-1.s3.example:81/to HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nhost: b-1.s3.example:81\r\n"), "{request}");
    assert!(request.contains("\r\nproxy-authorization: Basic bWU6c2VjcmV0\r\n"), "{request}");
    assert!(!request.contains("SignedHeaders=host;proxy"), "{request}");
}

#[tokio::test]
async fn a_tunnel_is_asked_for_where_tls_is_spoken() {
    let script = Script::start([("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n".to_owned(), Then::Close)]).await;
    let builder = HttpStore::builder(HttpDialect::S3, "https://s3.example").proxy(format!("http://{}", script.address));
    let failed = copy(&builder.build().unwrap()).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable);
    let request = &script.requests()[0];
    assert!(request.starts_with("CONNECT b-1.s3.example:443 HTTP/1.1\r\n"), "{request}");
}
