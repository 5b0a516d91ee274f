//! Generation from a real OpenSearch node, against a minimal client that fetches the same shelves
//! and throws them away, on the same node in the same run; and what it costs to learn that nothing
//! changed.
//!
//! `cargo bench -p community-stats --bench live [-- COMMUNITIES]` (100 MB each; 2 by default)
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use community_stats::service::{
    CachedResponseService, Communities, Request, Run, ServiceSettings, Years,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use stats_cache::{Clock, ManualClock, SqliteOptions, SqliteStore};
use stats_documents::{
    Archive, ArchiveOptions, DocumentSource, Mirror, MirrorOptions, OpenSearch, OpenSearchSettings,
    ShelfFilter,
};
use stats_series::{Category, DocumentKind, FloatStyle, Layouts, SeriesConfig};
use stats_testkit::measure::timed;
use stats_testkit::proxy::HttpProxy;
use stats_testkit::{corpus, http, services};

const ITEMS: usize = 20;
const ROUNDS: usize = 3;
const THREADS: std::ops::RangeInclusive<usize> = 1..=4;

fn main() {
    let communities = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(2);
    let node = services::OpenSearch::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    generation(&node, folder.path(), communities);
    nothing_changed(&node, folder.path());
}

fn generation(node: &services::OpenSearch, folder: &Path, communities: u32) {
    let prefix = node.prefix().unwrap();
    let mut bytes = 0;
    for community in 0..communities {
        let kinds = DocumentKind::ALL.map(DocumentKind::name);
        let export = corpus::export(&kinds, ITEMS, 365, community);
        bytes += export.len();
        node.load(&prefix, export.lines()).unwrap();
    }
    println!("corpus: {:.0} MB, {communities} communities, one year, all kinds", mega(bytes));
    println!("best of {ROUNDS} rounds and of 1 to 4 threads, for each\n");

    let fetched = AtomicUsize::new(0);
    let minimal = best(|threads| {
        fetched.store(0, Ordering::Relaxed);
        timed(|| fetch_all(node, &prefix, communities, threads, &fetched))
    });
    println!("minimal client: {:.2} s ({:.0} MB)", seconds(minimal), mega(fetched.into_inner()));

    let names = Names { folder, next: AtomicU32::new(0) };
    for (name, optimize) in [("optimised", true), ("all metrics", false)] {
        let last = Mutex::new(PathBuf::new());
        let cold = best(|threads| {
            let mirror = names.next("mirror");
            *last.lock().unwrap() = mirror.clone();
            let source = Arc::new(OpenSearch::new(settings(node.url(), &prefix)).unwrap());
            let archive = Archive::open(mirror, ArchiveOptions::default()).unwrap();
            let mirror = Mirror::new(source, archive, MirrorOptions::default());
            let service = service(Arc::new(mirror), &names.next("store"), optimize);
            timed(|| generate(&service, threads, communities))
        });
        let kept = last.into_inner().unwrap();
        let open = || Archive::open(&kept, ArchiveOptions::default()).unwrap();
        let source = Arc::new(OpenSearch::new(settings(node.url(), &prefix)).unwrap());
        Mirror::new(source, open(), MirrorOptions::default()).sync_surroundings().unwrap();
        let again = best(|threads| {
            let mirror = Mirror::offline(open());
            let service = service(Arc::new(mirror), &names.next("store"), optimize);
            timed(|| generate(&service, threads, communities))
        });
        println!(
            "{name}: cold {:.2} s, {:.2} times the minimal client; from the mirror {:.2} s, {:.1} \
             times faster",
            seconds(cold),
            seconds(cold) / seconds(minimal),
            seconds(again),
            seconds(cold) / seconds(again),
        );
    }
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

struct Names<'a> {
    folder: &'a Path,
    next: AtomicU32,
}

impl Names<'_> {
    fn next(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}-{}.db", self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

fn best(mut subject: impl FnMut(usize) -> Duration) -> Duration {
    let rounds = (0..ROUNDS).flat_map(|_| THREADS);
    rounds.map(&mut subject).min().unwrap_or_default()
}

fn settings(url: &str, prefix: &str) -> OpenSearchSettings {
    OpenSearchSettings::new([url], prefix)
}

fn service(source: Arc<dyn DocumentSource>, store: &Path, optimize: bool) -> CachedResponseService {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
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
    };
    CachedResponseService::new(source, Arc::new(store), clock, settings)
}

fn generate(service: &CachedResponseService, workers: usize, communities: u32) {
    let request = Request {
        communities: Communities::Named((0..communities).map(corpus::community).collect()),
        years: Years::Named(vec![2025]),
        ..Request::default()
    };
    let cancel = AtomicBool::new(false);
    let mut run = Run { workers, cancel: &cancel, progress: &mut |_| {} };
    let summary = service.create(&request, &mut run).unwrap();
    assert_eq!((summary.success, summary.failed), (u64::from(communities) * 4, 0));
}

/// Every shelf once, by as many threads as told.
fn fetch_all(
    node: &services::OpenSearch,
    prefix: &str,
    communities: u32,
    threads: usize,
    fetched: &AtomicUsize,
) {
    let shelves: Vec<(DocumentKind, u32)> = (0..communities)
        .flat_map(|community| DocumentKind::ALL.map(|kind| (kind, community)))
        .collect();
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((kind, community)) =
                    shelves.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let bytes = fetch(node, prefix, *kind, &corpus::community(*community));
                    fetched.fetch_add(bytes, Ordering::Relaxed);
                }
            });
        }
    });
}

/// A year of one community in pages of about 8 MB, read and thrown away.
fn fetch(node: &services::OpenSearch, prefix: &str, kind: DocumentKind, community: &str) -> usize {
    const PAGE: usize = 80;
    let url = format!("{}/{prefix}{}/_search", node.url(), kind.alias());
    let (mut after, mut total): (Option<Value>, usize) = (None, 0);
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
        total += page.len();
        let sort = b"\"sort\":";
        let Some(at) = page.windows(sort.len()).rposition(|window| window == sort) else {
            return total;
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
