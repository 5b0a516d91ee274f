//! Encrypted connections, with the proofs that libpq asks for.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme};

use super::settings::{PostgresSettings, TlsMode};
use crate::tls::Trusting;
use crate::{SourceError, SourceErrorKind};

/// How TLS is spoken in `mode`.
pub(super) fn client_config(
    settings: &PostgresSettings,
    mode: TlsMode,
) -> Result<ClientConfig, SourceError> {
    let provider = Arc::new(ring::default_provider());
    let trusted = settings.trusted_file();
    let proof = match (mode, &trusted) {
        (TlsMode::VerifyFull, _) => Proof::Host(trusted_by(trusted.as_deref(), &provider)?),
        (TlsMode::VerifyAuthority, _) | (TlsMode::Require, Some(_)) => {
            Proof::Authority(trusted_by(trusted.as_deref(), &provider)?)
        }
        (TlsMode::Disable | TlsMode::Prefer | TlsMode::Require, _) => Proof::None,
    };
    let verifier = Arc::new(Verifier { proof, provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused("preparing TLS".to_owned(), error))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let Some(certificate) = settings.option("sslcert") else {
        return Ok(builder.with_no_client_auth());
    };
    let key = settings.option("sslkey").unwrap_or(certificate);
    let reading = format!("reading our key {key}");
    let opened = File::open(key).map_err(|error| refused(reading.clone(), error))?;
    let key = PrivateKeyDer::from_pem_reader(BufReader::new(opened.take(LARGEST_FILE)))
        .map_err(|error| refused(reading, error))?;
    builder
        .with_client_auth_cert(certificates(Path::new(certificate))?, key)
        .map_err(|error| refused(format!("using our certificate {certificate}"), error))
}

/// What the server has to prove.
#[derive(Debug)]
enum Proof {
    /// Nothing.
    None,
    /// That a trusted authority vouches for it, under whatever name.
    Authority(Trusting),
    /// That a trusted authority vouches for it under the name that we asked for.
    Host(Trusting),
}

#[derive(Debug)]
struct Verifier {
    proof: Proof,
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
        let (verifier, any_name) = match &self.proof {
            Proof::None => return Ok(ServerCertVerified::assertion()),
            Proof::Authority(verifier) => (verifier, true),
            Proof::Host(verifier) => (verifier, false),
        };
        let verified =
            verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match verified {
            // The name is looked at last, so everything else is proved.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if any_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A verifier that trusts the authorities of `file`, or those of the system.
fn trusted_by(
    file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<Trusting, SourceError> {
    let found = match file {
        Some(file) => certificates(file)?,
        // Files of the system that cannot be read leave fewer to trust, which is told by name
        // when the server's certificate is among those that are not.
        None => rustls_native_certs::load_native_certs().certs,
    };
    Trusting::new(found, provider)
        .map_err(|error| refused("reading the certificates to trust".to_owned(), error))
}

/// Larger files hold no certificates, in bytes; what comes after is not read.
const LARGEST_FILE: u64 = 16 << 20;

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SourceError> {
    let doing = || format!("reading the certificates in {}", file.display());
    let opened = File::open(file).map_err(|error| refused(doing(), error))?;
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_reader_iter(BufReader::new(opened.take(LARGEST_FILE))).collect();
    let found = found.map_err(|error| refused(doing(), error))?;
    if found.is_empty() {
        return Err(SourceError::new(
            SourceErrorKind::Refused,
            format!("{}: there are none", doing()),
        ));
    }
    Ok(found)
}

fn refused(doing: String, error: impl std::error::Error + Send + Sync + 'static) -> SourceError {
    SourceError::caused_by(SourceErrorKind::Refused, doing, error)
}
