//! The connections: a few lanes, each with one request at a time.
//!
//! A lane has a client and a runtime of its own, on which whoever uses the lane waits: bytes reach
//! the thread that scans them without passing through another one. So many requests as there are
//! lanes can be on their way; who comes later waits.

use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client as Http, Request, Response};
use stats_tls::{Proof, Trusting};
use tokio::runtime::{Builder, Runtime};

use super::settings::OpenSearchSettings;
use super::time::Time;
use crate::{SourceError, SourceErrorKind};

/// All lanes to one cluster.
#[derive(Debug)]
pub(super) struct Lanes {
    settings: OpenSearchSettings,
    waiting: Mutex<Waiting>,
    free: Condvar,
}

/// The lanes that nobody uses.
#[derive(Debug, Default)]
struct Waiting {
    lanes: Vec<Lane>,
    /// How many there are, used ones included.
    made: usize,
}

#[derive(Debug)]
struct Lane {
    runtime: Runtime,
    http: Http,
}

impl Lanes {
    /// As many as the settings allow requests at a time, made as they are needed.
    ///
    /// # Errors
    /// When no client can be made with these settings.
    pub(super) fn new(settings: OpenSearchSettings) -> Result<Self, SourceError> {
        // Fails when another part of the program has chosen already, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let first = Lane::new(&settings)?;
        let waiting = Mutex::new(Waiting { lanes: vec![first], made: 1 });
        Ok(Self { settings, waiting, free: Condvar::new() })
    }

    /// A lane for one request; `None` when none becomes free before `end` of `time`.
    pub(super) fn take(
        &self,
        time: &Time,
        end: Duration,
    ) -> Result<Option<TakenLane<'_>>, SourceError> {
        let mut waiting = self.waiting();
        loop {
            if let Some(lane) = waiting.lanes.pop() {
                return Ok(Some(TakenLane { lanes: self, lane: Some(lane) }));
            }
            if waiting.made < self.settings.requests_in_flight.max(1) {
                let lane = Lane::new(&self.settings)?;
                waiting.made += 1;
                return Ok(Some(TakenLane { lanes: self, lane: Some(lane) }));
            }
            let left = end.saturating_sub(time.now());
            if left.is_zero() {
                return Ok(None);
            }
            let woken = self.free.wait_timeout(waiting, left);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lane {
    fn new(settings: &OpenSearchSettings) -> Result<Self, SourceError> {
        let refused = |error: io::Error| {
            let doing = "preparing connections to the search hosts";
            SourceError::caused_by(SourceErrorKind::Refused, doing, error)
        };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(refused)?;
        Ok(Self { runtime, http: http(settings)? })
    }
}

/// A lane that belongs to one request, and goes back when that is done.
#[derive(Debug)]
pub(super) struct TakenLane<'a> {
    lanes: &'a Lanes,
    /// `None` only while it is being dropped.
    lane: Option<Lane>,
}

impl<'a> TakenLane<'a> {
    /// Prepares a request.
    pub(super) fn request(&self, method: reqwest::Method, url: String) -> reqwest::RequestBuilder {
        self.lane().http.request(method, url)
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) fn send(&self, request: reqwest::Result<Request>) -> reqwest::Result<Response> {
        let lane = self.lane();
        lane.runtime.block_on(async {
            // Connections that the host closed in between are noticed first.
            tokio::task::yield_now().await;
            lane.http.execute(request?).await
        })
    }

    /// The body of an answer, to be read by the thread that has the lane.
    pub(super) fn read(self, response: Response) -> Stream<'a> {
        Stream { lane: self, response: Some(response), piece: Bytes::new() }
    }

    fn lane(&self) -> &Lane {
        self.lane.as_ref().expect("a lane is there until it is dropped")
    }
}

impl Drop for TakenLane<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.lane.take() {
            self.lanes.waiting().lanes.push(lane);
            self.lanes.free.notify_one();
        }
    }
}

/// The body of an answer as it arrives.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    lane: TakenLane<'a>,
    /// `None` after the end.
    response: Option<Response>,
    /// What arrived and was not read yet.
    piece: Bytes,
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let Some(response) = &mut self.response else { return Ok(0) };
            let arrived = self.lane.lane().runtime.block_on(response.chunk());
            match arrived.map_err(|error| io::Error::other(error.without_url()))? {
                Some(piece) => self.piece = piece,
                None => self.response = None,
            }
        }
        let length = self.piece.len().min(buffer.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if self.response.take().is_some() {
            // Lets the connection notice that nobody wants the rest, so that the host can stop.
            self.lane.lane().runtime.block_on(tokio::task::yield_now());
        }
    }
}

/// A client as the settings want it.
fn http(settings: &OpenSearchSettings) -> Result<Http, SourceError> {
    let refused = |doing: &str, error: reqwest::Error| {
        SourceError::caused_by(SourceErrorKind::Refused, doing, error)
    };
    let mut builder = Http::builder()
        .user_agent(concat!("community-stats/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .connect_timeout(settings.request_timeout.min(Duration::from_secs(10)))
        // For the whole of an answer, body included.
        .timeout(settings.request_timeout)
        .pool_max_idle_per_host(1)
        .tls_danger_accept_invalid_certs(!settings.verify_certificates);
    if let Some(pem) = settings.authorities.as_ref().filter(|_| settings.verify_certificates) {
        let trusted = Trusting::those_in(pem).map_err(|reason| {
            let doing = format!("reading the certificates of the search authorities: {reason}");
            SourceError::new(SourceErrorKind::Refused, doing)
        })?;
        let trusting = Proof::Host(trusted).client_config().map_err(|error| {
            SourceError::caused_by(SourceErrorKind::Refused, "preparing TLS", error)
        })?;
        builder = builder.tls_backend_preconfigured(trusting);
    }
    builder.build().map_err(|error| refused("preparing connections to the search hosts", error))
}
