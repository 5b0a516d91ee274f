//! Where the database is, and how to get in. Addresses are not read by `tokio_postgres::Config`:
//! it refuses what libpq and InvenioRDM take (`sslrootcert`, `sslmode=verify-full`, options it does
//! not know), and names in its errors what may be a piece of a password that nobody encoded.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// The folder of the server's socket where neither host nor option names one, as on Debian.
const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// Where a PostgreSQL database is, how to get in, how long to wait. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresSettings {
    /// Name or address; a folder with a socket when it begins with a slash; empty for the option
    /// `host`, and without that for the usual socket.
    pub host: String,
    /// The port, 5432 usually.
    pub port: u16,
    /// The user; `None` for the one who runs this process.
    pub username: Option<String>,
    /// The password.
    pub password: Option<String>,
    /// The database; `None` for the one named like the user.
    pub database: Option<String>,
    /// Options of a connection address as libpq names them. `sslmode`, `sslrootcert`, `sslcert`,
    /// `sslkey`, `host`, `port`, `user`, `password`, `dbname`, `options` and `connect_timeout`
    /// count, others do not concern us.
    pub options: Vec<(String, String)>,
    /// Certificates to trust (PEM) instead of the system's; the option `sslrootcert` counts first.
    pub ca_file: Option<PathBuf>,
    /// For a connection, TLS and authentication included; the option `connect_timeout` counts
    /// first.
    pub connect_timeout: Duration,
    /// For one statement.
    pub statement_timeout: Duration,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        Self {
            host: "localhost".to_owned(),
            port: 5432,
            username: None,
            password: None,
            database: None,
            options: Vec::new(),
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(30),
        }
    }
}

/// The option `sslmode`: whether a connection is encrypted, and what the server must prove. The
/// meaning is that of libpq, so that an address works here as it does for InvenioRDM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TlsMode {
    /// Never encrypted.
    Disable,
    /// Encrypted if the server can, without proof; the default. `allow` means the same here.
    Prefer,
    /// Always encrypted. The certificate is checked when certificates to trust are named.
    Require,
    /// The certificate must come from a trusted authority, for whatever host.
    VerifyAuthority,
    /// The certificate must come from a trusted authority and be the host's.
    VerifyFull,
}

impl PostgresSettings {
    /// What the option `sslmode` says.
    ///
    /// # Errors
    /// The value, when it is none of libpq's.
    pub(super) fn tls_mode(&self) -> Result<TlsMode, String> {
        match self.option("sslmode") {
            Some("disable") => Ok(TlsMode::Disable),
            None | Some("allow" | "prefer") => Ok(TlsMode::Prefer),
            Some("require") => Ok(TlsMode::Require),
            Some("verify-ca") => Ok(TlsMode::VerifyAuthority),
            Some("verify-full") => Ok(TlsMode::VerifyFull),
            Some(other) => Err(other.to_owned()),
        }
    }

    /// The value of an option; of one that stands twice the last, as for libpq.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        let named = self.options.iter().rev().find(|(option, _)| option == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The file with the certificates to trust, if one is named.
    pub(super) fn trusted_file(&self) -> Option<PathBuf> {
        match self.option("sslrootcert") {
            Some("system") => None,
            Some(file) => Some(PathBuf::from(file)),
            None => self.ca_file.clone(),
        }
    }

    pub(super) fn connect_limit(&self) -> Duration {
        // libpq: 0 and negative wait for ever; we never do.
        let option = self.option("connect_timeout").and_then(|text| text.parse::<u64>().ok());
        let seconds = option.filter(|seconds| *seconds > 0).map(Duration::from_secs);
        seconds.unwrap_or(self.connect_timeout).max(Duration::from_millis(1))
    }

    pub(super) fn statement_limit(&self) -> Duration {
        self.statement_timeout.clamp(Duration::from_millis(1), Duration::from_secs(86_400))
    }

    pub(super) fn user(&self) -> Option<&str> {
        let named = self.username.as_deref().filter(|user| !user.is_empty());
        named.or_else(|| self.option("user"))
    }

    pub(super) fn secret(&self) -> Option<&str> {
        let given = self.password.as_deref().filter(|password| !password.is_empty());
        given.or_else(|| self.option("password"))
    }

    pub(super) fn database_name(&self) -> Option<&str> {
        let named = self.database.as_deref().filter(|name| !name.is_empty());
        named.or_else(|| self.option("dbname"))
    }

    /// The hosts to try, one after the other; one at least.
    pub(super) fn hosts(&self) -> Vec<(String, u16)> {
        let hosts = if self.host.is_empty() {
            self.option("host").unwrap_or(SOCKET_FOLDER)
        } else {
            self.host.as_str()
        };
        let ports: Vec<u16> = self
            .option("port")
            .map(|ports| ports.split(',').filter_map(|port| port.parse().ok()).collect())
            .unwrap_or_default();
        let port = |at: usize| ports.get(at).or(ports.last()).copied().unwrap_or(self.port);
        hosts.split(',').enumerate().map(|(at, host)| (host.to_owned(), port(at))).collect()
    }
}

/// The address, without password and options.
impl fmt::Display for PostgresSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("postgresql://")?;
        if let Some(user) = self.user() {
            write!(formatter, "{user}@")?;
        }
        for (at, (host, port)) in self.hosts().iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            if host.contains(':') {
                write!(formatter, "{comma}[{host}]:{port}")?;
            } else {
                write!(formatter, "{comma}{host}:{port}")?;
            }
        }
        write!(formatter, "/{}", self.database_name().unwrap_or_default())
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PostgresSettings({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(options: &[(&str, &str)]) -> PostgresSettings {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        PostgresSettings {
            host: String::new(),
            options: options.iter().map(owned).collect(),
            ..PostgresSettings::default()
        }
    }

    #[test]
    fn options_name_what_the_address_leaves_open() {
        let settings =
            with(&[("host", "db1,db2"), ("port", "5433"), ("user", "u"), ("dbname", "rdm")]);
        assert_eq!(settings.to_string(), "postgresql://u@db1:5433,db2:5433/rdm");
        assert_eq!(with(&[]).hosts(), [(SOCKET_FOLDER.to_owned(), 5432)]);
        assert_eq!(with(&[("connect_timeout", "2")]).connect_limit(), Duration::from_secs(2));
        assert_eq!(with(&[("connect_timeout", "0")]).connect_limit(), Duration::from_secs(5));
    }

    #[test]
    fn passwords_are_never_shown() {
        let settings = PostgresSettings {
            password: Some("geheim".to_owned()),
            ..with(&[("password", "geheim"), ("user", "u")])
        };
        assert!(!format!("{settings} {settings:?}").contains("geheim"));
    }

    #[test]
    fn modes_of_encryption() {
        assert_eq!(with(&[]).tls_mode(), Ok(TlsMode::Prefer));
        assert_eq!(with(&[("sslmode", "verify-full")]).tls_mode(), Ok(TlsMode::VerifyFull));
        let last = with(&[("sslmode", "disable"), ("sslmode", "require")]);
        assert_eq!(last.tls_mode(), Ok(TlsMode::Require));
        assert_eq!(with(&[("sslmode", "on")]).tls_mode(), Err("on".to_owned()));
    }
}
