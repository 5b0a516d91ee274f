//! Everything that outlives processes, in one place: documents, responses, the lock, messages.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::SignedDuration;
use stats_cache::{EntryDescription, Memory, UpdateMark};
use stats_jobs::{Message, TaskResult};

use super::library::Library;
use super::random::Random;
use super::truth::Truth;

/// How long a lease lasts unless it is renewed.
pub(super) const LEASE: Duration = Duration::from_secs(60);

/// The lock of bulk runs, as it is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) token: String,
    pub(super) ends: Duration,
}

/// A lease as a process knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) token: String,
    /// Whether it is its own, and not that of a run that it works for.
    pub(super) own: bool,
    pub(super) until: Duration,
}

/// A message of the queue.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) number: u64,
    pub(super) message: Message,
    /// Nobody gets it before: it is on its way, or in somebody's hand.
    pub(super) from: Duration,
    pub(super) redelivered: bool,
}

/// An entry of the store.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) description: EntryDescription,
    pub(super) body: Vec<u8>,
}

/// How a process is set up; another one after each deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Setup {
    /// Which of the configurations of subcounts.
    pub(super) configuration: usize,
    pub(super) optimize: bool,
}

/// How often what was done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    /// Responses that were written.
    pub(super) written: u64,
    /// Those that stood already, made from the same.
    pub(super) in_vain: u64,
    /// Writes that were refused because the run had lost the lock.
    pub(super) refused: u64,
    /// Shelves that workers made for a run.
    pub(super) errands: u64,
}

impl Counts {
    pub(super) fn add(&mut self, more: Self) {
        self.written += more.written;
        self.in_vain += more.in_vain;
        self.refused += more.refused;
        self.errands += more.errands;
    }
}

pub(super) struct State {
    pub(super) library: Library,
    pub(super) store: BTreeMap<String, Stored>,
    pub(super) memory: Memory,
    pub(super) marks: BTreeMap<(String, i16), UpdateMark>,
    pub(super) lock: Option<Held>,
    /// The token of the run that began to write last.
    pub(super) fence: Option<String>,
    pub(super) leases: BTreeMap<usize, Known>,
    pub(super) tokens: u64,
    pub(super) queue: VecDeque<Waiting>,
    pub(super) messages: u64,
    pub(super) results: BTreeMap<String, TaskResult>,
    pub(super) setup: Setup,
    /// Whether entries vanish: that is found when everything is compared.
    pub(super) evicts: bool,
    /// How far the clock of each place is wrong.
    pub(super) skew: Vec<SignedDuration>,
    /// Until when what does not answer.
    pub(super) down: BTreeMap<&'static str, Duration>,
    pub(super) truth: Truth,
    pub(super) counts: Counts,
    /// What did not hold.
    pub(super) wrong: Option<String>,
}

impl State {
    pub(super) fn new(random: &mut Random, places: usize) -> Self {
        Self {
            library: Library::new(random),
            store: BTreeMap::new(),
            memory: Memory::default(),
            marks: BTreeMap::new(),
            lock: None,
            fence: None,
            leases: BTreeMap::new(),
            tokens: 0,
            queue: VecDeque::new(),
            messages: 0,
            results: BTreeMap::new(),
            setup: Setup { configuration: 0, optimize: random.below(2) == 0 },
            evicts: true,
            skew: vec![SignedDuration::ZERO; places],
            down: BTreeMap::new(),
            truth: Truth::default(),
            counts: Counts::default(),
            wrong: None,
        }
    }

    /// Whether a port does not answer at all; `point` begins with its name.
    pub(super) fn is_down(&self, point: &str, now: Duration) -> bool {
        let of_it = |(name, until): (&&str, &Duration)| point.starts_with(*name) && now < *until;
        self.down.iter().any(of_it)
    }

    /// Whether the run with this token holds the lock.
    pub(super) fn holds(&self, token: &str, now: Duration) -> bool {
        self.lock.as_ref().is_some_and(|held| held.token == token && held.ends > now)
    }

    /// Renews the lease that the process of a place knows, as a thread of it would: unless it was stopped
    /// for too long.
    pub(super) fn keep_lease(&mut self, place: usize, now: Duration) {
        let Some(known) = self.leases.get(&place) else { return };
        if known.until <= now || known.until > now + LEASE * 2 / 3 {
            return;
        }
        let (token, own) = (known.token.clone(), known.own);
        let holds = self.holds(&token, now);
        if let Some(held) = self.lock.as_mut().filter(|_| own && holds) {
            held.ends = now + LEASE;
        }
        if let Some(known) = self.leases.get_mut(&place) {
            known.until = if holds { now + LEASE } else { now };
        }
    }
}
