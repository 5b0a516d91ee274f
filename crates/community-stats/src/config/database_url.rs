//! The addresses of a PostgreSQL database and of a message broker.

use std::fmt;

use super::address::{Credentials, bracketed, encoded, query_text, shown_query, split};
use super::redis_url::RedisUrl;
use super::types::{MASK, Secret};
use super::value::{Misfit, SettingValue, Surroundings, Value, quoted};

/// `postgresql://user:password@host:port/database?options`, also with the driver names of
/// SQLAlchemy (`postgresql+psycopg2://`) and with a password that nobody encoded. Shown without
/// its password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    /// Name or address, without brackets; empty for the local socket or an option `host`.
    pub host: String,
    /// The port; 5432 unless given.
    pub port: u16,
    /// The login; an absent password is an empty one.
    pub credentials: Option<Credentials>,
    /// The database; empty for the one named like the user.
    pub database: String,
    /// Options such as `sslmode`, decoded.
    pub options: Vec<(String, String)>,
}

impl DatabaseUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it is no PostgreSQL address or host and port cannot be read. The reason holds no part
    /// of the address.
    pub fn parse(text: &str) -> Result<Self, Misfit> {
        let (scheme, rest) =
            text.split_once("://").ok_or_else(|| Misfit::because("it has no scheme"))?;
        let dialect = scheme.split('+').next().unwrap_or_default().to_ascii_lowercase();
        if !matches!(dialect.as_str(), "postgresql" | "postgres") {
            return Err(Misfit::because("only PostgreSQL can be read"));
        }
        let parts = split(rest)?;
        Ok(Self {
            host: parts.host,
            port: parts.port.unwrap_or(5432),
            credentials: parts.login.map(|(username, password)| Credentials {
                username,
                password: Secret::new(password.unwrap_or_default()),
            }),
            database: super::address::decoded(parts.path.trim_start_matches('/')),
            options: parts.query,
        })
    }

    /// The whole address as `postgresql://…`, credentials encoded.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        Secret::new(self.written(|secret| encoded(secret.expose()), &query_text(&self.options)))
    }

    fn written(&self, password: impl Fn(&Secret) -> String, query: &str) -> String {
        let login = self.credentials.as_ref().map(|login| {
            let user = encoded(&login.username);
            match login.password.expose() {
                "" => format!("{user}@"),
                _ => format!("{user}:{}@", password(&login.password)),
            }
        });
        format!(
            "postgresql://{}{}:{}/{}{query}",
            login.unwrap_or_default(),
            bracketed(&self.host),
            self.port,
            encoded(&self.database),
        )
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.written(|_| MASK.to_owned(), &shown_query(&self.options)))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DatabaseUrl({self})")
    }
}

impl SettingValue for DatabaseUrl {
    const EXPECTED: &'static str = "an address that begins with postgresql://";
    const SECRET: bool = true;

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        Self::parse(value.text().ok_or_else(Misfit::default)?)
    }

    fn shown(&self) -> String {
        quoted(&self.to_string())
    }
}

/// The address of a message broker or of a result backend of Celery: `amqp://`, `amqps://`,
/// `redis://`, `rediss://` and others, or several with semicolons between them, of which the next
/// one is tried when one fails; kept as it was written. Shown without passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerUrl {
    nodes: Vec<BrokerNode>,
    text: Secret,
}

/// One of the addresses of a [`BrokerUrl`]. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokerNode {
    scheme: String,
    host: String,
    port: Option<u16>,
    login: Credentials,
    redis: Option<RedisUrl>,
    shown: String,
}

impl BrokerUrl {
    /// Reads an address, or several.
    ///
    /// # Errors
    /// When one has no scheme, or host and port cannot be read. The reason holds no part of it.
    pub fn parse(text: &str) -> Result<Self, Misfit> {
        // As kombu does it: a semicolon in a password has to be encoded.
        let parts = text.split(';').filter(|part| !part.trim().is_empty());
        let nodes: Vec<BrokerNode> = parts.map(BrokerNode::parse).collect::<Result<_, _>>()?;
        if nodes.is_empty() {
            return Err(Misfit::because("it has no scheme"));
        }
        Ok(Self { nodes, text: Secret::new(text) })
    }

    /// The single addresses, in the order in which they are tried.
    #[must_use]
    pub fn nodes(&self) -> &[BrokerNode] {
        &self.nodes
    }

    /// The whole address as it was written.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        self.text.clone()
    }
}

impl BrokerNode {
    fn parse(text: &str) -> Result<Self, Misfit> {
        let (scheme, rest) =
            text.trim().split_once("://").ok_or_else(|| Misfit::because("it has no scheme"))?;
        let parts = split(rest)?;
        let shown_login = match &parts.login {
            Some((user, Some(_))) => format!("{}:{MASK}@", encoded(user)),
            Some((user, None)) => format!("{}@", encoded(user)),
            None => String::new(),
        };
        let port = parts.port.map(|port| format!(":{port}")).unwrap_or_default();
        let (host, path) = (bracketed(&parts.host), &parts.path);
        let query = shown_query(&parts.query);
        let (username, password) = parts.login.unwrap_or_default();
        let or_guest = |text: String| if text.is_empty() { "guest".to_owned() } else { text };
        let login = Credentials {
            username: or_guest(username),
            password: Secret::new(or_guest(password.unwrap_or_default())),
        };
        Ok(Self {
            login,
            redis: RedisUrl::parse(text.trim()).ok().filter(|_| is_database(path)),
            scheme: scheme.to_ascii_lowercase(),
            host: parts.host,
            port: parts.port,
            shown: format!("{scheme}://{shown_login}{host}{port}{path}{query}"),
        })
    }

    /// The host and the port that it is reached at over TCP; `None` for what is not reached so.
    #[must_use]
    pub fn endpoint(&self) -> Option<(String, u16)> {
        let usual = match self.scheme.as_str() {
            "amqp" | "pyamqp" => 5672,
            "amqps" => 5671,
            "redis" | "rediss" => 6379,
            _ => self.port?,
        };
        let host = if self.host.is_empty() { "localhost" } else { &self.host };
        Some((host.to_owned(), self.port.unwrap_or(usual)))
    }

    /// With whom to log in; `guest` where nothing is said, as Celery has it.
    #[must_use]
    pub fn login(&self) -> Credentials {
        self.login.clone()
    }

    /// The Redis database that it is, if it is one. What is no number names none, as kombu has it.
    #[must_use]
    pub const fn redis(&self) -> Option<&RedisUrl> {
        self.redis.as_ref()
    }

    /// What stands before `://`, in lower case.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }
}

/// Whether a path names a database by its number, or none.
fn is_database(path: &str) -> bool {
    path.trim_matches('/').bytes().all(|byte| byte.is_ascii_digit())
}

impl fmt::Display for BrokerNode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

impl fmt::Debug for BrokerNode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BrokerNode({self})")
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<&str> = self.nodes.iter().map(|node| node.shown.as_str()).collect();
        out.write_str(&shown.join(";"))
    }
}

impl fmt::Debug for BrokerUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "BrokerUrl({self})")
    }
}

impl SettingValue for BrokerUrl {
    const EXPECTED: &'static str = "an address such as \"amqp://broker:5672/\"";
    const SECRET: bool = true;

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        Self::parse(value.text().ok_or_else(Misfit::default)?)
    }

    fn shown(&self) -> String {
        quoted(&self.to_string())
    }
}
