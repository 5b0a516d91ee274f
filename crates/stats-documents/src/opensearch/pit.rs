//! A point in time: one state of the indices for several requests.

use std::io;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Client, Request};
use super::failure::Failure;
use super::primaries::{PRIMARIES, anywhere, is_refused};
use super::targets::escape;

const KEEP_ALIVE: &str = "2m";
/// How often something is read in all that takes several requests, and changes meanwhile.
const READINGS: u32 = 4;

/// Whether the parts of an answer belong together: only those of one request, or of one point in
/// time, show one state.
#[derive(Debug, Default)]
pub(super) struct Together {
    parts: u32,
}

impl Together {
    /// Another part, of a state of its own.
    pub(super) const fn add_part(&mut self) {
        self.parts = self.parts.saturating_add(1);
    }
}

/// What `read` finds. Where it takes parts that are of several states, it is read until it is
/// found the same twice in a row: then it did not change from part to part.
///
/// # Errors
/// [`Failure::Changed`] when it was another one each time.
pub(super) fn in_one_state<T: PartialEq>(
    mut read: impl FnMut(&mut Together) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let mut together = Together::default();
    let mut found = read(&mut together)?;
    if together.parts <= 1 {
        return Ok(found);
    }
    for _ in 1..READINGS {
        let again = read(&mut Together::default())?;
        if again == found {
            return Ok(found);
        }
        found = again;
    }
    Err(Failure::Changed(
        "it was another one each time it was read, in several requests; a point in time would \
         show one state (the right indices:data/read/point_in_time/*)"
            .to_owned(),
    ))
}

/// An open point in time.
#[derive(Debug, Deserialize)]
pub(super) struct PointInTime {
    pit_id: String,
}

impl PointInTime {
    /// Opens one; `None` where that right or feature is missing. Then what every page says about the
    /// whole has to be compared, or the whole is read twice ([`in_one_state`]).
    pub(super) fn open(
        client: &Client,
        call: &Call,
        target: &str,
    ) -> Result<Option<Self>, Failure> {
        let path = path(target, KEEP_ALIVE);
        let request = Request { method: Method::POST, ..Request::get(path) };
        let opened = match (client.json(call, &request), anywhere(&request)) {
            (Err(failure), Some(request)) if is_refused(&failure) => client.json(call, &request),
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

/// The path that opens a point in time, which must cover all shards.
fn path(names: &str, keep_alive: &str) -> String {
    let names = escape(names);
    format!(
        "/{names}/_search/point_in_time?keep_alive={keep_alive}\
         &allow_partial_pit_creation=false{PRIMARIES}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_several_parts_must_be_the_same_twice() {
        let read = |parts: u32, states: &'static [u8]| {
            let mut states = states.iter();
            let found = in_one_state(|together| {
                for _ in 0..parts {
                    together.add_part();
                }
                Ok(*states.next().expect("no more readings than that"))
            });
            (found.ok(), states.len())
        };
        assert_eq!(read(0, &[1]), (Some(1), 0));
        assert_eq!(read(1, &[1, 2]), (Some(1), 1));
        assert_eq!(read(2, &[1, 1, 2]), (Some(1), 1));
        assert_eq!(read(2, &[1, 2, 2, 3]), (Some(2), 1));
        assert_eq!(read(2, &[1, 2, 3, 4, 5]), (None, 1));
    }
}
