//! The address of a Redis server (`cache-and-jobs.md` section 2.1).

use std::fmt;
use std::path::PathBuf;

use stats_cache::Endpoint;

use super::address::{
    Parts, bracketed, decoded, encoded, query_text, shown_query, split, split_nodes,
};
use super::types::{MASK, Secret};
use super::value::{Misfit, SettingValue, Surroundings, Value, quoted};

/// `redis://`, `rediss://`, `unix://` or `redis+sentinel://`, with everything in it. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUrl {
    /// How the server is reached; what connects to it takes this as it is.
    pub endpoint: Endpoint,
    /// The user, where access lists are in use.
    pub username: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The database that the address names; `None` means 0.
    pub database: Option<u16>,
    /// Options, decoded, `db` left out: `ssl_cert_reqs`, `ssl_ca_certs`.
    pub options: Vec<(String, String)>,
}

impl RedisUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// When it has no known scheme, or host, port or database cannot be read. The reason holds no
    /// part of the address.
    pub fn parse(text: &str) -> Result<Self, Misfit> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(Misfit::because("it has no scheme"));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "redis" => Self::parse_tcp(rest, false),
            "rediss" => Self::parse_tcp(rest, true),
            "unix" => Self::parse_unix(rest),
            "redis+sentinel" | "redis-sentinel" => Self::parse_sentinel(rest, false),
            "rediss+sentinel" | "rediss-sentinel" => Self::parse_sentinel(rest, true),
            _ => Err(Misfit::because("its scheme is none of these")),
        }
    }

    fn parse_tcp(rest: &str, tls: bool) -> Result<Self, Misfit> {
        let parts = split(rest)?;
        let host = if parts.host.is_empty() { "localhost".to_owned() } else { parts.host };
        let port = parts.port.unwrap_or(6379);
        let endpoint =
            if tls { Endpoint::Tls { host, port } } else { Endpoint::Tcp { host, port } };
        let database = database_in_path(&decoded(&parts.path))?;
        Self { database, ..Self::at(endpoint, parts.login) }.with_options(parts.query)
    }

    /// `unix://[user:password@]/path/of.sock?db=2`.
    fn parse_unix(rest: &str) -> Result<Self, Misfit> {
        // A password may hold a question mark; the path that follows it begins with a slash.
        let end_of_login = if rest.starts_with('/') { None } else { rest.rfind("@/") };
        let after_login = end_of_login.map_or(0, |at| at + 1);
        let options = rest[after_login..].find('?').map(|at| after_login + at);
        let (address, query) = options.map_or((rest, ""), |at| (&rest[..at], &rest[at + 1..]));
        let (login, path) = match address.rsplit_once('@') {
            Some((login, path)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (Some((decoded(user), Some(decoded(password)))), path)
            }
            None => (None, address),
        };
        if !path.starts_with('/') {
            return Err(Misfit::because("a socket needs an absolute path"));
        }
        let options = split(&format!("socket?{query}"))?.query;
        let endpoint = Endpoint::Unix { path: PathBuf::from(decoded(path)) };
        Self::at(endpoint, login).with_options(options)
    }

    /// `redis+sentinel://[user:password@]host[:port][,host[:port]…]/service[/db]`. Other programs
    /// name the service in an option or after `#`; then the path is the database alone.
    fn parse_sentinel(rest: &str, tls: bool) -> Result<Self, Misfit> {
        let (nodes, fragment, parts) = split_nodes(rest)?;
        let Parts { login, path, mut query, .. } = parts;
        let named = query.iter().position(|(name, _)| SERVICE_OPTIONS.contains(&name.as_str()));
        let named = named.map(|at| query.remove(at).1).or(fragment);
        let path = decoded(&path);
        let mut steps = path.split('/').filter(|step| !step.is_empty());
        let is_number = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
        let (service, database) = match (named, steps.next(), steps.next(), steps.next()) {
            (_, _, _, Some(_)) => return Err(Misfit::because(SENTINEL_PATH)),
            (Some(service), database, None, None) => (service, database),
            (Some(_), _, _, None) => return Err(Misfit::because(SENTINEL_PATH)),
            (None, Some(service), None, None) if is_number(&service) => {
                return Err(Misfit::because(SENTINEL_PATH));
            }
            (None, Some(service), database, None) => (service.to_owned(), database),
            (None, None, ..) => return Err(Misfit::because(SENTINEL_PATH)),
        };
        let database = database.map(database_number).transpose()?;
        let sentinels = nodes
            .into_iter()
            .map(|(host, port)| {
                let host = if host.is_empty() { "localhost".to_owned() } else { host };
                (host, port.unwrap_or(26379))
            })
            .collect();
        let endpoint = Endpoint::Sentinel { sentinels, service, tls };
        Self { database, ..Self::at(endpoint, login) }.with_options(query)
    }

    fn at(endpoint: Endpoint, login: Option<(String, Option<String>)>) -> Self {
        let (username, password) = login.unwrap_or_default();
        Self {
            endpoint,
            username: Some(username).filter(|name| !name.is_empty()),
            password: password.filter(|text| !text.is_empty()).map(Secret::new),
            database: None,
            options: Vec::new(),
        }
    }

    /// A database in the query counts before one in the path, as in redis-py.
    fn with_options(mut self, query: Vec<(String, String)>) -> Result<Self, Misfit> {
        for (name, value) in query {
            match name.as_str() {
                "db" => self.database = Some(database_number(&value)?),
                "username" => self.username = Some(value),
                "password" => self.password = Some(Secret::new(value)),
                _ => self.options.push((name, value)),
            }
        }
        Ok(self)
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, number: u16) -> Self {
        Self { database: Some(number), ..self.clone() }
    }

    /// The number of the database.
    #[must_use]
    pub fn database_number(&self) -> u16 {
        self.database.unwrap_or(0)
    }

    /// The whole address, credentials encoded.
    #[must_use]
    pub fn to_secret(&self) -> Secret {
        let password = self.password.as_ref().map(|secret| encoded(secret.expose()));
        Secret::new(self.written(password, query_text))
    }

    fn written(
        &self,
        password: Option<String>,
        query: fn(&[(String, String)]) -> String,
    ) -> String {
        let user = self.username.as_deref().map(encoded).unwrap_or_default();
        let login = match password {
            Some(password) => format!("{user}:{password}@"),
            None if user.is_empty() => String::new(),
            None => format!("{user}@"),
        };
        let mut options = self.options.clone();
        let path = self.database.map(|number| format!("/{number}")).unwrap_or_default();
        let scheme = self.endpoint.scheme();
        match &self.endpoint {
            Endpoint::Tcp { host, port } | Endpoint::Tls { host, port } => {
                let host = bracketed(host);
                format!("{scheme}://{login}{host}:{port}{path}{}", query(&options))
            }
            Endpoint::Unix { path } => {
                options.extend(self.database.map(|number| ("db".to_owned(), number.to_string())));
                format!("{scheme}://{login}{}{}", path.display(), query(&options))
            }
            Endpoint::Sentinel { sentinels, service, .. } => {
                let node = |(host, port): &(String, u16)| format!("{}:{port}", bracketed(host));
                let nodes = sentinels.iter().map(node).collect::<Vec<_>>().join(",");
                format!("{scheme}://{login}{nodes}/{}{path}{}", encoded(service), query(&options))
            }
        }
    }
}

/// What other programs call the option that names the service.
const SERVICE_OPTIONS: [&str; 4] =
    ["service_name", "master_name", "sentinelMasterId", "sentinel_master_id"];

const SENTINEL_PATH: &str = "it names no service: the name under which the sentinels watch the \
    primary, then the database, as in redis+sentinel://host:26379/mymaster/0";

/// The database that a path names, read as redis-py does: slashes do not count, and what is no
/// number names none.
fn database_in_path(path: &str) -> Result<Option<u16>, Misfit> {
    let number = path.replace('/', "");
    let digits = number.strip_prefix('-').unwrap_or(&number);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    database_number(&number).map(Some)
}

fn database_number(text: &str) -> Result<u16, Misfit> {
    text.parse().map_err(|_| Misfit::because("its database is not a number"))
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = self.password.as_ref().map(|_| MASK.to_owned());
        out.write_str(&self.written(password, shown_query))
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "RedisUrl({self})")
    }
}

impl SettingValue for RedisUrl {
    const EXPECTED: &'static str =
        "an address that begins with redis://, rediss://, unix:// or redis+sentinel://";
    const SECRET: bool = true;

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        Self::parse(value.text().ok_or_else(Misfit::default)?)
    }

    fn shown(&self) -> String {
        quoted(&self.to_string())
    }
}
