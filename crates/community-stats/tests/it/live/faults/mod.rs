//! What goes wrong in the middle of a run. In each case the old entry stays, nothing partial is
//! stored, the message names the response and the cause, and the next run repairs.

mod index;
mod lock;
mod redis_server;
mod search;

use serde_json::Value;

use super::corpus::{COMMUNITIES, golden, shelf};
use super::support::{Change, Live, errors};

const QUERY: &str = "usage-delta-category";

/// Which document of each shelf [`Trial::touch_every_shelf`] writes again.
const TOUCHED: usize = 30;

/// An installation with the usage deltas of `tiny-7`, whose four responses stand, made with one
/// choice of metrics (`old`) from documents that the mirror lost. A run with the other choice
/// (`new`) has to fetch and to store everything, and each body tells which run made it.
struct Trial {
    live: Live,
    old: &'static str,
    new: &'static str,
}

impl Trial {
    fn new() -> Option<Self> {
        Live::small("usage_delta").map(Self::on)
    }

    /// The same on an installation of another kind.
    fn on(live: Live) -> Self {
        // Shelves of several pages, and little patience.
        let live = live.set("SOURCE_PAGE_SIZE", "64 KiB").set("SOURCE_MAX_RETRIES", "1");
        let trial = Self { live, old: "full", new: "optimized" };
        let made = trial.run(0);
        assert_eq!(made["success"], 4, "{made}");
        trial.turned()
    }

    /// What is new becomes old.
    fn turned(self) -> Self {
        self.live.forget_documents();
        self.live.cluster.proxy.clear();
        self.assert_all(self.new);
        Self { live: self.live, old: self.new, new: self.old }
    }

    /// Lets the mirror hold everything but one document of each shelf, which has a new number.
    fn touch_every_shelf(&self) {
        let mode = mode(self.old);
        self.live.generate(&["--category", "usage_delta", "--overwrite", mode], 0);
        let line = |community| Change::put(&shelf("usage_delta", community)[TOUCHED]);
        self.live.cluster.write(&COMMUNITIES.map(line));
    }

    /// Makes the new responses.
    fn run(&self, code: i32) -> Value {
        self.live.generate(&["--category", "usage_delta", self.mode()], code)
    }

    /// The option that makes the new responses.
    fn mode(&self) -> &'static str {
        mode(self.new)
    }

    /// A run that fails for some responses, all for a reason that contains `cause`. Returns how
    /// many.
    fn fails(&self, cause: &str) -> usize {
        let failed = self.may_fail(&[cause]);
        assert!(failed > 0, "nothing failed");
        failed
    }

    /// The same with several parts of the reason, or a run that fails for nothing.
    fn may_fail(&self, causes: &[&str]) -> usize {
        let arguments = ["cache", "generate", "--workers", "1", "--json", "--category"];
        let outcome = self.live.run(&[&arguments[..], &["usage_delta", self.mode()]].concat());
        let report = outcome.json();
        let errors = errors(&report);
        outcome.expect(if errors.is_empty() { 0 } else { 3 });
        assert_eq!(report["failed"], errors.len(), "{report}");
        for (cell, error) in &errors {
            assert!(causes.iter().all(|cause| error.contains(cause)), "{cell}: {error}");
        }
        self.assert_old(&errors.iter().map(|(cell, _)| cell.as_str()).collect::<Vec<_>>());
        errors.len()
    }

    /// These responses are still the old ones, and all others are new.
    fn assert_old(&self, cells: &[&str]) {
        for community in COMMUNITIES {
            let is_old = cells.contains(&format!("{community}/2025/{QUERY}").as_str());
            self.assert_body(community, if is_old { self.old } else { self.new });
        }
    }

    fn assert_all(&self, mode: &str) {
        for community in COMMUNITIES {
            self.assert_body(community, mode);
        }
    }

    fn assert_body(&self, community: &str, mode: &str) {
        let body = self.live.store.body(community, QUERY).unwrap_or_default();
        let same = body == golden("usage_delta", community, mode);
        assert!(same, "{community} is not {mode}: {}", String::from_utf8_lossy(&body));
    }

    /// The next run makes everything that is missing.
    fn repaired(self) -> Self {
        self.live.cluster.proxy.clear();
        self.run(0);
        let again = self.run(0);
        assert_eq!(again["skipped_because"]["unchanged"], 4, "{again}");
        assert_eq!(self.live.store.lock(), None);
        assert!(self.live.store.registry().is_empty(), "{:?}", self.live.store.registry());
        self.turned()
    }
}

/// The option for a choice of metrics.
fn mode(name: &str) -> &'static str {
    if name == "full" { "--no-optimize" } else { "--optimize" }
}
