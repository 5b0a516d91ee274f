//! A node of the cluster, and the login it gets.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder};

use super::lanes::TakenLane;
use super::settings::{Authentication, OpenSearchSettings, SearchNode};
use crate::{SourceError, SourceErrorKind};

/// A node, and the login it gets: its own, else that of the settings.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) url: String,
    authorization: Option<HeaderValue>,
    /// After a failure: until when others are asked in its place.
    resting: Mutex<Option<Duration>>,
}

impl Host {
    /// All that the settings name.
    ///
    /// # Errors
    /// When an address is none of HTTP, or a login cannot be sent.
    pub(super) fn all(settings: &OpenSearchSettings) -> Result<Vec<Self>, SourceError> {
        settings.hosts.iter().map(|node| Self::of(node, settings)).collect()
    }

    fn of(node: &SearchNode, settings: &OpenSearchSettings) -> Result<Self, SourceError> {
        let url = node.to_string();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let doing = format!("search host '{url}': not an http or https URL");
            return Err(SourceError::new(SourceErrorKind::Refused, doing));
        }
        let login = node.login.as_ref().or(settings.authentication.as_ref());
        let authorization = login.map(authorization).transpose()?;
        Ok(Self { url, authorization, resting: Mutex::default() })
    }

    /// Whether a login is sent to it.
    pub(super) const fn logs_in(&self) -> bool {
        self.authorization.is_some()
    }

    /// Prepares a request of `path`, which may have a query.
    pub(super) fn request(
        &self,
        lane: &TakenLane<'_>,
        method: Method,
        path: &str,
    ) -> RequestBuilder {
        let builder = lane.request(method, format!("{}{path}", self.url));
        match &self.authorization {
            Some(authorization) => builder.header(AUTHORIZATION, authorization.clone()),
            None => builder,
        }
    }

    pub(super) fn rests(&self, now: Duration) -> bool {
        self.resting().is_some_and(|until| now < until)
    }

    pub(super) fn failed(&self, until: Duration) {
        *self.resting() = Some(until);
    }

    pub(super) fn answered(&self) {
        *self.resting() = None;
    }

    fn resting(&self) -> MutexGuard<'_, Option<Duration>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
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
