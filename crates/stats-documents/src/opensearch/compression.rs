//! Whether to ask for compressed pages.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::settings::Compression;

/// Pages below this say nothing about the network.
const LARGE: u64 = 256 << 10;

/// Decides by measuring: one large page as it is, one compressed, then the quicker way.
#[derive(Debug)]
pub(super) struct Chooser(Mutex<State>);

#[derive(Debug, Clone, Copy)]
enum State {
    Decided(bool),
    /// Nothing measured yet: the first page comes as it is.
    Plain,
    /// Bytes per second of the first page; the next one comes compressed.
    Zipped(f64),
}

impl Chooser {
    pub(super) fn new<H: AsRef<str>>(setting: Compression, hosts: &[H]) -> Self {
        let state = match setting {
            Compression::On => State::Decided(true),
            Compression::Off => State::Decided(false),
            Compression::Auto if hosts.iter().all(|host| is_loopback(host.as_ref())) => {
                State::Decided(false)
            }
            Compression::Auto => State::Plain,
        };
        Self(Mutex::new(state))
    }

    /// Whether the next large answer should be compressed.
    pub(super) fn wanted(&self) -> bool {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            State::Decided(wanted) => wanted,
            State::Plain => false,
            State::Zipped(_) => true,
        }
    }

    /// A page of so many unpacked bytes took so long, from the request on.
    pub(super) fn measured(&self, zipped: bool, bytes: u64, took: Duration) {
        if bytes < LARGE || took.is_zero() {
            return;
        }
        let rate = bytes as f64 / took.as_secs_f64();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match *state {
            State::Plain if !zipped => State::Zipped(rate),
            State::Zipped(plain) if zipped => State::Decided(rate > plain),
            // The server does not compress although asked to.
            State::Zipped(_) => State::Decided(false),
            other => other,
        };
    }
}

fn is_loopback(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or(url);
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quicker_way_wins() {
        let page = |millis| Duration::from_millis(millis);
        for (zipped_took, wanted) in [(50, true), (200, false)] {
            let chooser = Chooser::new(Compression::Auto, &["https://search:9200".to_owned()]);
            assert!(!chooser.wanted());
            chooser.measured(false, 10, page(1));
            assert!(!chooser.wanted());
            chooser.measured(false, 1 << 20, page(100));
            assert!(chooser.wanted());
            chooser.measured(true, 1 << 20, page(zipped_took));
            assert_eq!(chooser.wanted(), wanted);
        }
    }

    #[test]
    fn the_loopback_needs_no_measurement() {
        let chooser = Chooser::new(Compression::Auto, &["http://127.0.0.1:9200".to_owned()]);
        chooser.measured(false, 1 << 20, Duration::from_millis(1));
        assert!(!chooser.wanted());
    }
}
