//! The address of one OpenSearch node, in all the forms that opensearch-py takes.

use std::fmt;

use super::address::{Credentials, bracketed, encoded, split};
use super::login::shown_name;
use super::types::{MASK, Secret};
use super::value::{Misfit, SettingValue, Surroundings, Value, integer, quoted};

/// One OpenSearch node: `http://search:9200`, `search:9200`, `https://user:password@search/prefix`
/// or `{ host = "search", port = 9200, use_ssl = true, http_auth = ["user", "password"] }`.
/// Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub struct SearchHost {
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// The port; 9200 unless given, 443 for `https://` without a port.
    pub port: u16,
    /// What stands before every path, with a leading and without a trailing slash; or empty.
    pub path: String,
    /// A login of this node alone; otherwise that of the section counts.
    pub credentials: Option<Credentials>,
}

impl SearchHost {
    /// The address without credentials and without a slash at the end: `http://search:9200`.
    #[must_use]
    pub fn base_url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}:{}{}", bracketed(&self.host), self.port, self.path)
    }

    fn parse(text: &str) -> Result<Self, Misfit> {
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, text),
        };
        let tls = match scheme.as_deref() {
            Some("https") => true,
            Some("http") | None => false,
            Some(_) => return Err(Misfit::because("its scheme is neither http nor https")),
        };
        let bare_ipv6 = rest.parse::<std::net::Ipv6Addr>().is_ok();
        let parts = if bare_ipv6 { split(&format!("[{rest}]"))? } else { split(rest)? };
        if parts.host.is_empty() {
            return Err(Misfit::because("it has no host"));
        }
        Ok(Self {
            tls,
            host: parts.host,
            port: parts.port.unwrap_or(if tls { 443 } else { 9200 }),
            path: slashed(&parts.path),
            credentials: parts.login.map(|(username, password)| Credentials {
                username,
                password: Secret::new(password.unwrap_or_default()),
            }),
        })
    }

    fn from_members(members: &[(String, Value)], value: &Value) -> Result<Self, Misfit> {
        if let Some((name, _)) = members.iter().find(|(name, _)| !MEMBERS.contains(&name.as_str()))
        {
            return Err(Misfit::because(format!(
                "`{}` is no part of a host; there are {}",
                shown_name(name),
                MEMBERS.join(", ")
            )));
        }
        let text = |name: &str| value.member(name).and_then(Value::text);
        let host = text("host").ok_or_else(|| Misfit::because("a host without `host`"))?;
        let mut node = Self::parse(host)?;
        match value.member("port") {
            None | Some(Value::Null) => {}
            Some(port) => node.port = port_number(port)?,
        }
        match text("scheme") {
            None => {}
            Some("https") => node.tls = true,
            Some("http") => node.tls = false,
            Some(_) => return Err(Misfit::because("its scheme is neither http nor https")),
        }
        match value.member("use_ssl") {
            None | Some(Value::Null) => {}
            Some(Value::Bool(tls)) => node.tls = *tls || node.tls,
            Some(_) => return Err(Misfit::because("`use_ssl` is neither true nor false")),
        }
        if let Some(prefix) = text("url_prefix") {
            node.path = slashed(prefix);
        }
        if let Some(login) = value.member("http_auth") {
            node.credentials = login_from(login)?;
        }
        Ok(node)
    }
}

/// The members of a host that is written as a table.
pub(super) const MEMBERS: [&str; 6] =
    ["host", "port", "scheme", "use_ssl", "url_prefix", "http_auth"];

fn port_number(value: &Value) -> Result<u16, Misfit> {
    let number = match value {
        Value::Text(text) => text.trim().parse().ok(),
        other => integer(other),
    };
    number
        .and_then(|number| u16::try_from(number).ok())
        .filter(|port| *port > 0)
        .ok_or_else(|| Misfit::because("`port` is no port"))
}

fn slashed(path: &str) -> String {
    match path.trim_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

/// A login: two texts, or `user:password`.
pub(super) fn login_from(value: &Value) -> Result<Option<Credentials>, Misfit> {
    let wrong = || Misfit::because("`http_auth` is neither two texts nor \"user:password\"");
    let (username, password) = match value {
        Value::Null => return Ok(None),
        Value::List(items) => match items.as_slice() {
            [user, password] => {
                (user.text().ok_or_else(wrong)?, password.text().ok_or_else(wrong)?)
            }
            _ => return Err(wrong()),
        },
        other => other.text().ok_or_else(wrong)?.split_once(':').ok_or_else(wrong)?,
    };
    Ok(Some(Credentials { username: username.to_owned(), password: Secret::new(password) }))
}

impl fmt::Display for SearchHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(login) = &self.credentials else { return out.write_str(&self.base_url()) };
        let scheme = if self.tls { "https" } else { "http" };
        let login = format!("{}:{MASK}@", encoded(&login.username));
        write!(out, "{scheme}://{login}{}:{}{}", bracketed(&self.host), self.port, self.path)
    }
}

impl fmt::Debug for SearchHost {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SearchHost({self})")
    }
}

impl SettingValue for SearchHost {
    const EXPECTED: &'static str = "a list of addresses such as [\"http://search:9200\"]";
    const SECRET: bool = true;

    fn from_value(value: &Value, _: &Surroundings) -> Result<Self, Misfit> {
        match value {
            Value::Text(text) | Value::Word(text) => Self::parse(text),
            Value::Table(members) => Self::from_members(members, value),
            _ => Err(Misfit::default()),
        }
    }

    fn shown(&self) -> String {
        quoted(&self.to_string())
    }
}
