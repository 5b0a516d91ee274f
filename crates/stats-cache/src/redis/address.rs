//! Where Redis is: the settings of an instance, resolved as the Python package resolves them, with
//! its broken forms repaired (cache-and-jobs specification, sections 1, 2.1 and 9).

use std::fmt;
use std::path::PathBuf;

use url::Url;

/// The main cache's URL when none is set.
const DEFAULT_URL: &str = "redis://localhost:6379/0";
const DEFAULT_PORT: u16 = 6379;
const DEFAULT_CACHE_DATABASE: i64 = 7;
const DEFAULT_REGISTRY_DATABASE: i64 = 8;

/// The settings of an InvenioRDM instance that say where its Redis is. Each is `None` when it is
/// absent or null.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct RedisSettings {
    /// `STATS_CACHE_REDIS_URL`: used unchanged for cache and registry when it is not empty.
    pub stats_cache_redis_url: Option<String>,
    /// `STATS_CACHE_REDIS_DB`, 7 when absent.
    pub stats_cache_redis_db: Option<i64>,
    /// `STATS_AGG_REGISTRY_REDIS_DB`, 8 when absent; 0 counts as "that of the cache".
    pub stats_agg_registry_redis_db: Option<i64>,
    /// `CACHE_REDIS_URL`, the main cache, which also holds the locks.
    pub cache_redis_url: Option<String>,
    /// `CACHE_REDIS_DB`: the main cache's database when its URL names none.
    pub cache_redis_db: Option<i64>,
}

impl RedisSettings {
    /// Where responses are stored (cache-and-jobs specification, section 2.1).
    ///
    /// The Python package cuts the main cache's URL at its last `/`. Where that breaks it (no path,
    /// a unix socket, options after `?`), the database of the parsed URL is set instead; a URL
    /// that is null counts as absent.
    ///
    /// # Errors
    /// When the URL is none, or not one of Redis. A missing scheme is not guessed: it decides
    /// whether a password travels in the clear.
    pub fn cache(&self) -> Result<RedisAddress, AddressError> {
        self.stats_address(self.stats_cache_redis_db.unwrap_or(DEFAULT_CACHE_DATABASE))
    }

    /// Where the registry is (cache-and-jobs specification, section 2.1).
    ///
    /// # Errors
    /// As [`cache`](Self::cache).
    pub fn registry(&self) -> Result<RedisAddress, AddressError> {
        let database = match self.stats_agg_registry_redis_db {
            None => DEFAULT_REGISTRY_DATABASE,
            Some(0) => self.stats_cache_redis_db.unwrap_or(DEFAULT_CACHE_DATABASE),
            Some(database) => database,
        };
        self.stats_address(database)
    }

    /// Where the main cache is, and with it the locks (cache-and-jobs specification, section 9).
    ///
    /// # Errors
    /// As [`cache`](Self::cache).
    pub fn main(&self) -> Result<RedisAddress, AddressError> {
        self.main_address(self.cache_redis_db.unwrap_or(0))
    }

    fn stats_address(&self, database: i64) -> Result<RedisAddress, AddressError> {
        match self.stats_cache_redis_url.as_deref() {
            None | Some("") => Ok(RedisAddress { database, ..self.main_address(0)? }),
            Some(url) => RedisAddress::parse(url, 0)
                .map_err(|what| AddressError { setting: "STATS_CACHE_REDIS_URL", what }),
        }
    }

    fn main_address(&self, database: i64) -> Result<RedisAddress, AddressError> {
        let url = self.cache_redis_url.as_deref().unwrap_or(DEFAULT_URL);
        RedisAddress::parse(url, database)
            .map_err(|what| AddressError { setting: "CACHE_REDIS_URL", what })
    }
}

/// Shows which settings are there; URLs are masked.
impl fmt::Debug for RedisSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = |url: &Option<String>| {
            url.as_deref().map(|url| match RedisAddress::parse(url, 0) {
                Ok(address) => address.to_string(),
                Err(_) => "(unreadable)".to_owned(),
            })
        };
        formatter
            .debug_struct("RedisSettings")
            .field("stats_cache_redis_url", &masked(&self.stats_cache_redis_url))
            .field("stats_cache_redis_db", &self.stats_cache_redis_db)
            .field("stats_agg_registry_redis_db", &self.stats_agg_registry_redis_db)
            .field("cache_redis_url", &masked(&self.cache_redis_url))
            .field("cache_redis_db", &self.cache_redis_db)
            .finish()
    }
}

/// A setting that says nowhere. The text never holds the URL, since that may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{setting}: {what}")]
pub struct AddressError {
    setting: &'static str,
    what: String,
}

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
    /// TLS, for [`Endpoint::Tls`].
    pub tls: TlsSettings,
}

impl RedisAddress {
    /// Reads a URL as redis-py does: `redis://`, `rediss://` or `unix://`; the database from the
    /// option `db`, else from the path, else `default_database`.
    ///
    /// # Errors
    /// A text for people, without the URL.
    pub fn parse(url: &str, default_database: i64) -> Result<Self, String> {
        let known = ["redis://", "rediss://", "unix://"];
        if !known.iter().any(|scheme| url.starts_with(scheme)) {
            return Err("the URL has to begin with redis://, rediss:// or unix://".to_owned());
        }
        let url = Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
        let mut database = None;
        let mut tls = TlsSettings::default();
        for (name, value) in url.query_pairs() {
            match &*name {
                "db" => {
                    let number = value.parse().map_err(|_| "the option db is no number")?;
                    database = Some(number);
                }
                "ssl_ca_certs" => tls.ca_file = Some(PathBuf::from(&*value)),
                "ssl_certfile" => tls.certificate_file = Some(PathBuf::from(&*value)),
                "ssl_keyfile" => tls.key_file = Some(PathBuf::from(&*value)),
                "ssl_cert_reqs" => {
                    tls.accept_any_certificate =
                        matches!(value.to_lowercase().as_str(), "none" | "cert_none" | "0");
                }
                "ssl_check_hostname" => {
                    tls.accept_any_host =
                        matches!(value.to_lowercase().as_str(), "false" | "f" | "no" | "n" | "0");
                }
                // Timeouts and the like of the Python client mean nothing here.
                _ => {}
            }
        }
        let path = decoded(url.path())?;
        let host = match url.host_str() {
            None | Some("") => "localhost".to_owned(),
            Some(host) => decoded(host.trim_start_matches('[').trim_end_matches(']'))?,
        };
        let port = url.port().unwrap_or(DEFAULT_PORT);
        let endpoint = match url.scheme() {
            "unix" => Endpoint::Unix { path: PathBuf::from(path) },
            scheme => {
                // A path that is no number names no database, as in redis-py.
                database = database.or_else(|| path.replace('/', "").parse().ok());
                match scheme {
                    "rediss" => Endpoint::Tls { host, port },
                    _ => Endpoint::Tcp { host, port },
                }
            }
        };
        let some = |text: &str| -> Result<Option<String>, String> {
            if text.is_empty() { Ok(None) } else { decoded(text).map(Some) }
        };
        Ok(Self {
            endpoint,
            database: database.unwrap_or(default_database),
            username: some(url.username())?,
            password: some(url.password().unwrap_or_default())?,
            tls,
        })
    }
}

/// The URL without options, with `***` for the password.
impl fmt::Display for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.endpoint {
            Endpoint::Tcp { .. } => "redis",
            Endpoint::Tls { .. } => "rediss",
            Endpoint::Unix { .. } => "unix",
        };
        write!(formatter, "{scheme}://")?;
        if self.username.is_some() || self.password.is_some() {
            let user = self.username.as_deref().unwrap_or_default();
            let password = if self.password.is_some() { ":***" } else { "" };
            write!(formatter, "{user}{password}@")?;
        }
        match &self.endpoint {
            Endpoint::Tcp { host, port } | Endpoint::Tls { host, port } => {
                if host.contains(':') {
                    write!(formatter, "[{host}]")?;
                } else {
                    write!(formatter, "{host}")?;
                }
                write!(formatter, ":{port}/{}", self.database)
            }
            Endpoint::Unix { path } => {
                write!(formatter, "{}?db={}", path.display(), self.database)
            }
        }
    }
}

impl fmt::Debug for RedisAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RedisAddress({self})")
    }
}

/// Percent-decodes a part of a URL.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.filter(|_| byte == b'%').and_then(|it| u8::from_str_radix(it, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_err(|_| "a part of the URL is not UTF-8".to_owned())
}
