//! What it costs to keep a large matrix: its cold start, a look while nothing happens, a look after a few
//! communities changed, and the memory of all of it. The source is simulated, the store is a real file.
//!
//! ```sh
//! cargo bench -p stats-service --bench keeper -- [COMMUNITIES] [YEARS]
//! ```
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops when it cannot go on"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use stats_cache::{CacheStore, SqliteOptions, SqliteStore};
use stats_documents::{
    Changes, Directory, Document, Documents, Feed, Pulse, ShelfFilter, Source, SourceError, Visit,
};
use stats_model::{
    Bookmark, Clock, Community, Day, DeletionStatus, DocumentKind, Fingerprint, ManifestEntry,
    ManualClock, Position, PositionMark, Shelf, Visibility,
};
use stats_service::{
    CachedResponseService, KeepRules, Keeper, Look, Pool, RememberedDirectory, Run,
    ServiceSettings, Stop,
};
use stats_testkit::fixtures;
use tempfile::TempDir;

/// The last year of the matrix.
const LAST: i16 = 2025;
/// So many communities change at once.
const CHANGED: u64 = 10;

/// A source of which every shelf holds one document; `changes` writes it anew on some of them.
struct Simulated {
    communities: Vec<String>,
    years: i16,
    /// How often communities changed, all in all.
    changes: AtomicU64,
    documents: BTreeMap<DocumentKind, Vec<u8>>,
}

impl Simulated {
    fn new(communities: usize, years: i16) -> Self {
        let id = |number: usize| format!("{number:08x}-0000-4000-8000-000000000000");
        let mut communities: Vec<String> = (0..communities).map(id).collect();
        communities.push("global".to_owned());
        let documents = DocumentKind::ALL.map(|kind| (kind, document(kind)));
        Self { communities, years, changes: AtomicU64::new(0), documents: documents.into() }
    }

    fn mark(&self) -> Position {
        // The number of the last change, which is on one of the shelves.
        let sequence = match self.changes.load(Ordering::Relaxed) {
            0 => self.communities.len() as u64 - 1,
            changes => 1_000_000 + changes - 1,
        };
        Position(vec![PositionMark::written("simulated", sequence)])
    }

    fn fingerprint(&self, number: usize, year: i16) -> Fingerprint {
        let changed = year == LAST && (number as u64) < self.changes.load(Ordering::Relaxed);
        let sequence = number as u64 + u64::from(changed) * 1_000_000;
        Fingerprint { count: 1, max: sequence, sum: sequence }
    }

    fn number(&self, community: &str) -> usize {
        match community.get(..8).and_then(|hex| usize::from_str_radix(hex, 16).ok()) {
            Some(number) => number,
            None => self.communities.len() - 1,
        }
    }
}

/// A real document of a kind.
fn document(kind: DocumentKind) -> Vec<u8> {
    let file = format!("documents/tiny-7/{}-2025.ndjson.gz", kind.alias());
    let line = fixtures::lines(file).unwrap().into_iter().next().unwrap();
    let at = line.find(r#""_source":"#).unwrap() + r#""_source":"#.len();
    line.as_bytes()[at..line.len() - 1].to_vec()
}

impl Documents for Simulated {
    fn position(&self, _: DocumentKind) -> Result<Position, SourceError> {
        Ok(self.mark())
    }

    fn count(&self, _: DocumentKind) -> Result<u64, SourceError> {
        Ok(self.communities.len() as u64)
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        let named: Vec<usize> = match filter.communities.as_slice() {
            [] => (0..self.communities.len()).collect(),
            some => some.iter().map(|community| self.number(community)).collect(),
        };
        let years = LAST - self.years + 1..=LAST;
        let shelves = named.into_iter().flat_map(|number| {
            years.clone().map(move |year| {
                let community = self.communities[number].clone();
                (Shelf { kind, community, year }, self.fingerprint(number, year))
            })
        });
        Ok(shelves.filter(|(shelf, _)| filter.matches(shelf)).collect())
    }

    fn manifest(&self, _: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        Ok(Vec::new())
    }

    fn documents(
        &self,
        shelf: &Shelf,
        _: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let number = self.number(&shelf.community);
        let day = format!("{}-06-01", shelf.year).parse().unwrap();
        let sequence = self.fingerprint(number, shelf.year).max;
        let source = self.documents[&shelf.kind].as_slice();
        let _ = visit(Document { id: "one", day, sequence, source });
        Ok(())
    }

    fn bookmarks(
        &self,
        _: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        let day: Day = "2025-12-31".parse().unwrap();
        let all = if communities.is_empty() { &self.communities } else { communities };
        Ok(all.iter().map(|community| (community.clone(), Bookmark { day })).collect())
    }
}

impl Feed for Simulated {
    fn changed_since(&self, _: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        if *since == self.mark() {
            return Ok(Changes::Communities(BTreeSet::new()));
        }
        Ok(Changes::Everything)
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        Ok(Pulse { documents: self.mark(), ..Pulse::default() })
    }
}

impl Directory for Simulated {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        let community = |id: &String| Community {
            id: id.clone(),
            slug: Some(format!("community-{}", &id[..8])),
            title: None,
            created: format!("{}-01-01", LAST - self.years + 1).parse().ok(),
            visibility: Visibility::Public,
            deletion: DeletionStatus::Published,
            dashboard_enabled: Some(true),
            dashboard_layout: None,
        };
        Ok(self.communities.iter().filter(|id| *id != "global").map(community).collect())
    }

    fn first_events(&self, _: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        Ok(BTreeMap::new())
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        Ok(format!("{}-01-01", LAST - self.years + 1).parse().ok())
    }
}

fn keeper(source: &Arc<Simulated>, store: &Arc<SqliteStore>, clock: &Arc<ManualClock>) -> Keeper {
    let directory = Arc::new(RememberedDirectory::new(Arc::clone(source) as _));
    let service = CachedResponseService::new(
        Source { documents: Arc::clone(source) as _, directory: Arc::clone(&directory) as _ },
        Arc::clone(store) as Arc<dyn CacheStore>,
        Arc::clone(clock) as Arc<dyn Clock>,
        ServiceSettings::default(),
    );
    Keeper::new(Arc::new(service), directory, KeepRules::default())
}

/// The most memory that this process ever had, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Begins to count the peak anew, where the system allows it.
fn forget_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let result = work();
    println!("{what:<40} {:>12.3} ms", begun.elapsed().as_secs_f64() * 1000.0);
    result
}

fn make(keeper: &mut Keeper, look: &Look) -> u64 {
    let Look::Work(work) = look else { return 0 };
    let run = &mut Run {
        hands: &Pool,
        workers: 2,
        most: None,
        stop: Stop::default(),
        progress: &mut |_| (),
    };
    let summary = keeper.make(work, run).unwrap();
    assert_eq!(summary.errors.len(), 0, "{:?}", summary.errors.first());
    assert_eq!(summary.waiting.len(), 0, "{:?}", summary.waiting.first());
    summary.success
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|it| it.parse().ok()).collect();
    let communities = numbers.first().copied().unwrap_or(15_000);
    let years = numbers.get(1).map_or(3, |years| i16::try_from(*years).unwrap());
    let folder = TempDir::new().unwrap();
    let clock = Arc::new(ManualClock::new("2025-12-31T12:00:00Z".parse().unwrap()));
    let file = folder.path().join("cache.db");
    let store = SqliteStore::open_with(file, SqliteOptions::default(), Arc::clone(&clock) as _);
    let store = Arc::new(store.unwrap());
    let source = Arc::new(Simulated::new(communities, years));
    println!("{communities} communities and global, {years} years");

    let mut first = keeper(&source, &store, &clock);
    let made = timed("everything made", || {
        let look = first.look(false).unwrap();
        make(&mut first, &look)
    });
    println!("{:<40} {made:>12}", "responses");
    drop(first);

    forget_peak();
    let mut keeper = keeper(&source, &store, &clock);
    let look = timed("cold start of the matrix", || keeper.look(false).unwrap());
    assert!(matches!(look, Look::Nothing(_)), "everything stands");
    const LOOKS: u32 = 1000;
    let begun = Instant::now();
    for _ in 0..LOOKS {
        assert_eq!(keeper.look(false).unwrap(), Look::Quiet);
    }
    let each = begun.elapsed() / LOOKS;
    println!("{:<40} {:>12.3} ms", "a look while nothing happens", each.as_secs_f64() * 1000.0);
    source.changes.fetch_add(CHANGED, Ordering::Relaxed);
    let look = timed("a look after ten communities changed", || keeper.look(false).unwrap());
    let made = timed("what follows made", || make(&mut keeper, &look));
    println!("{:<40} {made:>12}", "responses");
    println!("{:<40} {:>12} MB", "most memory since the cold start", peak());
}
