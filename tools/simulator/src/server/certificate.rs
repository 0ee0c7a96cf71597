//! A root and a server certificate for loopback, made anew at each start. The keys never leave the process.

use std::sync::Arc;

use bijli_wire::tls;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;

use crate::error::SimError;

/// What the server speaks with, and what a client must trust.
pub(super) struct Credentials {
    pub(super) root_pem: String,
    pub(super) server: Arc<ServerConfig>,
}

/// Makes both certificates; the server's is good for `127.0.0.1`, `::1` and `localhost`.
pub(super) fn make() -> Result<Credentials, SimError> {
    let failed = |error: rcgen::Error| SimError::Certificate(error.to_string());
    let root_key = KeyPair::generate().map_err(failed)?;
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name
        .push(DnType::CommonName, "bijli simulator root");
    let root_pem = root.self_signed(&root_key).map_err(failed)?.pem();
    let issuer = Issuer::new(root, root_key);
    let names = ["127.0.0.1", "::1", "localhost"].map(str::to_owned);
    let mut server = CertificateParams::new(names).map_err(failed)?;
    server
        .distinguished_name
        .push(DnType::CommonName, "bijli simulator");
    let server_key = KeyPair::generate().map_err(failed)?;
    let certificate = server.signed_by(&server_key, &issuer).map_err(failed)?;
    let config = tls::server_config(&certificate.pem(), &server_key.serialize_pem())
        .map_err(|error| SimError::Certificate(error.to_string()))?;
    Ok(Credentials {
        root_pem,
        server: config,
    })
}
