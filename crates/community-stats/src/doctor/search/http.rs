//! One request after the other to one node, answers as they come: no retries, no other node.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Method;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue};
use serde_json::Value;
use stats_service::chain;

use super::super::check::Check;
use crate::config::{Credentials, SearchHost, Secret, Settings, SourceSettings};

/// What checks of the cluster are called.
pub(super) const NAME: &str = "opensearch";

/// Everything that is asked here has a short answer.
const LIMIT: Duration = Duration::from_secs(10);
const LARGEST: u64 = 32 << 20;

/// A node, and how to get in.
pub(super) struct Node {
    http: Client,
    base: String,
    login: Login,
}

enum Login {
    None,
    Basic(Credentials),
    Key(Secret),
}

/// What a node answered.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header `Date`.
    pub(super) date: Option<Timestamp>,
    /// The body; null when it is no JSON.
    pub(super) json: Value,
}

impl Answer {
    pub(super) const fn is_ok(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    pub(super) const fn is_forbidden(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    /// The reason that an error answer gives, for people.
    pub(super) fn reason(&self) -> String {
        let error = &self.json["error"];
        let reason = error["reason"].as_str().or_else(|| error.as_str()).unwrap_or_default();
        let reason: String = reason.chars().take(200).collect();
        format!("{} {reason}", self.status).trim_end().to_owned()
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Trouble(reqwest::Error);

impl Trouble {
    /// Whether the connection failed for a certificate.
    pub(super) fn is_certificate(&self) -> bool {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&self.0);
        while let Some(error) = cause {
            if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
                return true;
            }
            // An error of the system is not the source of what is wrapped in it, but holds it.
            let held = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
            cause = match held {
                Some(held) => Some(held),
                None => error.source(),
            };
        }
        false
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_timeout() {
            return write!(out, "no answer in {LIMIT:?}");
        }
        // The innermost cause says what happened; the layers above only that something did.
        let mut cause: &dyn Error = &self.0;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        write!(out, "{cause}")
    }
}

/// The nodes that settings name.
pub(super) fn nodes(settings: &Settings) -> Result<Vec<Node>, Check> {
    let http = client(settings)?;
    let settings = &settings.source;
    let node = |host: &SearchHost| Node {
        http: http.clone(),
        base: host.base_url(),
        login: login(settings, host),
    };
    Ok(settings.hosts.iter().map(node).collect())
}

/// A login of the node counts before that of the section.
fn login(settings: &SourceSettings, host: &SearchHost) -> Login {
    if let Some(login) = &host.credentials {
        return Login::Basic(login.clone());
    }
    if let Some(key) = &settings.api_key {
        return Login::Key(key.clone());
    }
    match (&settings.username, &settings.password) {
        (Some(username), Some(password)) => {
            Login::Basic(Credentials { username: username.clone(), password: password.clone() })
        }
        _ => Login::None,
    }
}

fn client(settings: &Settings) -> Result<Client, Check> {
    let refused = |detail: String| Check::failed(NAME, detail, "correct `source.ca_certs`");
    // Fails when another part of the program has chosen already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let source = &settings.source;
    let mut builder = Client::builder()
        .user_agent(concat!("community-stats/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(source.timeout.min(LIMIT))
        .timeout(source.timeout.min(LIMIT))
        .tls_danger_accept_invalid_certs(!source.verify_certs);
    if let Some(file) = source.ca_certs.as_ref().filter(|_| source.verify_certs) {
        let pem = settings.certificates().map_err(|error| refused(chain(&error)))?;
        let trusting = stats_documents::tls::trusting(&pem.unwrap_or_default())
            .map_err(|reason| refused(settings.no_certificates(file, &reason).to_string()))?;
        builder = builder.tls_backend_preconfigured(trusting);
    }
    builder.build().map_err(|error| refused(format!("preparing TLS: {error}")))
}

impl Node {
    /// Its address, without login.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Whether a login is sent to it.
    pub(super) const fn logs_in(&self) -> bool {
        !matches!(self.login, Login::None)
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, Trouble> {
        self.answer(self.request(Method::GET, path))
    }

    /// Sends a question with a body.
    pub(super) fn search(&self, path: &str, body: &Value) -> Result<Answer, Trouble> {
        let request = self.request(Method::POST, path);
        self.answer(request.header(CONTENT_TYPE, "application/json").body(body.to_string()))
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.login {
            Login::None => request,
            Login::Basic(login) => {
                request.basic_auth(&login.username, Some(login.password.expose()))
            }
            Login::Key(key) => match HeaderValue::from_str(&format!("ApiKey {}", key.expose())) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    request.header(AUTHORIZATION, value)
                }
                // No cluster gives out such a key: it will say that a login is missing.
                Err(_) => request,
            },
        }
    }

    fn answer(&self, request: RequestBuilder) -> Result<Answer, Trouble> {
        let response = request.send().map_err(|error| Trouble(error.without_url()))?;
        let status = response.status().as_u16();
        let date =
            response.headers().get(DATE).and_then(|date| date.to_str().ok()).and_then(http_date);
        let mut body = Vec::new();
        // An answer that breaks off is no JSON, which is what is told of it then.
        drop(response.take(LARGEST).read_to_end(&mut body));
        Ok(Answer { status, date, json: serde_json::from_slice(&body).unwrap_or_default() })
    }
}

/// `Mon, 02 Jun 2025 12:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_http() {
        let date = http_date("Mon, 02 Jun 2025 12:00:00 GMT").unwrap();
        assert_eq!(date.to_string(), "2025-06-02T12:00:00Z");
        assert_eq!(http_date("yesterday"), None);
    }
}
