//! Sends requests: hosts in turn, login, TLS, compression, several at once but not too many,
//! again after a failure.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use reqwest::blocking::{Client as Http, Response};
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue,
};
use reqwest::{Certificate, Method};
use serde::de::DeserializeOwned;

use super::breaker::{Breaker, jittered};
use super::compression::Chooser;
use super::failure::Failure;
use super::hits::Summary;
use super::settings::{Authentication, OpenSearchSettings};
use crate::{SourceError, SourceErrorKind};

/// Answers other than document pages stay below this; it bounds memory, not the cluster.
const LARGEST_ANSWER: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Client {
    http: Http,
    hosts: Vec<Host>,
    next_host: AtomicUsize,
    breaker: Breaker,
    pub(super) compression: Chooser,
    in_flight: Mutex<usize>,
    free: Condvar,
    settings: OpenSearchSettings,
}

/// A node, and the login it gets: its own, else that of the settings.
#[derive(Debug)]
struct Host {
    url: String,
    authorization: Option<HeaderValue>,
}

/// A request, without its host.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Path and query.
    pub(super) path: String,
    /// JSON, or empty.
    pub(super) body: String,
    /// Whether its answer may be large enough for compression to matter.
    pub(super) large: bool,
}

impl Request {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: String::new(), large: false }
    }

    pub(super) fn post(path: String, body: &serde_json::Value) -> Self {
        Self { method: Method::POST, path, body: body.to_string(), large: false }
    }
}

/// One question: everything it sends shares a deadline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call {
    end: Instant,
    limit: Duration,
}

impl Call {
    pub(super) fn check(&self) -> Result<(), Failure> {
        if Instant::now() >= self.end { Err(Failure::Deadline(self.limit)) } else { Ok(()) }
    }
}

impl Client {
    pub(super) fn new(settings: OpenSearchSettings) -> Result<Self, SourceError> {
        let refused = |doing: String| SourceError::new(SourceErrorKind::Refused, doing);
        if settings.hosts.is_empty() {
            return Err(refused("no search host is configured".to_owned()));
        }
        let hosts = settings
            .hosts
            .iter()
            .map(|host| {
                let (url, own) = host.split();
                if !url.starts_with("http://") && !url.starts_with("https://") {
                    return Err(refused(format!("search host '{host}': not an http or https URL")));
                }
                let login = own
                    .map(|(user, password)| Authentication::Basic { user, password })
                    .or_else(|| settings.authentication.clone());
                let authorization = login.map(|login| authorization(&login)).transpose()?;
                Ok(Host { url, authorization })
            })
            .collect::<Result<Vec<_>, SourceError>>()?;
        let urls: Vec<&str> = hosts.iter().map(|host| host.url.as_str()).collect();
        Ok(Self {
            http: http(&settings)?,
            compression: Chooser::new(settings.compression, &urls),
            hosts,
            next_host: AtomicUsize::new(0),
            breaker: Breaker::new(settings.attempts.max(1), settings.probe_interval),
            in_flight: Mutex::new(0),
            free: Condvar::new(),
            settings,
        })
    }

    /// Starts a question.
    pub(super) fn call(&self) -> Call {
        let limit = self.settings.call_timeout;
        Call { end: Instant::now() + limit, limit }
    }

    /// A JSON answer, after as many attempts as are allowed.
    pub(super) fn json<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<T, Failure> {
        self.checked(call, request, |_| Ok(()))
    }

    /// The answer to a search, once it is whole.
    pub(super) fn search(&self, call: &Call, request: &Request) -> Result<Summary, Failure> {
        self.checked(call, request, Summary::check)
    }

    fn checked<T: DeserializeOwned>(
        &self,
        call: &Call,
        request: &Request,
        check: impl Fn(&T) -> Result<(), Failure>,
    ) -> Result<T, Failure> {
        let mut attempts = self.attempts(call);
        loop {
            let result = self.send(call, request).and_then(|body| {
                let mut bytes = Vec::new();
                body.take(LARGEST_ANSWER).read_to_end(&mut bytes)?;
                let answer = serde_json::from_slice(&bytes).map_err(|error| {
                    Failure::Malformed(format!("not the expected JSON: {error}"))
                })?;
                check(&answer)?;
                Ok(answer)
            });
            match result {
                Ok(answer) => return Ok(answer),
                Err(failure) => {
                    if let Failure::Body(_) = failure {
                        self.note_outage(&failure);
                    }
                    attempts.again(failure)?;
                }
            }
        }
    }

    /// The attempts at one thing.
    pub(super) fn attempts<'a>(&'a self, call: &'a Call) -> Attempts<'a> {
        Attempts { client: self, call, made: 0 }
    }

    /// One attempt: the answer's body, once its status is known to be good.
    pub(super) fn send(&self, call: &Call, request: &Request) -> Result<Body<'_>, Failure> {
        call.check()?;
        self.breaker.admit(Instant::now()).map_err(Failure::Resting)?;
        let permit = self.permit();
        // Every request goes to the next host, so an attempt after a failure does, too.
        let number = self.next_host.fetch_add(1, Ordering::Relaxed);
        let host = &self.hosts[number % self.hosts.len()];
        let result = self.exchange(host, request);
        match &result {
            Err(failure) if failure.is_outage() => self.note_outage(failure),
            _ => self.breaker.succeeded(),
        }
        let response = result?;
        let zipped = response
            .headers()
            .get(CONTENT_ENCODING)
            .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"gzip"));
        let reader: Box<dyn Read> =
            if zipped { Box::new(MultiGzDecoder::new(response)) } else { Box::new(response) };
        Ok(Body { reader, zipped, end: call.end, _permit: permit })
    }

    fn exchange(&self, host: &Host, request: &Request) -> Result<Response, Failure> {
        let url = &host.url;
        let mut builder =
            self.http.request(request.method.clone(), format!("{url}{}", request.path));
        if let Some(authorization) = &host.authorization {
            builder = builder.header(AUTHORIZATION, authorization.clone());
        }
        if request.large && self.compression.wanted() {
            builder = builder.header(ACCEPT_ENCODING, "gzip");
        }
        if !request.body.is_empty() {
            builder = builder.header(CONTENT_TYPE, "application/json").body(request.body.clone());
        }
        let response = builder.send().map_err(|error| Failure::Transport {
            host: url.clone(),
            source: error.without_url(),
        })?;
        if response.status().is_success() { Ok(response) } else { Err(status(url, response)) }
    }

    pub(super) fn note_outage(&self, failure: &Failure) {
        self.breaker.failed(Instant::now(), failure.to_string());
    }

    fn permit(&self) -> Permit<'_> {
        let mut used = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner);
        while *used >= self.settings.requests_in_flight.max(1) {
            used = self.free.wait(used).unwrap_or_else(PoisonError::into_inner);
        }
        *used += 1;
        Permit(self)
    }
}

/// Counts the attempts at one thing and waits between them.
pub(super) struct Attempts<'a> {
    client: &'a Client,
    call: &'a Call,
    made: u32,
}

impl Attempts<'_> {
    /// Waits before the next attempt, or gives the failure back if there shall be none.
    pub(super) fn again(&mut self, failure: Failure) -> Result<(), Failure> {
        self.made += 1;
        let settings = &self.client.settings;
        if !failure.is_transient() || self.made >= settings.attempts {
            return Err(failure);
        }
        let wait = jittered(self.made, settings.first_wait, settings.longest_wait)
            .max(failure.retry_after().unwrap_or_default());
        if Instant::now() + wait >= self.call.end {
            return Err(failure);
        }
        std::thread::sleep(wait);
        Ok(())
    }
}

#[derive(Debug)]
struct Permit<'a>(&'a Client);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.in_flight.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.free.notify_one();
    }
}

/// An answer's body, unpacked.
pub(super) struct Body<'a> {
    reader: Box<dyn Read>,
    pub(super) zipped: bool,
    end: Instant,
    _permit: Permit<'a>,
}

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if Instant::now() >= self.end {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the question took too long"));
        }
        self.reader.read(buffer)
    }
}

/// The header that a login is sent in.
fn authorization(login: &Authentication) -> Result<HeaderValue, SourceError> {
    let mut value = HeaderValue::from_str(&login.header()).map_err(|_| {
        SourceError::new(
            SourceErrorKind::Refused,
            "the search login has characters that cannot be sent",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn http(settings: &OpenSearchSettings) -> Result<Http, SourceError> {
    let refused = |doing: &str, error: reqwest::Error| {
        SourceError::caused_by(SourceErrorKind::Refused, doing, error)
    };
    // Fails when another part of the program has chosen already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let mut builder = Http::builder()
        .user_agent(concat!("community-stats/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .connect_timeout(settings.request_timeout.min(Duration::from_secs(10)))
        .timeout(settings.request_timeout)
        .pool_max_idle_per_host(settings.requests_in_flight)
        .tls_danger_accept_invalid_certs(!settings.verify_certificates);
    if let Some(pem) = &settings.authorities {
        let authorities = Certificate::from_pem_bundle(pem).map_err(|error| {
            refused("reading the certificates of the search authorities", error)
        })?;
        builder = builder.tls_certs_only(authorities);
    }
    builder.build().map_err(|error| refused("preparing connections to the search hosts", error))
}

/// The failure that an error answer means. Reads only the start of its body.
fn status(host: &str, response: Response) -> Failure {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    // A broken error answer is still an error answer.
    drop(response.take(64 << 10).read_to_end(&mut body));
    let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let error = &parsed["error"];
    let root = &error["root_cause"][0];
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let class = text(&root["type"]).or_else(|| text(&error["type"])).unwrap_or_default();
    let reason = text(&root["reason"])
        .or_else(|| text(&error["reason"]))
        .or_else(|| text(error))
        .unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned());
    Failure::Status { host: host.to_owned(), status, class, reason, retry_after }
}
