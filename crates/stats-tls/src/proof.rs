//! What a server has to prove.

use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, SignatureScheme,
};

use crate::trusting::Trusting;

/// How TLS is spoken, but for the question who we are.
pub type Builder = ConfigBuilder<ClientConfig, WantsClientCert>;

/// What a server has to prove.
#[derive(Debug)]
pub enum Proof {
    /// Nothing.
    None,
    /// That somebody who is trusted vouches for it, under whatever name.
    Authority(Trusting),
    /// That somebody who is trusted vouches for it under the name that we asked for.
    Host(Trusting),
}

impl Proof {
    /// How TLS is spoken with a server that proves this.
    ///
    /// # Errors
    /// When the versions of TLS that are usual are not known here.
    pub fn builder(self) -> Result<Builder, Error> {
        let provider = Arc::new(ring::default_provider());
        let verifier = Arc::new(Verifier { proof: self, provider: Arc::clone(&provider) });
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(verifier))
    }

    /// The same for a server that does not ask who we are.
    ///
    /// # Errors
    /// As [`builder`](Self::builder).
    pub fn client_config(self) -> Result<ClientConfig, Error> {
        Ok(self.builder()?.with_no_client_auth())
    }
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
        let (trusting, any_name) = match &self.proof {
            Proof::None => return Ok(ServerCertVerified::assertion()),
            Proof::Authority(trusting) => (trusting, true),
            Proof::Host(trusting) => (trusting, false),
        };
        let verified = trusting.prove(end_entity, intermediates, server_name, ocsp_response, now);
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
