//! What a connection to a cluster needs to know.

use std::fmt;
use std::time::Duration;

/// How to reach a cluster and how to treat it. Made from the program's settings; reads no
/// environment itself. Its `Debug` form shows no secrets.
#[derive(Debug, Clone)]
pub struct OpenSearchSettings {
    /// The nodes, tried in turn.
    pub hosts: Vec<SearchNode>,
    /// Pasted in front of every index name, without a separator.
    pub prefix: String,
    /// How to log in, if at all.
    pub authentication: Option<Authentication>,
    /// Certificates of the authorities to trust instead of the system's, PEM.
    pub authorities: Option<Vec<u8>>,
    /// Whether to check certificates and host names.
    pub verify_certificates: bool,
    /// Whether pages of documents are compressed on the way.
    pub compression: Compression,
    /// How many bytes of documents a page should hold, about.
    pub page_bytes: usize,
    /// How many requests may be under way at once.
    pub requests_in_flight: usize,
    /// The limit for one request, its whole answer included, and for connecting.
    pub request_timeout: Duration,
    /// The limit for one question as a whole: all its pages and all attempts.
    pub call_timeout: Duration,
    /// How often a request is tried in all, before the question fails.
    pub attempts: u32,
    /// The longest wait before the second attempt; doubles with every further one. The actual
    /// wait is a random part of it.
    pub first_wait: Duration,
    /// The longest wait before any attempt, unless the cluster asks for more.
    pub longest_wait: Duration,
    /// While the cluster fails, it sees at most one request in this time.
    pub probe_interval: Duration,
}

impl OpenSearchSettings {
    /// The defaults for a cluster at these URLs with this index prefix.
    pub fn new<N: Into<SearchNode>>(
        hosts: impl IntoIterator<Item = N>,
        prefix: impl Into<String>,
    ) -> Self {
        Self {
            hosts: hosts.into_iter().map(Into::into).collect(),
            prefix: prefix.into(),
            authentication: None,
            authorities: None,
            verify_certificates: true,
            compression: Compression::Off,
            page_bytes: 8 << 20,
            requests_in_flight: 8,
            request_timeout: Duration::from_secs(30),
            call_timeout: Duration::from_secs(600),
            attempts: 6,
            first_wait: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
            probe_interval: Duration::from_secs(5),
        }
    }
}

/// A node, and the login that it gets in place of [`OpenSearchSettings::authentication`], if it has
/// one of its own. Shown without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchNode {
    /// `http://host:port` or `https://…`, with what stands before every path; without a login.
    pub url: String,
    /// How to log in at this node alone.
    pub login: Option<Authentication>,
}

impl From<String> for SearchNode {
    fn from(url: String) -> Self {
        Self { url, login: None }
    }
}

impl From<&str> for SearchNode {
    fn from(url: &str) -> Self {
        url.to_owned().into()
    }
}

impl fmt::Display for SearchNode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.url.trim_end_matches('/'))
    }
}

/// How to log in.
#[derive(Clone, PartialEq, Eq)]
pub enum Authentication {
    /// User and password.
    Basic {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// An API key, encoded as the cluster gave it out, or as `id:key`.
    ApiKey(String),
}

impl fmt::Debug for Authentication {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Basic { user, .. } => {
                write!(formatter, "Basic {{ user: {user:?}, password: *** }}")
            }
            Self::ApiKey(_) => formatter.write_str("ApiKey(***)"),
        }
    }
}

impl Authentication {
    /// The value of the header `Authorization`.
    pub(super) fn header(&self) -> String {
        match self {
            Self::Basic { user, password } => {
                format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
            }
            Self::ApiKey(key) if key.contains(':') => format!("ApiKey {}", base64(key.as_bytes())),
            Self::ApiKey(key) => format!("ApiKey {key}"),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * index) & 63) as usize] as char;
            text.push(if index <= group.len() { digit } else { '=' });
        }
    }
    text
}

/// Whether the cluster compresses pages of documents. On a fast network that costs three times the
/// time, on a slow one it saves seven eighths (`docs/spec/change-feed.md`, section 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Always.
    On,
    /// Never.
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_every_length() {
        let encoded = ["", "a", "ab", "abc", "user:pass"].map(|text| base64(text.as_bytes()));
        assert_eq!(encoded, ["", "YQ==", "YWI=", "YWJj", "dXNlcjpwYXNz"]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let login = |password: &str| {
            Some(Authentication::Basic { user: "me".to_owned(), password: password.to_owned() })
        };
        let node = SearchNode { login: login("p@ss"), ..SearchNode::from("https://search:9200/") };
        let mut settings = OpenSearchSettings::new([node], "x-");
        settings.authentication = login("hush");
        let shown = format!("{settings:?} {}", settings.hosts[0]);
        assert!(!shown.contains("p@ss") && !shown.contains("hush"), "{shown}");
        assert!(shown.ends_with(" https://search:9200"), "{shown}");
        assert_eq!(format!("{:?}", Authentication::ApiKey("k".to_owned())), "ApiKey(***)");
    }

    #[test]
    fn headers() {
        let key = |key: &str| Authentication::ApiKey(key.to_owned()).header();
        assert_eq!(key("YWJj"), "ApiKey YWJj");
        assert_eq!(key("id:key"), "ApiKey aWQ6a2V5");
    }
}
