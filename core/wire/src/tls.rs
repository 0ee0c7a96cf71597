//! TLS set-up (rustls with the `ring` provider) and a stream that is either plain or TLS.
//!
//! Invariants: certificates are always verified; there is no way to switch that off. Tests and the simulator pass
//! their own root as PEM text instead. Left out: client certificates, early data, key logging.
//! Facts: the roots are Mozilla's, from the `webpki-roots` crate.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
pub use rustls::{ClientConfig, ServerConfig};
use rustls::{ClientConnection, RootCertStore, ServerConnection, StreamOwned};

use crate::error::WireError;

/// A client configuration that trusts the public roots and, if given, every certificate of `extra_root_pem`.
///
/// # Errors
/// [`WireError::Tls`] when the PEM text holds no certificate or a broken one.
pub fn client_config(extra_root_pem: Option<&str>) -> Result<Arc<ClientConfig>, WireError> {
    const DOING: &str = "reading the extra root certificate";
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(pem) = extra_root_pem {
        for certificate in certificates(pem, DOING)? {
            roots.add(certificate).map_err(|error| tls_error(DOING, &error))?;
        }
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error("choosing TLS versions", &error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// A server configuration from a certificate chain and its private key, both PEM text.
///
/// # Errors
/// [`WireError::Tls`] when either text is broken or they do not belong together.
pub fn server_config(cert_pem: &str, key_pem: &str) -> Result<Arc<ServerConfig>, WireError> {
    const DOING: &str = "reading the server certificate";
    let chain = certificates(cert_pem, DOING)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
        .map_err(|error| tls_error("reading the server's private key", &error))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error("choosing TLS versions", &error))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| tls_error(DOING, &error))?;
    Ok(Arc::new(config))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn certificates(pem: &str, doing: &'static str) -> Result<Vec<CertificateDer<'static>>, WireError> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| tls_error(doing, &error))?;
    if found.is_empty() {
        return Err(tls_error(doing, &"no certificate in the PEM text"));
    }
    Ok(found)
}

fn tls_error(doing: &'static str, reason: &dyn std::fmt::Display) -> WireError {
    WireError::Tls {
        doing,
        reason: reason.to_string(),
    }
}

/// A byte stream with or without TLS around it; the TLS handshake happens inside the first reads and writes.
#[derive(Debug)]
pub enum Transport<S: Read + Write> {
    /// Bytes as they are.
    Plain(S),
    /// We are the TLS client.
    TlsClient(Box<StreamOwned<ClientConnection, S>>),
    /// We are the TLS server.
    TlsServer(Box<StreamOwned<ServerConnection, S>>),
}

impl<S: Read + Write> Transport<S> {
    /// Starts TLS as a client; `host` is the name or address that the certificate must carry.
    ///
    /// # Errors
    /// [`WireError::Tls`] when `host` is no valid server name.
    pub fn tls_client(config: Arc<ClientConfig>, host: &str, stream: S) -> Result<Self, WireError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| tls_error("naming the TLS server", &error))?;
        let connection = ClientConnection::new(config, name)
            .map_err(|error| tls_error("starting TLS as a client", &error))?;
        Ok(Self::TlsClient(Box::new(StreamOwned::new(connection, stream))))
    }

    /// Starts TLS as a server.
    ///
    /// # Errors
    /// [`WireError::Tls`] when the configuration cannot be used.
    pub fn tls_server(config: Arc<ServerConfig>, stream: S) -> Result<Self, WireError> {
        let connection =
            ServerConnection::new(config).map_err(|error| tls_error("starting TLS as a server", &error))?;
        Ok(Self::TlsServer(Box::new(StreamOwned::new(connection, stream))))
    }

    /// The stream underneath, for registering it with a poller.
    pub fn socket_mut(&mut self) -> &mut S {
        match self {
            Self::Plain(stream) => stream,
            Self::TlsClient(tls) => &mut tls.sock,
            Self::TlsServer(tls) => &mut tls.sock,
        }
    }

    /// The stream underneath.
    pub fn socket(&self) -> &S {
        match self {
            Self::Plain(stream) => stream,
            Self::TlsClient(tls) => &tls.sock,
            Self::TlsServer(tls) => &tls.sock,
        }
    }
}

impl<S: Read + Write> Read for Transport<S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::TlsClient(tls) => tls.read(into),
            Self::TlsServer(tls) => tls.read(into),
        }
    }
}

impl<S: Read + Write> Write for Transport<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::TlsClient(tls) => tls.write(bytes),
            Self::TlsServer(tls) => tls.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::TlsClient(tls) => tls.flush(),
            Self::TlsServer(tls) => tls.flush(),
        }
    }
}
