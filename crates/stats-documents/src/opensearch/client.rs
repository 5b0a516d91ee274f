//! Sends requests: hosts in turn, login, compression, again after a failure.

use std::io::Read;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{Method, Response};
use serde::de::DeserializeOwned;

use super::answer::Summary;
use super::body::{Body, Bounds, LARGEST_ANSWER, Room, SMALL, SMALL_ANSWER};
use super::breaker::{Breaker, jittered};
use super::failure::Failure;
use super::hits::Style;
use super::host::Host;
use super::lanes::{Lanes, Stream, TakenLane};
use super::settings::{Compression, OpenSearchSettings};
use super::time::Time;
use crate::{SourceError, SourceErrorKind};

#[derive(Debug)]
pub(super) struct Client {
    lanes: Lanes,
    hosts: Vec<Host>,
    next_host: AtomicUsize,
    breaker: Breaker,
    pub(super) style: Style,
    /// Held by the one answer that may need much memory.
    room: Mutex<()>,
    /// By which everything here lasts and waits.
    pub(super) time: Time,
    settings: OpenSearchSettings,
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
    /// More bytes its answer cannot have.
    pub(super) limit: u64,
}

impl Request {
    pub(super) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: String::new(), large: false, limit: SMALL_ANSWER }
    }

    pub(super) fn post(path: String, body: &serde_json::Value) -> Self {
        let body = body.to_string();
        Self { method: Method::POST, path, body, large: false, limit: LARGEST_ANSWER }
    }
}

/// One question: everything it sends shares a deadline.
#[derive(Debug, Clone)]
pub(super) struct Call {
    time: Time,
    end: Duration,
    limit: Duration,
}

impl Call {
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.time.now() >= self.end { Err(Failure::Deadline(self.limit)) } else { Ok(()) }
    }
}

impl Client {
    pub(super) fn new(settings: OpenSearchSettings) -> Result<Self, SourceError> {
        if settings.hosts.is_empty() {
            let doing = "no search host is configured";
            return Err(SourceError::new(SourceErrorKind::Refused, doing));
        }
        Ok(Self {
            hosts: Host::all(&settings)?,
            lanes: Lanes::new(settings.clone())?,
            style: Style::default(),
            room: Mutex::default(),
            next_host: AtomicUsize::new(0),
            time: Time::default(),
            breaker: Breaker::new(settings.attempts.max(1), settings.probe_interval),
            settings,
        })
    }

    /// Starts a question.
    pub(super) fn call(&self) -> Call {
        let limit = self.settings.call_timeout;
        Call { time: self.time.clone(), end: self.time.after(limit), limit }
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
    pub(super) fn search<A: DeserializeOwned>(
        &self,
        call: &Call,
        request: &Request,
    ) -> Result<Summary<A>, Failure> {
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
                let answer = read_whole(body)?;
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
        let lane = self.lanes.take(&self.time, call.end).map_err(Failure::Unprepared)?;
        let lane = lane.ok_or(Failure::Deadline(call.limit))?;
        self.breaker.admit(self.time.now())?;
        let host = self.next_host();
        let result = self.exchange(lane, host, request);
        match &result {
            Ok(_) => host.answered(),
            Err(failure) if failure.is_outage() => {
                host.failed(self.time.after(self.settings.probe_interval));
                self.note_outage(failure);
            }
            Err(_) => self.breaker.succeeded(),
        }
        let (packed, stream) = result?;
        let (end, limit) = (call.end, request.limit);
        let (breaker, room) = (&self.breaker, Room::of(&self.room));
        Ok(Body::new(stream, packed, Bounds { time: &self.time, end, limit, breaker, room }))
    }

    /// The next host in turn, so that an attempt after a failure goes to another one; those that
    /// failed lately only when all did.
    fn next_host(&self) -> &Host {
        let (now, count) = (self.time.now(), self.hosts.len());
        let first = self.next_host.fetch_add(1, Ordering::Relaxed) % count;
        let in_turn = || (first..first + count).map(|number| &self.hosts[number % count]);
        in_turn().find(|host| !host.rests(now)).unwrap_or(&self.hosts[first])
    }

    /// Whether the answer is packed, and its body.
    fn exchange<'a>(
        &self,
        lane: TakenLane<'a>,
        host: &Host,
        request: &Request,
    ) -> Result<(bool, Stream<'a>), Failure> {
        let url = &host.url;
        let mut builder = host.request(&lane, request.method.clone(), &request.path);
        let asked = request.large && self.settings.compression == Compression::On;
        builder = builder.header(ACCEPT_ENCODING, if asked { "gzip" } else { "identity" });
        if !request.body.is_empty() {
            builder = builder.header(CONTENT_TYPE, "application/json").body(request.body.clone());
        }
        let response = lane.send(builder.build()).map_err(|error| Failure::Transport {
            host: url.clone(),
            source: error.without_url(),
        })?;
        if !response.status().is_success() {
            return Err(status(url, lane, response));
        }
        Ok((is_packed(&response, asked)?, lane.read(response)))
    }

    pub(super) fn note_outage(&self, failure: &Failure) {
        self.breaker.failed(self.time.now(), failure.to_string());
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
        let settings = &self.client.settings;
        let wait = if let Failure::Resting { patient: true, next_probe, .. } = failure {
            // The request was not sent, so this was no attempt.
            next_probe.saturating_add(jittered(1, settings.first_wait, settings.longest_wait))
        } else {
            self.made += 1;
            if !failure.is_transient() || self.made >= settings.attempts {
                return Err(failure);
            }
            jittered(self.made, settings.first_wait, settings.longest_wait)
                .max(failure.retry_after().unwrap_or_default())
        };
        let time = &self.client.time;
        if time.after(wait) >= self.call.end {
            return Err(failure);
        }
        time.sleep(wait);
        Ok(())
    }
}

/// Reads an answer to its end, and only then believes it.
fn read_whole<T: DeserializeOwned>(mut body: Body<'_>) -> Result<T, Failure> {
    let mut bytes = Vec::new();
    (&mut body).take(SMALL as u64).read_to_end(&mut bytes)?;
    if bytes.len() == SMALL {
        body.room.take();
        body.read_to_end(&mut bytes)?;
    }
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(Failure::Malformed("the answer is no JSON object".to_owned()));
    }
    serde_json::from_slice(&bytes).map_err(|error| Failure::not_expected(&error))
}

/// Whether an answer is packed. Nothing is unpacked that was not asked to be packed.
fn is_packed(response: &Response, asked: bool) -> Result<bool, Failure> {
    let encodings = response.headers().get_all(CONTENT_ENCODING);
    let mut packed = false;
    for value in encodings {
        let name = value.as_bytes().trim_ascii();
        if name.is_empty() || name.eq_ignore_ascii_case(b"identity") {
            continue;
        }
        if packed || !asked || !name.eq_ignore_ascii_case(b"gzip") {
            let name: String = String::from_utf8_lossy(name).chars().take(40).collect();
            return Err(Failure::Unusable(format!(
                "the answer is packed ('{name}'), which it was not asked to be"
            )));
        }
        packed = true;
    }
    Ok(packed)
}

/// More of what a cluster says is not repeated.
const LONGEST_REASON: usize = 1_000;

/// The failure that an error answer means. Reads only the start of its body.
fn status(host: &str, lane: TakenLane<'_>, response: Response) -> Failure {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get("retry-after")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    // A broken error answer is still an error answer.
    drop(lane.read(response).take(64 << 10).read_to_end(&mut body));
    let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let error = &parsed["error"];
    let root = &error["root_cause"][0];
    let text = |value: &serde_json::Value| {
        value.as_str().map(|text| text.chars().take(LONGEST_REASON).collect::<String>())
    };
    let index = text(&root["index"]).or_else(|| text(&error["failed_shards"][0]["index"]));
    let class = text(&root["type"]).or_else(|| text(&error["type"])).unwrap_or_default();
    let reason = text(&root["reason"])
        .or_else(|| text(&error["reason"]))
        .or_else(|| text(error))
        .unwrap_or_else(|| String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned());
    Failure::Status { host: host.to_owned(), status, index, class, reason, retry_after }
}
