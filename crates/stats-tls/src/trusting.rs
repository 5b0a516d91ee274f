//! Certificates that are trusted, as authorities and by themselves.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, OtherError, RootCertStore};

/// Trusts certain certificates. Proves what OpenSSL does with the same file, and so Python: a server
/// that shows a self-signed certificate of the file itself is believed, also if that could sign others.
#[derive(Debug)]
pub struct Trusting {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

/// Why nobody can be trusted by what was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoCertificates(String);

impl fmt::Display for NoCertificates {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for NoCertificates {}

impl Trusting {
    /// Trusts those in `pem`.
    ///
    /// # Errors
    /// When it cannot be read, or holds none.
    pub fn those_in(pem: &[u8]) -> Result<Self, NoCertificates> {
        Self::of(certificates_in(pem)?)
    }

    /// Trusts those that the system does. Files of the system that cannot be read leave fewer to trust,
    /// which shows when a server's certificate is among those that are not.
    ///
    /// # Errors
    /// When the system trusts nobody.
    pub fn those_of_the_system() -> Result<Self, NoCertificates> {
        Self::of(rustls_native_certs::load_native_certs().certs)
    }

    fn of(certificates: Vec<CertificateDer<'static>>) -> Result<Self, NoCertificates> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        let provider = Arc::new(ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let authorities = verifier.map_err(|error| NoCertificates(error.to_string()))?;
        Ok(Self { certificates, authorities })
    }

    /// Whether one of them vouches for what a server shows, under the name that we asked for.
    pub(crate) fn prove(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.authorities.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        match verified {
            // Its times were looked at before, its signature is that of a certificate we trust,
            // and that the server has its key is proved by the handshake: its name is left.
            Err(Error::InvalidCertificate(error))
                if is_authority(&error) && self.certificates.contains(end_entity) =>
            {
                let certificate = ParsedCertificate::try_from(end_entity)?;
                rustls::client::verify_server_name(&certificate, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }
}

/// The certificates in a text of PEM.
///
/// # Errors
/// When it cannot be read, or holds none.
pub fn certificates_in(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, NoCertificates> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Err(error) => Err(NoCertificates(error.to_string())),
        Ok(found) if found.is_empty() => Err(NoCertificates("it holds no certificates".to_owned())),
        Ok(found) => Ok(found),
    }
}

/// Whether this says that the certificate of an authority was shown as that of a server.
fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(OtherError(inner)) = error else { return false };
    matches!(inner.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}
