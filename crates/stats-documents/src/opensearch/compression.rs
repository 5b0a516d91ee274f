//! Whether to ask for compressed pages.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::settings::Compression;

/// Pages below this say nothing about the network.
const LARGE: u64 = 256 << 10;

/// Decides by measuring: one large page as it is, one compressed, then the quicker way.
///
/// Several pages are under way at once. A page counts only for the way that it was asked for, from
/// the instant its request was sent. One thread sends a request, reads the answer and tells how
/// long it was; until then what it asked for is remembered under its name.
#[derive(Debug)]
pub(super) struct Chooser(Mutex<Choice>);

#[derive(Debug)]
struct Choice {
    state: State,
    /// What each thread asked for, and when; only while nothing is decided.
    asked: HashMap<ThreadId, (bool, Instant)>,
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
        Self(Mutex::new(Choice { state, asked: HashMap::new() }))
    }

    /// Whether the large answer to the request that this thread sends now should be compressed.
    pub(super) fn wanted(&self) -> bool {
        self.lock().ask(thread::current().id(), Instant::now())
    }

    /// The page that this thread asked for last had so many bytes, unpacked, and was compressed on
    /// the way or not.
    pub(super) fn measured(&self, zipped: bool, bytes: u64) {
        self.lock().learn(thread::current().id(), zipped, bytes, Instant::now());
    }

    fn lock(&self) -> MutexGuard<'_, Choice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Choice {
    fn ask(&mut self, who: ThreadId, now: Instant) -> bool {
        let wanted = match self.state {
            State::Decided(wanted) => return wanted,
            State::Plain => false,
            State::Zipped(_) => true,
        };
        self.asked.insert(who, (wanted, now));
        wanted
    }

    fn learn(&mut self, who: ThreadId, zipped: bool, bytes: u64, now: Instant) {
        let Some((asked, sent)) = self.asked.remove(&who) else { return };
        let took = now.saturating_duration_since(sent);
        if bytes < LARGE || took < Duration::from_micros(1) {
            return;
        }
        let rate = bytes as f64 / took.as_secs_f64();
        self.state = match self.state {
            State::Plain if !asked => State::Zipped(rate),
            // Not compressed although asked for: the server does not do it.
            State::Zipped(plain) if asked => State::Decided(zipped && rate > plain),
            // Another plain page that was under way already, or a decision.
            state => state,
        };
        if matches!(self.state, State::Decided(_)) {
            self.asked = HashMap::new();
        }
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

    /// Threads, and the time that passes.
    struct Stage {
        chooser: Chooser,
        threads: Vec<ThreadId>,
        now: Instant,
    }

    impl Stage {
        fn new() -> Self {
            let chooser = Chooser::new(Compression::Auto, &["https://search:9200".to_owned()]);
            let thread = || thread::spawn(|| thread::current().id()).join().unwrap();
            Self { chooser, threads: (0..4).map(|_| thread()).collect(), now: Instant::now() }
        }

        fn ask(&self, thread: usize) -> bool {
            self.chooser.lock().ask(self.threads[thread], self.now)
        }

        fn wait(&mut self, millis: u64) {
            self.now += Duration::from_millis(millis);
        }

        fn learn(&self, thread: usize, zipped: bool, bytes: u64) {
            self.chooser.lock().learn(self.threads[thread], zipped, bytes, self.now);
        }

        /// One page from beginning to end.
        fn page(&mut self, zipped: bool, bytes: u64, millis: u64) {
            assert_eq!(self.ask(0), zipped);
            self.wait(millis);
            self.learn(0, zipped, bytes);
        }
    }

    #[test]
    fn the_quicker_way_wins() {
        for (zipped_took, wanted) in [(50, true), (200, false)] {
            let mut stage = Stage::new();
            stage.page(false, 10, 1);
            stage.page(false, PAGE, 100);
            stage.page(true, PAGE, zipped_took);
            assert_eq!(stage.ask(0), wanted);
        }
    }

    #[test]
    fn pages_under_way_at_once_count_for_the_way_they_were_asked_for() {
        for (zipped_took, wanted) in [(60, true), (200, false)] {
            let mut stage = Stage::new();
            assert!(!stage.ask(0) && !stage.ask(1) && !stage.ask(2));
            stage.wait(100);
            stage.learn(0, false, PAGE);
            // Now a compressed one is under way, beside two plain ones.
            assert!(stage.ask(3));
            stage.wait(10);
            stage.learn(1, false, PAGE);
            assert!(stage.ask(1), "a plain page that was asked for before says nothing");
            stage.wait(zipped_took - 10);
            stage.learn(3, true, PAGE);
            assert_eq!(stage.ask(0), wanted);
            stage.learn(2, false, PAGE);
            stage.learn(1, true, PAGE);
            assert_eq!(stage.ask(0), wanted, "what is decided stays so");
            assert!(stage.chooser.lock().asked.is_empty());
        }
    }

    #[test]
    fn a_server_that_does_not_compress_is_not_asked_to() {
        let mut stage = Stage::new();
        stage.page(false, PAGE, 100);
        assert!(stage.ask(0));
        stage.wait(10);
        stage.learn(0, false, PAGE);
        assert!(!stage.ask(0));
    }

    #[test]
    fn the_loopback_needs_no_measurement() {
        let chooser = Chooser::new(Compression::Auto, &["http://127.0.0.1:9200".to_owned()]);
        assert!(!chooser.wanted());
        chooser.measured(false, PAGE);
        assert!(!chooser.wanted());
    }
}
