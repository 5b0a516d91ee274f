//! Generation from a real OpenSearch node, against a minimal client that fetches the same shelves
//! and throws them away, on the same node in the same run; and what it costs to learn that nothing
//! changed. Once the node and the program share two cores; once each has one of its own, as on
//! machines of their own.
//!
//! `cargo bench -p community-stats --bench live [-- COMMUNITIES]` (100 MB each; 2 by default)
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde_json::{Value, json};
use stats_cache::{SqliteOptions, SqliteStore};
use stats_documents::{
    Archive, ArchiveOptions, Mirror, MirrorOptions, OpenSearch, OpenSearchSettings, ShelfFilter,
    Source,
};
use stats_model::{Category, Clock, DocumentKind, ManualClock};
use stats_series::{FloatStyle, Layouts, SeriesConfig};
use stats_service::{
    CachedResponseService, Communities, CommunityName, Pool, Request, Run, ServiceSettings, Stop,
    Years,
};
use stats_testkit::measure::{processor_time, timed};
use stats_testkit::proxy::HttpProxy;
use stats_testkit::{corpus, http, services};
use tempfile::TempDir;

const ITEMS: usize = 20;
const ROUNDS: usize = 6;
const THREADS: std::ops::RangeInclusive<usize> = 1..=6;

fn main() {
    let communities = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(2);
    let folder = tempfile::tempdir().unwrap();
    println!("best of {ROUNDS} rounds and of 1 to 6 threads, for each; seconds\n");
    let node = services::OpenSearch::start().unwrap();
    println!("two cores for the node and the program together");
    generation(&node, folder.path(), communities);
    nothing_changed(&node, folder.path());
    drop(node);

    let [first, second] = two_cores();
    let node = services::OpenSearch::start_on(first).unwrap();
    run_on(second);
    println!("\none core for the node, one for the program");
    generation(&node, folder.path(), communities);
}

/// The first two cores that this process may use.
fn two_cores() -> [usize; 2] {
    let allowed = sched_getaffinity(None).unwrap();
    let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
    [cores.next().unwrap(), cores.next().expect("two cores")]
}

/// Keeps this thread, and those that it starts from now on, on one core.
fn run_on(core: usize) {
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only).unwrap();
}

fn generation(node: &services::OpenSearch, folder: &Path, communities: u32) {
    let prefix = node.prefix().unwrap();
    load(node, &prefix, communities);
    let bench = Bench { node, prefix, communities, folder: tempfile::tempdir_in(folder).unwrap() };
    let [minimal, cold, cold_all, mirror, mirror_all] = best_of_rounds(&bench);
    println!("{:<28}{:>8}{:>12}{:>12}", "", "wall", "program cpu", "node cpu");
    let rows = [
        ("minimal client", minimal),
        ("optimised, cold", cold),
        ("all metrics, cold", cold_all),
        ("optimised, from the mirror", mirror),
        ("all metrics, from the mirror", mirror_all),
    ];
    for (name, Taken { wall, program, node }) in rows {
        println!(
            "{name:<28}{:>8.3}{:>12.2}{:>12.2}",
            seconds(wall),
            seconds(program),
            seconds(node)
        );
    }
    let ratio = |one: Taken, other: Taken| seconds(one.wall) / seconds(other.wall);
    println!(
        "cold to minimal: optimised {:.2}, all metrics {:.2}; cold to mirror: optimised {:.1}, all \
         metrics {:.1}",
        ratio(cold, minimal),
        ratio(cold_all, minimal),
        ratio(cold, mirror),
        ratio(cold_all, mirror_all),
    );
}

/// Puts a year of every community into the node.
fn load(node: &services::OpenSearch, prefix: &str, communities: u32) {
    let mut bytes = 0;
    for community in 0..communities {
        let kinds = DocumentKind::ALL.map(DocumentKind::name);
        let export = corpus::export(&kinds, ITEMS, 365, community);
        bytes += export.len();
        node.load(prefix, export.lines()).unwrap();
    }
    println!("corpus: {:.0} MB, {communities} communities, one year, all kinds", mega(bytes));
}

/// The minimal client; from nothing, optimised and with all metrics; and both from a mirror.
fn best_of_rounds(bench: &Bench<'_>) -> [Taken; 5] {
    let kept = [true, false].map(|optimize| bench.mirror(optimize));
    let mut best: [Option<Taken>; 5] = [None; 5];
    for _ in 0..ROUNDS {
        for threads in THREADS {
            let taken = [
                bench.taken(|| bench.fetch_all(threads)),
                bench.cold(true, threads),
                bench.cold(false, threads),
                bench.again(&kept[0], true, threads),
                bench.again(&kept[1], false, threads),
            ];
            for (best, taken) in best.iter_mut().zip(taken) {
                *best = Some(best.map_or(taken, |best| best.faster(taken)));
            }
        }
    }
    best.map(|best| best.unwrap())
}

/// What a subject took.
#[derive(Clone, Copy)]
struct Taken {
    wall: Duration,
    /// Processor time of this process.
    program: Duration,
    /// Processor time of the node.
    node: Duration,
}

impl Taken {
    fn faster(self, other: Self) -> Self {
        if other.wall < self.wall { other } else { self }
    }
}

struct Bench<'a> {
    node: &'a services::OpenSearch,
    prefix: String,
    communities: u32,
    folder: TempDir,
}

impl Bench<'_> {
    fn taken(&self, subject: impl FnOnce()) -> Taken {
        let (node, program) = (node_time(self.node), processor_time());
        let wall = timed(subject);
        Taken { wall, program: processor_time() - program, node: node_time(self.node) - node }
    }

    fn source(&self) -> OpenSearch {
        OpenSearch::new(settings(self.node.url(), &self.prefix)).unwrap()
    }

    /// From an empty mirror and an empty store.
    fn cold(&self, optimize: bool, threads: usize) -> Taken {
        let folder = tempfile::tempdir_in(&self.folder).unwrap();
        self.cold_in(folder.path(), optimize, threads)
    }

    fn cold_in(&self, folder: &Path, optimize: bool, threads: usize) -> Taken {
        let archive = Archive::open(mirror_in(folder), ArchiveOptions::default()).unwrap();
        let mirror = Mirror::new(Arc::new(self.source()), archive, MirrorOptions::default());
        let service = service(Arc::new(mirror), folder, optimize);
        self.taken(move || {
            generate(&service, threads, self.communities);
            // Closing the files takes its time, too.
            drop(service);
        })
    }

    /// A mirror to work from, filled.
    fn mirror(&self, optimize: bool) -> TempDir {
        let folder = tempfile::tempdir_in(&self.folder).unwrap();
        self.cold_in(folder.path(), optimize, 2);
        let archive = Archive::open(mirror_in(folder.path()), ArchiveOptions::default()).unwrap();
        let mirror = Mirror::new(Arc::new(self.source()), archive, MirrorOptions::default());
        mirror.sync(&ShelfFilter::default(), 1, &AtomicBool::new(false), &|_, _| {}).unwrap();
        folder
    }

    fn again(&self, kept: &TempDir, optimize: bool, threads: usize) -> Taken {
        let folder = tempfile::tempdir_in(&self.folder).unwrap();
        let archive = Archive::open(mirror_in(kept.path()), ArchiveOptions::default()).unwrap();
        let service = service(Arc::new(Mirror::offline(archive)), folder.path(), optimize);
        self.taken(move || {
            generate(&service, threads, self.communities);
            drop(service);
        })
    }

    /// Every shelf once, by as many threads as told.
    fn fetch_all(&self, threads: usize) {
        let shelves: Vec<(DocumentKind, u32)> = (0..self.communities)
            .flat_map(|community| DocumentKind::ALL.map(|kind| (kind, community)))
            .collect();
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some((kind, community)) =
                        shelves.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        fetch(self.node, &self.prefix, *kind, &corpus::community(*community));
                    }
                });
            }
        });
    }
}

fn mirror_in(folder: &Path) -> PathBuf {
    folder.join("mirror.db")
}

/// Processor time of the node's process so far, in steps of 10 ms.
fn node_time(node: &services::OpenSearch) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", node.pid().unwrap())).unwrap();
    // Behind the name, which may hold anything: state, …, and as 12th and 13th user and system time.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

/// What it costs to learn that nothing changed among 1,000 communities.
fn nothing_changed(node: &services::OpenSearch, folder: &Path) {
    let prefix = node.prefix().unwrap();
    let kinds = DocumentKind::ALL.map(DocumentKind::name);
    let export: String =
        (0..1000).map(|community| corpus::export(&kinds, 1, 2, community)).collect();
    node.load(&prefix, export.lines()).unwrap();
    let proxy = HttpProxy::in_front_of(node.address()).start().unwrap();
    let source = Arc::new(OpenSearch::new(settings(proxy.url(), &prefix)).unwrap());
    let archive = Archive::open(folder.join("thousand.db"), ArchiveOptions::default()).unwrap();
    let options = MirrorOptions { believe: Duration::ZERO, ..MirrorOptions::default() };
    let mirror = Mirror::new(source, archive, options);
    let cancel = AtomicBool::new(false);
    let sync = || mirror.sync(&ShelfFilter::default(), 4, &cancel, &|_, _| {}).unwrap();
    let first = sync();
    println!("\n1,000 communities: {} shelves, {} documents", first.shelves, first.documents);
    sync();
    proxy.clear();
    let begun = Instant::now();
    let again = sync();
    let took = begun.elapsed();
    assert_eq!(again.changed, 0);
    println!(
        "sync with nothing changed: {} requests, {:.1} ms",
        proxy.requests().len(),
        seconds(took) * 1e3
    );
}

fn settings(url: &str, prefix: &str) -> OpenSearchSettings {
    OpenSearchSettings::new([url], prefix)
}

fn service(source: impl Into<Source>, folder: &Path, optimize: bool) -> CachedResponseService {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
    let store = folder.join("store.db");
    let store = SqliteStore::open_with(store, SqliteOptions::default(), clock.clone()).unwrap();
    let settings = ServiceSettings {
        prefix: "stats_dashboard".to_owned(),
        lifetime: None,
        categories: Category::UPSTREAM.to_vec(),
        optimize,
        opt_in: true,
        floats: FloatStyle::Plain,
        series: SeriesConfig::default(),
        layouts: Layouts::default(),
        ..ServiceSettings::default()
    };
    CachedResponseService::new(source, Arc::new(store), clock, settings)
}

fn generate(service: &CachedResponseService, workers: usize, communities: u32) {
    let request = Request {
        communities: Communities::Named(
            (0..communities).map(corpus::community).map(CommunityName::Any).collect(),
        ),
        years: Years::Named(vec![2025]),
        ..Request::default()
    };
    let mut run =
        Run { hands: &Pool, workers, most: None, stop: Stop::default(), progress: &mut |_| {} };
    let summary = service.create(&request, &mut run).unwrap();
    assert_eq!((summary.success, summary.failed), (u64::from(communities) * 4, 0));
}

/// A year of one community in pages of about 8 MB, read and thrown away.
fn fetch(node: &services::OpenSearch, prefix: &str, kind: DocumentKind, community: &str) {
    const PAGE: usize = 80;
    let url = format!("{}/{prefix}{}/_search", node.url(), kind.alias());
    let mut after: Option<Value> = None;
    loop {
        let mut body = json!({
            "size": PAGE,
            "track_total_hits": false,
            "query": {"term": {"community_id": community}},
            "sort": [{kind.day_field(): "asc"}],
        });
        if let Some(after) = after {
            body["search_after"] = after;
        }
        let page = http::send("POST", &url, body.to_string().as_bytes()).unwrap().body;
        let sort = b"\"sort\":";
        let Some(at) = page.windows(sort.len()).rposition(|window| window == sort) else {
            return;
        };
        let last = &page[at + sort.len()..];
        after = serde_json::Deserializer::from_slice(last).into_iter().next().transpose().unwrap();
    }
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}
