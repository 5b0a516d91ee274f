//! A certificate authority of the tests' own.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A self-made certificate authority and a server certificate for `localhost` and `127.0.0.1`.
#[derive(Debug)]
pub struct Authority {
    certificate: String,
    server: Arc<ServerConfig>,
}

impl Authority {
    /// A new authority.
    ///
    /// # Errors
    /// When a key or certificate cannot be made.
    pub fn new() -> anyhow::Result<Self> {
        let authority_key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::<String>::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&authority_key)?.pem();
        let issuer = Issuer::new(params, authority_key);

        let server_key = KeyPair::generate()?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let server_certificate = CertificateParams::new(names)?.signed_by(&server_key, &issuer)?;
        Self::serving(certificate, server_certificate.der(), &server_key)
    }

    /// An authority that shows its own certificate, with these names in it, as a server's: what
    /// `openssl req -x509` makes.
    ///
    /// # Errors
    /// When a key or certificate cannot be made.
    pub fn of_itself(names: &[&str]) -> anyhow::Result<Self> {
        let key = KeyPair::generate()?;
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?;
        Self::serving(certificate.pem(), certificate.der(), &key)
    }

    fn serving(
        certificate: String,
        shown: &CertificateDer<'static>,
        key: &KeyPair,
    ) -> anyhow::Result<Self> {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![shown.clone()], key)?;
        Ok(Self { certificate, server: Arc::new(server) })
    }

    /// The authority's certificate, PEM.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// What a server needs to answer with a certificate of this authority.
    #[must_use]
    pub fn server(&self) -> Arc<ServerConfig> {
        self.server.clone()
    }
}
