//! The parts of an address with credentials in it, read leniently.
//!
//! Deployments paste passwords into addresses without encoding them (`source-documents.md`
//! section 4.4), so everything before the last `@` that a host can follow belongs to the
//! credentials, whatever characters it holds.

use super::value::Misfit;

/// A login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user name; empty where only a password counts.
    pub username: String,
    /// The password.
    pub password: super::Secret,
}

/// `[user[:password]@]host[:port][/path][?query]`.
#[derive(Default)]
pub(super) struct Parts {
    /// Decoded; `None` without an `@`.
    pub(super) login: Option<(String, Option<String>)>,
    /// Without the brackets of an IPv6 address; possibly empty.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    /// With its leading slash; empty when there is none.
    pub(super) path: String,
    /// Decoded, in the given order.
    pub(super) query: Vec<(String, String)>,
}

/// Splits what stands after `scheme://`.
pub(super) fn split(text: &str) -> Result<Parts, Misfit> {
    let at = text.match_indices('@').map(|(at, _)| at).rev();
    let separated = at.filter_map(|at| Some((&text[..at], host_parts(&text[at + 1..])?))).next();
    if let Some((login, parts)) = separated {
        let (user, password) = match login.split_once(':') {
            Some((user, password)) => (user, Some(decoded(password))),
            None => (login, None),
        };
        return Ok(Parts { login: Some((decoded(user), password)), ..parts });
    }
    let without_login = if text.contains('@') { None } else { host_parts(text) };
    without_login.ok_or_else(|| Misfit::because("host or port cannot be read"))
}

/// Splits `host[:port][/path][?query]`; `None` when this cannot be one.
fn host_parts(text: &str) -> Option<Parts> {
    let text = text.split('#').next().unwrap_or_default();
    let (address, query) = text.split_once('?').unwrap_or((text, ""));
    let (authority, path) = match address.find('/') {
        Some(slash) => address.split_at(slash),
        None => (address, ""),
    };
    let (host, port) = host_and_port(authority)?;
    let query = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
        .collect();
    Some(Parts { login: None, host, port, path: path.to_owned(), query })
}

fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            if !host.chars().all(|letter| letter.is_ascii_hexdigit() || ":.%".contains(letter)) {
                return None;
            }
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => {
            let (host, port) = match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            };
            let named = |letter: char| letter.is_alphanumeric() || "-._".contains(letter);
            if !host.chars().all(named) {
                return None;
            }
            (host, port)
        }
    };
    let port = match port {
        None | Some("") => None,
        Some(port) => Some(port.parse().ok()?),
    };
    Some((host.to_owned(), port))
}

/// `text` with its `%XX` replaced; what is no valid sequence stays as it is.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit =
            |offset: usize| bytes.get(at + offset).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, _, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// `text` with everything but unreserved characters as `%XX`.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// A host as it stands in an address: IPv6 in brackets.
pub(super) fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

/// The query as it stands in an address, question mark included; empty when there is none.
pub(super) fn query_text(query: &[(String, String)]) -> String {
    if query.is_empty() {
        return String::new();
    }
    let pairs: Vec<String> =
        query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    format!("?{}", pairs.join("&"))
}
