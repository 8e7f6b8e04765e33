//! Stores behind `https`, with certificates made for the tests: who is trusted, and the way through a proxy.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use cos_batch_objectstore::{
    ErrorKind, HttpDialect, HttpStore, HttpStoreBuilder, ObjectStore as _, PutRequest, StaticCredentials, StoreError,
};
use rustls::{ServerConfig, crypto::aws_lc_rs::default_provider, pki_types::PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

use super::{
    script::{Script, Then, answer},
    signed::credentials,
};

/// A certificate, and a file with it.
struct Certificate {
    pem: tempfile::NamedTempFile,
    config: Arc<ServerConfig>,
}

impl Certificate {
    fn new(names: &[&str]) -> Self {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let certificate = made.cert.der().clone();
        let pem = tempfile::NamedTempFile::new().unwrap();
        let text = BASE64_STANDARD.encode(&certificate);
        let text = format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n");
        std::fs::write(pem.path(), text).unwrap();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        Self { pem, config: Arc::new(config) }
    }

    /// Listens with TLS before a server that has none; gives the port.
    async fn before(&self, script: &Script) -> u16 {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = script.address.clone();
        tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                let (acceptor, address) = (acceptor.clone(), address.clone());
                tokio::spawn(async move {
                    // Who does not trust the certificate leaves.
                    let Ok(mut outside) = acceptor.accept(stream).await else { return };
                    let mut inside = TcpStream::connect(address).await.unwrap();
                    let _ = copy_bidirectional(&mut outside, &mut inside).await;
                });
            }
        });
        port
    }
}

fn stored() -> (String, Then) {
    (answer("200 OK", "etag: \"e\"\r\n", ""), Then::Keep)
}

fn store(endpoint: String) -> HttpStoreBuilder {
    HttpStore::builder(HttpDialect::S3, endpoint).credentials(StaticCredentials::new(credentials()))
}

async fn put(builder: HttpStoreBuilder) -> Result<(), StoreError> {
    let store = builder.build().unwrap();
    store.put(PutRequest::new("b-1", "k", Bytes::from_static(b"hello"))).await.map(drop)
}

#[tokio::test]
async fn who_is_vouched_for_is_trusted_and_nobody_else() {
    let script = Script::start([stored()]).await;
    let (good, foreign) = (Certificate::new(&["127.0.0.1"]), Certificate::new(&["127.0.0.1"]));
    let endpoint = format!("https://127.0.0.1:{}", good.before(&script).await);
    for builder in [store(endpoint.clone()), store(endpoint.clone()).ca_file(foreign.pem.path())] {
        let failed = put(builder).await.unwrap_err();
        assert_eq!(failed.kind(), ErrorKind::ServiceUnavailable, "nothing was sent: {failed}");
        assert!(failed.message().contains("certificate"), "{failed}");
    }
    assert_eq!(script.connections(), 0);
    put(store(endpoint).ca_file(good.pem.path())).await.unwrap();
    let request = &script.requests()[0];
    assert!(request.starts_with("PUT /b-1/k HTTP/1.1\r\n"), "{request}");
    // TLS binds the content to the request; without it, a hash does.
    assert!(request.contains("\r\nx-amz-content-sha256: UNSIGNED-PAYLOAD\r\n"), "{request}");
}

#[tokio::test]
async fn a_certificate_is_for_its_own_names() {
    let script = Script::start([]).await;
    let other = Certificate::new(&["s3.example"]);
    let endpoint = format!("https://127.0.0.1:{}", other.before(&script).await);
    let failed = put(store(endpoint).ca_file(other.pem.path())).await.unwrap_err();
    assert_eq!((failed.kind(), script.connections()), (ErrorKind::ServiceUnavailable, 0), "{failed}");
}

/// The proxy sees where to, and nothing else.
#[tokio::test]
async fn a_proxy_passes_bytes_on_that_it_cannot_read() {
    let script = Script::start([stored()]).await;
    let certificate = Certificate::new(&["b-1.s3.example"]);
    let port = certificate.before(&script).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = listener.local_addr().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let heard = Arc::clone(&seen);
    let task = tokio::spawn(async move {
        let (mut outside, _) = listener.accept().await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(outside.read_u8().await.unwrap());
        }
        *heard.lock().unwrap() = String::from_utf8(head).unwrap();
        let mut inside = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        outside.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
        let _ = copy_bidirectional(&mut outside, &mut inside).await;
    });
    let builder = store("https://s3.example".to_owned()).proxy(format!("http://me:secret@{proxy}"));
    put(builder.ca_file(certificate.pem.path())).await.unwrap();
    let head = seen.lock().unwrap().to_ascii_lowercase();
    assert!(head.starts_with("connect b-1.s3.example:443 http/1.1\r\n"), "{head}");
    assert!(head.contains("proxy-authorization: basic bwu6c2vjcmv0\r\n"), "{head}");
    let request = &script.requests()[0];
    assert!(request.starts_with("PUT /k HTTP/1.1\r\n") && !request.contains("roxy"), "{request}");
    task.abort();
}
