//! Over TLS, with a certificate made for the test.

use std::sync::Arc;

use cos_batch_client::{BuildError, HttpTransport, TransportErrorKind};
use cos_batch_model::ListJobsRequest;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use crate::samples;
use crate::server::{Server, client_of, kind, serve};

/// A server for 127.0.0.1, and its certificate.
async fn server() -> (Server, CertificateDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = Server::start(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            // A client that does not trust the certificate leaves.
            if let Ok(stream) = acceptor.accept(stream).await {
                serve(stream).await;
            }
        }
    })
    .await;
    (server, certificate)
}

fn trusting(certificate: CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

#[tokio::test]
async fn calls_go_over_one_secure_connection_to_a_server_that_is_trusted() {
    let (server, certificate) = server().await;
    let transport = HttpTransport::with_tls(trusting(certificate)).unwrap();
    let client = client_of("https", server.address).transport(transport).build().unwrap();
    client.create_job(samples::create()).await.unwrap();
    client.describe_job(&samples::job_id()).await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_once() {
    let (server, _) = server().await;
    let client = client_of("https", server.address).build().unwrap();
    let error = client.create_job(samples::create()).await.unwrap_err();
    assert_eq!(kind(&error), TransportErrorKind::Tls, "and so it is sure that nothing was sent");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_server_without_tls_is_refused_once() {
    let server = Server::start(serve).await;
    let client = client_of("https", server.address).build().unwrap();
    let error = client.list_jobs(ListJobsRequest::default()).await.unwrap_err();
    assert_eq!(kind(&error), TransportErrorKind::Tls);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_ends_inside_the_handshake_is_tried_again() {
    let server = Server::start(|stream| async move { drop(stream) }).await;
    let client = client_of("https", server.address).build().unwrap();
    let error = client.cancel(&samples::job_id(), None).await.unwrap_err();
    assert_eq!(kind(&error), TransportErrorKind::Connect);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn application_protocols_are_not_to_be_set() {
    let (_, certificate) = server().await;
    let mut config = trusting(certificate);
    config.alpn_protocols.push(b"h2".to_vec());
    assert!(matches!(HttpTransport::with_tls(config), Err(BuildError::Tls(_))));
}
