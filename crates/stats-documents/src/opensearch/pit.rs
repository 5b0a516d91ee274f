//! A point in time: one state of the indices for several requests.

use std::io;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Client, Request};
use super::failure::Failure;
use super::search;

const KEEP_ALIVE: &str = "2m";

/// An open point in time.
#[derive(Debug, Deserialize)]
pub(super) struct PointInTime {
    pit_id: String,
}

impl PointInTime {
    /// Opens one; `None` where that right or feature is missing, since comparing what every page
    /// says about the whole does as well, if less patiently.
    pub(super) fn open(
        client: &Client,
        call: &Call,
        target: &str,
    ) -> Result<Option<Self>, Failure> {
        let path = search::point_in_time(target, KEEP_ALIVE);
        let request = Request { method: Method::POST, ..Request::get(path) };
        let opened = match (client.json(call, &request), search::anywhere(&request)) {
            (Err(failure), Some(request)) if search::is_refused(&failure) => {
                client.json(call, &request)
            }
            (opened, _) => opened,
        };
        match opened {
            Ok(pit) => Ok(Some(pit)),
            Err(failure) if failure.is_declined() && !failure.is_missing() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(super) fn as_json(&self) -> Value {
        json!({"id": self.pit_id, "keep_alive": KEEP_ALIVE})
    }

    /// Closes it. A failure is left alone: the cluster closes it on its own a little later.
    pub(super) fn close(self, client: &Client, call: &Call) {
        let body = json!({"pit_id": [self.pit_id]});
        let request = Request::post("/_search/point_in_time".to_owned(), &body);
        if let Ok(mut answer) = client.send(call, &Request { method: Method::DELETE, ..request }) {
            // Read to its end, so that the connection can be used again.
            let _ = io::copy(&mut answer, &mut io::sink());
        }
    }
}
