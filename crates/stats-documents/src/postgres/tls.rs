//! Encrypted connections, with the proofs that libpq asks for.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stats_tls::{Proof, Trusting, certificates_in};

use super::settings::{PostgresSettings, TlsMode};
use crate::{SourceError, SourceErrorKind};

/// How TLS is spoken in `mode`.
pub(super) fn client_config(
    settings: &PostgresSettings,
    mode: TlsMode,
) -> Result<ClientConfig, SourceError> {
    let trusted = settings.trusted_file();
    let proof = match (mode, &trusted) {
        (TlsMode::VerifyFull, _) => Proof::Host(trusted_by(trusted.as_deref())?),
        (TlsMode::VerifyAuthority, _) | (TlsMode::Require, Some(_)) => {
            Proof::Authority(trusted_by(trusted.as_deref())?)
        }
        (TlsMode::Disable | TlsMode::Prefer | TlsMode::Require, _) => Proof::None,
    };
    let builder = proof.builder().map_err(|error| refused("preparing TLS".to_owned(), error))?;
    let Some(certificate) = settings.option("sslcert") else {
        return Ok(builder.with_no_client_auth());
    };
    let key = settings.option("sslkey").unwrap_or(certificate);
    let reading = format!("reading our key {key}");
    let read = content(Path::new(key)).map_err(|error| refused(reading.clone(), error))?;
    let key = PrivateKeyDer::from_pem_slice(&read).map_err(|error| refused(reading, error))?;
    let ours = certificates(Path::new(certificate))?;
    builder
        .with_client_auth_cert(ours, key)
        .map_err(|error| refused(format!("using our certificate {certificate}"), error))
}

/// Trusts the authorities of `file`, or those of the system.
fn trusted_by(file: Option<&Path>) -> Result<Trusting, SourceError> {
    let Some(file) = file else {
        let found = Trusting::those_of_the_system();
        return found.map_err(|why| refused("reading the system's certificates".to_owned(), why));
    };
    let pem = content(file).map_err(|error| refused(reading(file), error))?;
    Trusting::those_in(&pem).map_err(|why| refused(reading(file), why))
}

/// Larger files hold no certificates, in bytes; what comes after is not read.
const LARGEST_FILE: u64 = 16 << 20;

fn content(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    BufReader::new(File::open(file)?.take(LARGEST_FILE)).read_to_end(&mut content)?;
    Ok(content)
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, SourceError> {
    let pem = content(file).map_err(|error| refused(reading(file), error))?;
    certificates_in(&pem).map_err(|why| refused(reading(file), why))
}

fn reading(file: &Path) -> String {
    format!("reading the certificates in {}", file.display())
}

fn refused(doing: String, error: impl std::error::Error + Send + Sync + 'static) -> SourceError {
    SourceError::caused_by(SourceErrorKind::Refused, doing, error)
}
