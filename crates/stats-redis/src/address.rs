//! Where a Redis database is, and how to get in. Which one it is, and what is written about it
//! where, is for whoever reads settings: here are no addresses in the form of text.

use std::fmt;
use std::path::PathBuf;

/// What a connection goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// A TCP port, `redis://`.
    Tcp {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A TCP port with TLS, `rediss://`.
    Tls {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A socket in the file system, `unix://`.
    Unix {
        /// The socket.
        path: PathBuf,
    },
    /// The primary that Redis Sentinel names, `redis+sentinel://`.
    Sentinel {
        /// Names or addresses of sentinels with their ports; one that answers is enough.
        sentinels: Vec<(String, u16)>,
        /// The name under which they watch the primary.
        service: String,
        /// Whether sentinels and primary are reached with TLS, `rediss+sentinel://`.
        tls: bool,
    },
}

impl Endpoint {
    /// What stands before `://` in an address of it.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Tcp { .. } => "redis",
            Self::Tls { .. } => "rediss",
            Self::Unix { .. } => "unix",
            Self::Sentinel { tls: false, .. } => "redis+sentinel",
            Self::Sentinel { tls: true, .. } => "rediss+sentinel",
        }
    }
}

/// How the other side of a TLS connection is checked, and who we are; from the options of the URL
/// that redis-py knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// `ssl_ca_certs`: certificates to trust (PEM) instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// `ssl_certfile`: our certificate (PEM).
    pub certificate_file: Option<PathBuf>,
    /// `ssl_keyfile`: its key (PEM).
    pub key_file: Option<PathBuf>,
    /// `ssl_cert_reqs=none`: any certificate will do.
    pub accept_any_certificate: bool,
    /// `ssl_check_hostname=false`: a trusted certificate of another host will do.
    pub accept_any_host: bool,
}

/// A database of a Redis server, and how to get in. Shown with the password masked.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisAddress {
    /// What a connection goes to.
    pub endpoint: Endpoint,
    /// The database number.
    pub database: i64,
    /// The user, when one is named.
    pub username: Option<String>,
    /// The password, when there is one.
    pub password: Option<String>,
    /// The user at the sentinels, when one is named.
    pub sentinel_username: Option<String>,
    /// The password at the sentinels, when there is one.
    pub sentinel_password: Option<String>,
    /// TLS, for [`Endpoint::Tls`] and [`Endpoint::Sentinel`].
    pub tls: TlsSettings,
}

impl RedisAddress {
    /// A database that is reached without login and with the usual rules for certificates.
    #[must_use]
    pub fn new(endpoint: Endpoint, database: i64) -> Self {
        Self {
            endpoint,
            database,
            username: None,
            password: None,
            sentinel_username: None,
            sentinel_password: None,
            tls: TlsSettings::default(),
        }
    }

    /// The server alone, whatever the database and the login, in a form that can be compared: what
    /// differs may still be the same server under another name.
    #[must_use]
    pub fn server(&self) -> String {
        Self::new(self.endpoint.clone(), 0).to_string()
    }
}

impl TlsSettings {
    /// What the options of an address say, by the names that redis-py gives them. Others (timeouts
    /// and the like of the Python client) mean nothing here.
    #[must_use]
    pub fn from_options<'a>(options: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut tls = Self::default();
        for (name, value) in options {
            let word = value.to_lowercase();
            match name {
                "ssl_ca_certs" => tls.ca_file = Some(PathBuf::from(value)),
                "ssl_certfile" => tls.certificate_file = Some(PathBuf::from(value)),
                "ssl_keyfile" => tls.key_file = Some(PathBuf::from(value)),
                "ssl_cert_reqs" => {
                    tls.accept_any_certificate =
                        matches!(word.as_str(), "none" | "cert_none" | "0");
                }
                "ssl_check_hostname" => {
                    tls.accept_any_host = matches!(word.as_str(), "false" | "f" | "no" | "n" | "0");
                }
                _ => {}
            }
        }
        tls
    }
}

/// The URL without options, with `***` for the password.
impl fmt::Display for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://", self.endpoint.scheme())?;
        if self.username.is_some() || self.password.is_some() {
            let user = self.username.as_deref().unwrap_or_default();
            let password = if self.password.is_some() { ":***" } else { "" };
            write!(formatter, "{user}{password}@")?;
        }
        match &self.endpoint {
            Endpoint::Tcp { host, port } | Endpoint::Tls { host, port } => {
                write!(formatter, "{}/{}", shown_node(host, *port), self.database)
            }
            Endpoint::Unix { path } => {
                write!(formatter, "{}?db={}", path.display(), self.database)
            }
            Endpoint::Sentinel { sentinels, service, .. } => {
                let nodes: Vec<String> =
                    sentinels.iter().map(|(host, port)| shown_node(host, *port)).collect();
                write!(formatter, "{}/{service}/{}", nodes.join(","), self.database)
            }
        }
    }
}

fn shown_node(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedisAddress({self})")
    }
}
