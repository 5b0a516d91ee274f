//! What a server is connected with.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, TlsCertificates,
};
use stats_model::{Fault, FaultKind};

use crate::address::{Endpoint, RedisAddress};
use crate::failure::fault;

/// Larger files hold no certificates, in bytes.
const LARGEST_CERTIFICATES: u64 = 16 << 20;

/// A client of one server; `address` names one, not sentinels. Where it names no certificates to trust,
/// those of `ca_file` are (PEM), or else the system's.
///
/// # Errors
/// When a certificate file cannot be read, or the address cannot be used.
pub fn client_of<Own: Copy>(
    address: &RedisAddress,
    ca_file: Option<&Path>,
) -> Result<Client, Fault<Own>> {
    let doing = || format!("connecting to {address}");
    let endpoint = match &address.endpoint {
        Endpoint::Tcp { host, port } => ConnectionAddr::Tcp(host.clone(), *port),
        Endpoint::Unix { path } => ConnectionAddr::Unix(path.clone()),
        Endpoint::Tls { host, port } => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: address.tls.accept_any_certificate,
            tls_params: None,
        },
        Endpoint::Sentinel { .. } => {
            let doing = format!("{address}: the server itself has to be named here");
            return Err(Fault::new(FaultKind::Refused, doing));
        }
    };
    let mut redis = RedisConnectionInfo::default().set_db(address.database).set_skip_set_lib_name();
    if let Some(username) = &address.username {
        redis = redis.set_username(username);
    }
    if let Some(password) = &address.password {
        redis = redis.set_password(password);
    }
    let info = endpoint
        .into_connection_info()
        .map_err(|error| fault(doing(), error))?
        .set_redis_settings(redis)
        .set_tcp_settings(TcpSettings::default().set_nodelay(true));
    if !matches!(address.endpoint, Endpoint::Tls { .. }) {
        return Client::open(info).map_err(|error| fault(doing(), error));
    }
    tls_client(info, address, ca_file)
}

fn tls_client<Own: Copy>(
    info: ConnectionInfo,
    address: &RedisAddress,
    ca_file: Option<&Path>,
) -> Result<Client, Fault<Own>> {
    // rustls asks for one provider of cryptography for the whole process; who comes first decides.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let tls = &address.tls;
    let root_cert = tls.ca_file.as_deref().or(ca_file);
    let client_tls = match (&tls.certificate_file, &tls.key_file) {
        (None, None) => None,
        (Some(certificate), key) => Some(ClientTlsConfig {
            client_cert: read(certificate)?,
            client_key: read(key.as_ref().unwrap_or(certificate))?,
        }),
        (None, Some(_)) => {
            let doing = format!("{address}: ssl_keyfile without ssl_certfile");
            return Err(Fault::new(FaultKind::Refused, doing));
        }
    };
    let certificates =
        TlsCertificates { client_tls, root_cert: root_cert.map(|path| read(path)).transpose()? };
    let client = Client::build_with_tls(info, certificates)
        .map_err(|error| fault(format!("preparing TLS for {address}"), error))?;
    if !tls.accept_any_host || tls.accept_any_certificate {
        return Ok(client);
    }
    let info = client.get_connection_info().clone();
    let mut endpoint = info.addr().clone();
    endpoint.set_danger_accept_invalid_hostnames(true);
    Client::open(info.set_addr(endpoint))
        .map_err(|error| fault(format!("preparing TLS for {address}"), error))
}

fn read<Own: Copy>(path: &Path) -> Result<Vec<u8>, Fault<Own>> {
    let mut content = Vec::new();
    let read = File::open(path)
        .and_then(|file| file.take(LARGEST_CERTIFICATES + 1).read_to_end(&mut content));
    let doing = || format!("reading the certificate file {}", path.display());
    read.map_err(|error| Fault::caused_by(FaultKind::Refused, doing(), error))?;
    if content.len() as u64 > LARGEST_CERTIFICATES {
        let text = format!("{}: it is larger than 16 MiB", doing());
        return Err(Fault::new(FaultKind::Refused, text));
    }
    Ok(content)
}
