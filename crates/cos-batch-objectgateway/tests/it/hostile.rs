//! Input that means no good.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cos_batch_objectgateway::{HEADER_COUNT_MAX, URI_BYTES_MAX, XML_BYTES_MAX};
use cos_batch_objectstore::{ListRequest, ObjectStore};
use md5::{Digest, Md5};

use crate::support::*;

/// After all of it, an honest request is answered.
async fn still_serves(g: &Listening) {
    assert_eq!(ask(g.address, Ask::new("HEAD", "/")).await.status, 200);
}

#[tokio::test]
async fn heads_beyond_their_limits() {
    let (_, g) = gateway().await;
    let long = format!("/{}", "x".repeat(URI_BYTES_MAX));
    ask(g.address, Ask::new("GET", &long)).await.is(400, "InvalidURI");
    let mut many = Ask::new("GET", "/k");
    for number in 0..HEADER_COUNT_MAX {
        let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
        many.request.headers_mut().insert(name, "1".parse().unwrap());
    }
    many.signed().send(g.address).await.is(400, "InvalidRequest");
    let parameters: String = (0..65).map(|number| format!("&p{number}=1")).collect();
    ask(g.address, Ask::new("GET", &format!("/?{}", &parameters[1..]))).await.is(400, "InvalidArgument");
    still_serves(&g).await;
}

#[tokio::test]
async fn bytes_that_are_no_request() {
    let (_, g) = gateway().await;
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"GET / HTTP/1.1\r\nHost: b-1250000000.localhost\r\nHost: other\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /%ff HTTP/1.1\r\nHost: b-1250000000.localhost\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: b-1250000000.localhost\r\n\r\n",
        b"CONNECT b-1250000000.localhost:80 HTTP/1.1\r\nHost: b-1250000000.localhost:80\r\n\r\n",
        b"PUT /k HTTP/1.1\r\nHost: b-1250000000.localhost\r\nContent-Length: -1\r\n\r\n",
        b"PUT /k HTTP/1.1\r\nHost: b-1250000000.localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        b"PUT /k HTTP/1.1\r\nHost: b-1250000000.localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
    ] {
        let answer = exchange(g.address, bytes, false).await;
        assert!((400..500).contains(&answer.status), "{:?}: {answer:?}", String::from_utf8_lossy(bytes));
    }
    still_serves(&g).await;
}

#[tokio::test]
async fn xml_that_means_no_good() {
    let (_, g) = gateway().await;
    let send = |body: String| {
        let digest = STANDARD.encode(Md5::digest(&body));
        Ask::new("POST", "/?delete").header("content-md5", &digest).body(body)
    };
    for body in [
        "<!DOCTYPE d [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><Delete>&b;</Delete>".to_owned(),
        "<Delete><Object><Key>&external;</Key></Object></Delete>".to_owned(),
        format!("{}{}", "<Delete>".repeat(100), "</Delete>".repeat(100)),
        format!("<Delete>{}</Delete>", "<x/>".repeat(50_000)),
        "<Delete><Object><Key>a</Key><Key>b</Key></Object></Delete>".to_owned(),
        "<Tagging/>".to_owned(),
        "\u{0}".to_owned(),
    ] {
        ask(g.address, send(body)).await.is(400, "MalformedXML");
    }
    ask(g.address, Ask::new("PUT", "/k?tagging").body("")).await.is(400, "MissingRequestBodyError");
    let announced = Ask::new("PUT", "/k?tagging").header("content-length", &(XML_BYTES_MAX + 1).to_string()).signed();
    exchange(g.address, &announced.head(), false).await.is(400, "XMLSizeLimit");
    ask(g.address, Ask::new("GET", "/k").body("unexpected")).await.is(400, "InvalidRequest");
    still_serves(&g).await;
}

#[tokio::test]
async fn keys_that_look_like_paths_are_keys() {
    let (store, g) = gateway().await;
    let targets = ["/../../etc/passwd", "/..%2f..%2fetc/passwd", "/%2e%2e/x", "/a/./b", "//", "/%00"];
    for target in targets {
        let answer = ask(g.address, Ask::new("PUT", target).body("x")).await;
        assert_eq!(answer.status, 200, "{target} {answer:?}");
        assert_eq!(ask(g.address, Ask::new("GET", target)).await.text(), "x", "{target}");
    }
    let page = store.list(ListRequest { bucket: BUCKET, prefix: "", after: None, limit: 100 }).await.unwrap();
    let keys: Vec<_> = page.objects.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["\0", "../../etc/passwd", "../x", "/", "a/./b"]);
}

#[tokio::test]
async fn buckets_are_never_paths() {
    let (_, g) = gateway().await;
    for target in ["/..-1250000000/k", "/%2e%2e-1250000000/k", "/.-1250000000/"] {
        let answer = ask(g.address, Ask::new("GET", target).header("host", "127.0.0.1")).await;
        assert!(matches!(answer.status, 403 | 404), "{target} {answer:?}");
    }
}
