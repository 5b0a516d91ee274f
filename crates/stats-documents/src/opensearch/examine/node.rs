//! One request after the other to one node, answers as they come.

use std::error::Error;
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{CONTENT_TYPE, DATE};
use reqwest::{Method, Response};
use serde_json::Value;

use crate::SourceError;
use crate::opensearch::host::Host;
use crate::opensearch::lanes::Lanes;
use crate::opensearch::settings::OpenSearchSettings;
use crate::opensearch::time::Time;

/// Everything that is asked here has a short answer.
const LIMIT: Duration = Duration::from_secs(10);
const LARGEST: u64 = 32 << 20;

/// The nodes that settings name, each to be asked by itself, for at most ten seconds at a time.
///
/// # Errors
/// When an address, a login or the certificates cannot be used. Nothing is asked yet.
pub fn nodes(settings: OpenSearchSettings) -> Result<Vec<Node>, SourceError> {
    let limit = settings.request_timeout.min(LIMIT);
    let prefix: Arc<str> = settings.prefix.as_str().into();
    let hosts = Host::all(&settings)?;
    let lanes = Lanes::new(OpenSearchSettings { request_timeout: limit, ..settings })?;
    let lanes = Arc::new(lanes);
    let node = |host| Node { host, lanes: lanes.clone(), limit, prefix: prefix.clone() };
    Ok(hosts.into_iter().map(node).collect())
}

/// A node of a cluster that is examined. As a source of documents, it must not be asked inside an
/// asynchronous runtime.
#[derive(Debug)]
pub struct Node {
    host: Host,
    lanes: Arc<Lanes>,
    limit: Duration,
    prefix: Arc<str>,
}

impl Node {
    /// Its address, without login.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.host.url
    }

    /// Whether a login is sent to it.
    #[must_use]
    pub const fn logs_in(&self) -> bool {
        self.host.logs_in()
    }

    /// The name of an alias or index in the cluster: with the prefix of the settings.
    #[must_use]
    pub fn name(&self, base: &str) -> String {
        format!("{}{base}", self.prefix)
    }

    pub(super) fn get(&self, path: &str) -> Result<Answer, NoAnswer> {
        self.ask(Method::GET, path, None)
    }

    pub(super) fn search(&self, path: &str, body: &Value) -> Result<Answer, NoAnswer> {
        self.ask(Method::POST, path, Some(body))
    }

    fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, NoAnswer> {
        let late = || NoAnswer::Late(self.limit);
        let time = Time::default();
        let lane = self.lanes.take(&time, time.after(self.limit)).map_err(NoAnswer::Unprepared)?;
        let lane = lane.ok_or_else(late)?;
        let mut request = self.host.request(&lane, method, path);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let response = lane.send(request.build()).map_err(|error| {
            if error.is_timeout() { late() } else { NoAnswer::Broken(error.without_url()) }
        })?;
        let (status, date) = (response.status().as_u16(), date_of(&response));
        let mut bytes = Vec::new();
        // An answer that breaks off is no JSON, which is what is told of it then.
        drop(lane.read(response).take(LARGEST).read_to_end(&mut bytes));
        Ok(Answer { status, date, json: serde_json::from_slice(&bytes).unwrap_or_default() })
    }
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

/// Why there is no answer, for people.
#[derive(Debug)]
pub enum NoAnswer {
    /// It did not come in this time.
    Late(Duration),
    /// There is no connection, or it broke.
    Broken(reqwest::Error),
    /// No connection can be prepared.
    Unprepared(SourceError),
}

impl NoAnswer {
    /// Whether the connection failed for a certificate.
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        let Self::Broken(error) = self else { return false };
        let mut cause: Option<&(dyn Error + 'static)> = Some(error);
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

impl fmt::Display for NoAnswer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut cause: &dyn Error = match self {
            Self::Late(limit) => return write!(out, "no answer in {limit:?}"),
            Self::Broken(error) => error,
            Self::Unprepared(error) => error,
        };
        // The innermost cause says what happened; the layers above only that something did.
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        write!(out, "{cause}")
    }
}

fn date_of(response: &Response) -> Option<Timestamp> {
    http_date(response.headers().get(DATE)?.to_str().ok()?)
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
