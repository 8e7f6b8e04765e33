//! TLS to PostgreSQL, with the modes that its users know.

use std::{
    fs::File,
    future::Future,
    io::{self, BufReader},
    os::unix::fs::MetadataExt as _,
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    config::SslMode,
    tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream},
};

/// Which servers are taken for the right one, as `sslmode` names it, and the key that is shown to them.
#[derive(Clone, Debug, Default)]
pub(super) struct Trust {
    how: How,
    roots: Roots,
    /// Files of the client's own certificate and key.
    client: Option<(String, String)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum How {
    /// Any: encrypted, but not known to be the right one.
    #[default]
    Any,
    /// Whoever has a certificate of these authorities.
    Authority,
    /// As before, and of the host's name.
    Host,
}

#[derive(Clone, Debug, Default)]
enum Roots {
    /// Those that browsers trust.
    #[default]
    Public,
    /// Those in this file.
    File(String),
}

impl Trust {
    /// What `sslmode` and `sslrootcert` say.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn named(mode: Option<&str>, root: Option<&str>) -> Result<(SslMode, Self), String> {
        let roots = match root {
            None | Some("system") => Roots::Public,
            Some(path) => Roots::File(path.to_owned()),
        };
        let (mode, how) = match mode {
            // As `libpq` has it: any server has a certificate of theirs, so that only its name tells whose it is.
            None | Some("verify-full") if root == Some("system") => (SslMode::Require, How::Host),
            Some("disable" | "prefer" | "require" | "verify-ca") if root == Some("system") => {
                return Err(
                    "with sslrootcert=system, sslmode must be verify-full (or left out, which is the same)".to_owned()
                );
            }
            Some("disable") => (SslMode::Disable, How::Any),
            None | Some("prefer") => (SslMode::Prefer, How::Any),
            // With a file of authorities this has always meant to check against it.
            Some("require") if root.is_some() => (SslMode::Require, How::Authority),
            Some("require") => (SslMode::Require, How::Any),
            Some("verify-ca") => (SslMode::Require, How::Authority),
            Some("verify-full") => (SslMode::Require, How::Host),
            Some(_) => {
                return Err("sslmode must be disable, prefer, require, verify-ca or verify-full".to_owned());
            }
        };
        Ok((mode, Self { how, roots, client: None }))
    }

    /// With a certificate of the client's own.
    ///
    /// # Errors
    /// A sentence.
    pub(super) fn with_client(self, cert: Option<String>, key: Option<String>) -> Result<Self, String> {
        match (cert, key) {
            (None, None) => Ok(self),
            (Some(cert), Some(key)) => Ok(Self { client: Some((cert, key)), ..self }),
            _ => Err("sslcert goes with sslkey".to_owned()),
        }
    }

    /// Reads the files.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn connector(&self) -> Result<Connector, String> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        match &self.roots {
            Roots::Public => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            Roots::File(path) => {
                for cert in certificates("sslrootcert", path)? {
                    roots.add(cert).map_err(|error| format!("sslrootcert: {path}: {error}"))?;
                }
            }
        }
        let known = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let known = known.map_err(|error| format!("sslrootcert: {error}"))?;
        let verifier = Arc::new(Verifier { how: self.how, known, provider: Arc::clone(&provider) });
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let certs = certificates("sslcert", cert)?;
                let key = private_key(key).map_err(|error| format!("sslkey: {key}: {error}"))?;
                builder.with_client_auth_cert(certs, key).map_err(|error| format!("sslcert: {error}"))?
            }
        };
        Ok(Connector(Arc::new(config)))
    }
}

/// The key in a file that is its owner's alone; one of root's may be read by a group, as `psql` has it.
fn private_key(path: &str) -> Result<PrivateKeyDer<'static>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let about = file.metadata().map_err(|error| error.to_string())?;
    let may_be = if about.uid() == 0 { 0o740 } else { 0o700 };
    if about.mode() & 0o777 & !may_be != 0 {
        let mode = about.mode() & 0o777;
        return Err(format!("others than its owner may use it (mode {mode:03o}); run: chmod 600 {path}"));
    }
    PrivateKeyDer::from_pem_reader(BufReader::new(file)).map_err(|error| error.to_string())
}

fn certificates(what: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{what}: {path}: {error}");
    let certs = CertificateDer::pem_file_iter(Path::new(path)).map_err(|error| failed(&error))?;
    let certs: Vec<_> = certs.collect::<Result<_, _>>().map_err(|error| failed(&error))?;
    if certs.is_empty() { Err(failed(&"there is no certificate in it")) } else { Ok(certs) }
}

/// Takes what the mode takes. Signatures of the handshake are checked in every mode.
#[derive(Debug)]
struct Verifier {
    how: How,
    known: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if self.how == How::Any {
            return Ok(ServerCertVerified::assertion());
        }
        match self.known.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if self.how == How::Authority => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Makes connections that are encrypted.
#[derive(Clone)]
pub(super) struct Connector(Arc<ClientConfig>);

/// One connection to be encrypted.
pub(super) struct Connect(tokio_rustls::TlsConnector, ServerName<'static>);

/// An encrypted connection.
pub(super) struct Stream<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Connector {
    type Stream = Stream<S>;
    type TlsConnect = Connect;
    type Error = rustls::pki_types::InvalidDnsNameError;

    fn make_tls_connect(&mut self, domain: &str) -> Result<Connect, Self::Error> {
        // A socket of this machine has no name, and is never encrypted.
        let name = if domain.is_empty() { "localhost" } else { domain };
        Ok(Connect(Arc::clone(&self.0).into(), ServerName::try_from(name)?.to_owned()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Connect {
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { self.0.connect(self.1, stream).await.map(Stream) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
