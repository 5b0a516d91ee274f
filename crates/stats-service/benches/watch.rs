//! What a process costs that keeps the responses of 1,000 communities beside a real OpenSearch and a real
//! Redis: a look while nothing changes, and the way of one changed document to its new response.
//!
//! `cargo bench -p stats-service --bench watch [-- COMMUNITIES]`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "watch/counted.rs"]
mod counted;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use stats_cache::{
    CacheStore, Endpoint, RedisAddress, RedisClient, RedisLock, RedisOptions, RedisRegistry,
    RedisStore,
};
use stats_documents::{
    Archive, ArchiveOptions, Mirror, MirrorOptions, OpenSearch, OpenSearchSettings, Source,
};
use stats_model::{Clock, DocumentKind, StandingClock};
use stats_service::{
    CachedResponseService, KeepRules, Keeper, Look, Pool, RememberedDirectory, Run,
    ServiceSettings, Stop,
};
use stats_testkit::measure::processor_time;
use stats_testkit::proxy::{HttpProxy, TcpProxy};
use stats_testkit::{corpus, http, services};

use self::counted::Counted;

/// When the corpus is complete; so the current year is its year.
const NOW: &str = "2025-12-31T12:00:00Z";
const DAYS: u32 = 2;
const LOOKS: u32 = 200;
const CHANGES: u32 = 15;

fn main() {
    let communities = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(1000);
    let node = services::OpenSearch::start().unwrap();
    let server = services::Redis::start(&[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut watch = Watch::new(&node, &server, folder.path(), communities);
    watch.begin();
    watch.looks();
    watch.changes();
}

/// A keeper between both servers, and what passes on both ways.
struct Watch<'a> {
    node: &'a services::OpenSearch,
    prefix: String,
    /// In front of the node, for each request and for all bytes.
    requests: HttpProxy,
    bytes: TcpProxy,
    /// In front of Redis.
    stored: TcpProxy,
    documents: Arc<Counted>,
    keeper: Keeper,
}

impl<'a> Watch<'a> {
    fn new(
        node: &'a services::OpenSearch,
        server: &services::Redis,
        folder: &Path,
        communities: u32,
    ) -> Self {
        let prefix = node.prefix().unwrap();
        let kinds = DocumentKind::ALL.map(DocumentKind::name);
        let export: String =
            (0..communities).map(|community| corpus::export(&kinds, 1, DAYS, community)).collect();
        node.load(&prefix, export.lines()).unwrap();
        println!("{communities} communities, {} documents", communities * 4 * DAYS);
        let bytes = TcpProxy::start(node.address()).unwrap();
        let requests = HttpProxy::in_front_of(bytes.address()).start().unwrap();
        let stored = TcpProxy::start(server.address()).unwrap();
        let clock: Arc<dyn Clock> = Arc::new(StandingClock(NOW.parse().unwrap()));
        let cluster = OpenSearch::new(OpenSearchSettings::new([requests.url()], &prefix)).unwrap();
        let cluster = Arc::new(cluster.with_clock(Arc::clone(&clock)));
        let documents = Arc::new(Counted::new(Arc::clone(&cluster) as _));
        let remote = Source { documents: Arc::clone(&documents) as _, directory: cluster };
        let options = ArchiveOptions { track_use: true, ..ArchiveOptions::default() };
        let archive = Archive::open(folder.join("mirror.db"), options).unwrap();
        let mirror = Mirror::new(remote, archive, MirrorOptions::default());
        let mirror = Arc::new(mirror.with_clock(Arc::clone(&clock)));
        let client = client(stored.address());
        let store = Arc::new(RedisStore::open(Arc::clone(&client), "stats_dashboard").unwrap());
        let keeper = keeper(mirror, &store, client, clock);
        Self { node, prefix, requests, bytes, stored, documents, keeper }
    }

    /// Makes everything, and looks until nothing is left to be seen.
    fn begin(&mut self) {
        let begun = Instant::now();
        let look = self.keeper.look(false).unwrap();
        let made = make(&mut self.keeper, &look);
        let seconds = begun.elapsed().as_secs_f64();
        println!("everything made: {made} responses in {seconds:.1} s");
        while self.keeper.look(false).unwrap() != Look::Quiet {}
    }

    fn looks(&mut self) {
        self.requests.clear();
        let (fetched, stored) = (self.bytes.bytes(), self.stored.bytes());
        let (mut each, processor) = (Vec::new(), processor_time());
        for _ in 0..LOOKS {
            let begun = Instant::now();
            assert_eq!(self.keeper.look(false).unwrap(), Look::Quiet);
            each.push(begun.elapsed());
        }
        let processor = (processor_time() - processor) / LOOKS;
        assert_eq!(self.requests.requests().len(), LOOKS as usize, "one request each");
        assert_eq!(self.stored.bytes(), stored, "the store is not spoken to");
        let (sent, received) = between(fetched, self.bytes.bytes());
        println!("\na look while nothing changes, {LOOKS} times");
        println!("{:<40}{:>12}", "requests to the node", 1);
        println!("{:<40}{:>12}", "bytes to and from Redis", 0);
        println!("{:<40}{:>12.2} ms", "time, median", millis(median(each)));
        println!("{:<40}{:>12.2} ms", "processor time, proxies included", millis(processor));
        let looks = u64::from(LOOKS);
        println!("{:<40}{:>12}", "bytes to the node", sent / looks);
        println!("{:<40}{:>12}", "bytes from the node", received / looks);
    }

    /// One document is written anew, again and again, and followed by a look.
    fn changes(&mut self) {
        let kinds = [DocumentKind::UsageDelta.name()];
        let export = corpus::export(&kinds, 1, DAYS, 0);
        let line = export.lines().find(|line| line.contains("usage-delta-2025")).unwrap();
        let id = format!("{}-2025-01-01", corpus::community(0));
        let (_, document) = line.split_once("\"_source\":").unwrap();
        let document = document.strip_suffix('}').unwrap();
        let url = format!(
            "{}/{}stats-community-usage-delta-2025/_doc/{id}?refresh=true",
            self.node.url(),
            self.prefix
        );
        let (mut seen, mut made, mut processor) = (Vec::new(), Vec::new(), Vec::new());
        let mut wire = Vec::new();
        for change in 0..CHANGES {
            let events = format!("\"total_events\":{}", change + 2);
            let text = document.replacen("\"total_events\":1", &events, 1);
            let one = self.change(&url, &text);
            seen.push(one.seen);
            made.push(one.made);
            processor.push(one.processor);
            wire.push((one.sent, one.received, one.requests, one.documents));
        }
        wire.sort_unstable();
        let (sent, received, requests, documents) = wire[wire.len() / 2];
        println!("\none changed document, {CHANGES} times; medians");
        println!("{:<40}{documents:>12}", "documents fetched");
        println!("{:<40}{requests:>12}", "requests to the node");
        println!("{:<40}{sent:>12}", "bytes to the node");
        println!("{:<40}{received:>12}", "bytes from the node");
        println!(
            "{:<40}{:>12.1} ms",
            "processor time, proxies included",
            millis(median(processor))
        );
        println!(
            "{:<40}{:>12.1} ms",
            "write, refresh and the look that sees it",
            millis(median(seen))
        );
        println!("{:<40}{:>12.1} ms", "from there to the response in Redis", millis(median(made)));
    }

    fn change(&mut self, url: &str, text: &str) -> Change {
        // Searches show it when it is confirmed: when a node has its index refreshed is its own affair.
        let written = Instant::now();
        assert!(http::send("PUT", url, text.as_bytes()).unwrap().status < 300);
        self.requests.clear();
        let documents = self.documents.visited();
        let (bytes, processor) = (self.bytes.bytes(), processor_time());
        let look = self.keeper.look(false).unwrap();
        let seen = written.elapsed();
        assert_eq!(make(&mut self.keeper, &look), 3, "the responses of one shelf");
        let made = written.elapsed() - seen;
        let processor = processor_time() - processor;
        let (sent, received) = between(bytes, self.bytes.bytes());
        let requests = self.requests.requests().len();
        let documents = self.documents.visited() - documents;
        while self.keeper.look(false).unwrap() != Look::Quiet {}
        Change { seen, made, processor, sent, received, requests, documents }
    }
}

/// What one changed document cost. Bytes and requests are those of the look that sees it, and of what
/// follows.
struct Change {
    seen: Duration,
    made: Duration,
    processor: Duration,
    sent: u64,
    received: u64,
    requests: usize,
    documents: u64,
}

fn keeper(
    mirror: Arc<Mirror>,
    store: &Arc<RedisStore>,
    client: Arc<RedisClient>,
    clock: Arc<dyn Clock>,
) -> Keeper {
    let directory = Arc::new(RememberedDirectory::new(Arc::clone(&mirror) as _));
    let lifetime = Some(SignedDuration::from_hours(24 * 10_000));
    let lock =
        RedisLock::new(Arc::clone(&client), "cache::", "generation", Duration::from_secs(60));
    let service = CachedResponseService::new(
        Source { documents: mirror, directory: Arc::clone(&directory) as _ },
        Arc::clone(store) as Arc<dyn CacheStore>,
        Arc::clone(&clock),
        ServiceSettings { lifetime, ..ServiceSettings::default() },
    )
    .with_notebook(Some(Arc::clone(store) as _))
    .with_lock(Some(Arc::new(lock)))
    .with_registry(Some(Arc::new(RedisRegistry::new(client, clock))));
    Keeper::new(Arc::new(service), directory, KeepRules::default())
}

fn client(address: &str) -> Arc<RedisClient> {
    let (host, port) = address.split_once(':').unwrap();
    let endpoint = Endpoint::Tcp { host: host.to_owned(), port: port.parse().unwrap() };
    let address = RedisAddress::new(endpoint, 0);
    Arc::new(RedisClient::connect(address, RedisOptions::default()).unwrap())
}

fn make(keeper: &mut Keeper, look: &Look) -> u64 {
    let Look::Work(work) = look else { return 0 };
    let (stop, progress) = (Stop::default(), &mut |_: &stats_service::Progress<'_>| ());
    let run = &mut Run { hands: &Pool, workers: 2, most: None, stop, progress };
    let summary = keeper.make(work, run).unwrap();
    // What waits is of the whole repository, of which there are no documents.
    assert!(summary.errors.is_empty(), "{:?}", summary.errors.first());
    summary.success
}

fn between(before: (u64, u64), after: (u64, u64)) -> (u64, u64) {
    (after.0 - before.0, after.1 - before.1)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
