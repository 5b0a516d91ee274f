//! The parts of an address with credentials in it, read leniently.
//!
//! Deployments paste passwords into addresses without encoding them (`source-documents.md`
//! section 4.4), so everything before the last `@` belongs to the credentials, whatever characters
//! it holds; an `@` among the options does not count. What follows it has to be a host: to try an
//! earlier `@` would take a part of a password for one, and show it.

use super::types::MASK;
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
    let unreadable = || Misfit::because("host or port cannot be read");
    let Some(at) = end_of_login(text) else { return host_parts(text).ok_or_else(unreadable) };
    let (login, parts) = (&text[..at], host_parts(&text[at + 1..]).ok_or_else(unreadable)?);
    let (user, password) = match login.split_once(':') {
        Some((user, password)) => (user, Some(decoded(password))),
        None => (login, None),
    };
    Ok(Parts { login: Some((decoded(user), password)), ..parts })
}

/// Host and port of one of several nodes.
type Node = (String, Option<u16>);

/// Splits what stands after `scheme://` when several nodes may be named, with commas between them:
/// the nodes, what follows `#`, and the rest.
pub(super) fn split_nodes(text: &str) -> Result<(Vec<Node>, Option<String>, Parts), Misfit> {
    let unreadable = || Misfit::because("host or port cannot be read");
    let begin = end_of_login(text).map_or(0, |at| at + 1);
    let length = text[begin..].find(['/', '?', '#']).unwrap_or(text.len() - begin);
    let (authority, rest) = text[begin..].split_at(length);
    let nodes: Option<Vec<Node>> = authority.split(',').map(host_and_port).collect();
    let fragment = rest.split_once('#').map(|(_, fragment)| decoded(fragment));
    // The rest is that of the first node.
    let first = authority.split(',').next().unwrap_or_default();
    let parts = split(&format!("{}{first}{rest}", &text[..begin]))?;
    Ok((nodes.ok_or_else(unreadable)?, fragment.filter(|text| !text.is_empty()), parts))
}

/// The `@` that ends the login: the last one, or the last one before the options.
fn end_of_login(text: &str) -> Option<usize> {
    let last = text.rfind('@')?;
    for (question_mark, _) in text[..last].match_indices('?') {
        let (before, options) = (&text[..question_mark], &text[question_mark + 1..]);
        let at = before.rfind('@');
        let host = &before[at.map_or(0, |at| at + 1)..];
        // Else the question mark, too, is a part of the password.
        if begins_with_option(options) && stands_before_options(host) {
            return at;
        }
    }
    Some(last)
}

/// Whether hosts may end here, and options begin, although an `@` follows. No host ends with a
/// colon: there, the password begins.
fn stands_before_options(text: &str) -> bool {
    let authority = text.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = |node: &str| !node.ends_with(':') && host_and_port(node).is_some();
    !text.is_empty() && authority.split(',').all(is_host)
}

fn begins_with_option(text: &str) -> bool {
    text.split_once('=').is_some_and(|(name, _)| is_option_name(name))
}

fn is_option_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
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

/// Options whose values are no secret; of all others only the name is shown.
const SHOWN_OPTIONS: [&str; 20] = [
    "application_name",
    "client_encoding",
    "connect_timeout",
    "db",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "protocol",
    "socket_connect_timeout",
    "socket_timeout",
    "ssl_ca_certs",
    "ssl_cert_reqs",
    "ssl_certfile",
    "ssl_check_hostname",
    "ssl_keyfile",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
    "user",
];

/// The query as it may be shown, question mark included; empty when there is none.
pub(super) fn shown_query(query: &[(String, String)]) -> String {
    if query.is_empty() {
        return String::new();
    }
    let shown = |(name, value): &(String, String)| match name.as_str() {
        // With an `@` in it, it may be a password that looks like options.
        name if SHOWN_OPTIONS.contains(&name) && !value.contains('@') => {
            format!("{name}={}", encoded(value))
        }
        // A lone word may be the end of a password that holds a question mark.
        name if is_option_name(name) && !value.is_empty() => format!("{name}={MASK}"),
        _ => MASK.to_owned(),
    };
    format!("?{}", query.iter().map(shown).collect::<Vec<_>>().join("&"))
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
