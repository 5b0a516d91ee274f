//! Whether to ask for compressed pages.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::settings::Compression;

/// Pages below this say nothing about the network.
const LARGE: u64 = 256 << 10;

/// Decides by measuring: one large page as it is, one compressed, then the quicker way. Several
/// pages are under way at once, so each carries its own [`Way`].
#[derive(Debug)]
pub(super) struct Chooser(Mutex<State>);

/// How one answer came.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Whether it was asked to be compressed.
    pub(super) asked: bool,
    /// Whether it was.
    pub(super) zipped: bool,
    /// When the request was sent.
    pub(super) sent: Instant,
}

#[derive(Debug, Clone, Copy)]
enum State {
    Decided(bool),
    /// Nothing measured yet: the first page comes as it is.
    Plain,
    /// Bytes per second of a plain page; the next one comes compressed.
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

    /// A page of so many bytes, unpacked, is here.
    pub(super) fn measured(&self, way: Way, bytes: u64) {
        self.learn(way.asked, way.zipped, bytes, way.sent.elapsed());
    }

    fn learn(&self, asked: bool, zipped: bool, bytes: u64, took: Duration) {
        if bytes < LARGE || took.is_zero() {
            return;
        }
        let rate = bytes as f64 / took.as_secs_f64();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match *state {
            State::Plain if !asked => State::Zipped(rate),
            // Not compressed although asked for: the server does not do it.
            State::Zipped(plain) if asked => State::Decided(zipped && rate > plain),
            // Another plain page that was under way already, or a decision.
            state => state,
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

    const PAGE: u64 = 1 << 20;

    fn chooser() -> Chooser {
        Chooser::new(Compression::Auto, &["https://search:9200".to_owned()])
    }

    fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_quicker_way_wins() {
        for (zipped_took, wanted) in [(50, true), (200, false)] {
            let chooser = chooser();
            assert!(!chooser.wanted());
            chooser.learn(false, false, 10, millis(1));
            assert!(!chooser.wanted(), "too small to tell");
            chooser.learn(false, false, PAGE, millis(100));
            assert!(chooser.wanted());
            chooser.learn(true, true, PAGE, millis(zipped_took));
            assert_eq!(chooser.wanted(), wanted);
        }
    }

    #[test]
    fn pages_under_way_at_once_count_for_the_way_they_were_asked_for() {
        for (zipped_took, wanted) in [(60, true), (200, false)] {
            let chooser = chooser();
            chooser.learn(false, false, PAGE, millis(100));
            // Now a compressed one is under way, beside two plain ones.
            assert!(chooser.wanted());
            chooser.learn(false, false, PAGE, millis(110));
            assert!(chooser.wanted(), "a plain page that was asked for before says nothing");
            chooser.learn(true, true, PAGE, millis(zipped_took));
            assert_eq!(chooser.wanted(), wanted);
            chooser.learn(false, false, PAGE, millis(1));
            chooser.learn(true, true, PAGE, millis(1_000));
            assert_eq!(chooser.wanted(), wanted, "what is decided stays so");
        }
    }

    #[test]
    fn a_server_that_does_not_compress_is_not_asked_to() {
        let chooser = chooser();
        chooser.learn(false, false, PAGE, millis(100));
        assert!(chooser.wanted());
        chooser.learn(true, false, PAGE, millis(10));
        assert!(!chooser.wanted());
    }

    #[test]
    fn the_loopback_needs_no_measurement() {
        let chooser = Chooser::new(Compression::Auto, &["http://127.0.0.1:9200".to_owned()]);
        assert!(!chooser.wanted());
        chooser.learn(false, false, PAGE, millis(1));
        assert!(!chooser.wanted());
    }
}
