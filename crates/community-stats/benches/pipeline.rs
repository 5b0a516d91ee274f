//! Import, and generation from archive to store, against two general JSON readers on the same
//! bytes in the same run; and how both grow with the number of communities.
//!
//! `cargo bench -p community-stats --bench pipeline`
#![expect(clippy::unwrap_used, reason = "a benchmark fails by panicking")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::hint::black_box;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stats_cache::{SqliteOptions, SqliteStore};
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions};
use stats_model::{Category, Clock, ManualClock};
use stats_series::{FloatStyle, Layouts, SeriesConfig};
use stats_service::{
    CachedResponseService, Communities, CommunityName, Pool, Request, Run, ServiceSettings, Stop,
    Years,
};
use stats_testkit::corpus;
use stats_testkit::measure::{exponent, medians, processor_time, timed};

const KINDS: [&str; 4] = ["usage_snapshot", "usage_delta", "record_snapshot", "record_delta"];
const ROUNDS: usize = 5;

fn main() {
    println!("one year of one community, all four kinds; medians of {ROUNDS} interleaved rounds\n");
    println!(
        "{:<28} {:>8} {:>9} {:>8} {:>8} {:>8}",
        "one thread", "MB", "ms", "MB/s", "/tape", "/Value"
    );
    for (class, items) in [("S", 1), ("M", 8), ("L", 20)] {
        let export = corpus::export(&KINDS, items, 365, 0);
        lines(class, &export);
    }
    many_communities();
}

/// How processor time grows with the number of small communities. (The disk is waited for now and
/// then, whenever a log is full.)
fn many_communities() {
    println!("\n30 days of many communities, one item in every list; processor time\n");
    println!("{:<28} {:>12} {:>12}", "communities", "import ms", "generate ms");
    let (mut imports, mut runs) = (Vec::new(), Vec::new());
    for communities in [125, 250, 500, 1000, 2000] {
        let export: String =
            (0..communities).map(|number| corpus::export(&KINDS, 1, 30, number)).collect();
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("archive.db");
        let begun = processor_time();
        import_into(&archive, &export);
        let between = processor_time();
        generate(&archive, &folder.path().join("store.db"), true, communities);
        let [imported, made] =
            [between - begun, processor_time() - between].map(|time| time.as_secs_f64());
        println!("{communities:<28} {:>12.0} {:>12.0}", imported * 1e3, made * 1e3);
        imports.push((f64::from(communities), imported));
        runs.push((f64::from(communities), made));
    }
    println!("{:<28} {:>12.3} {:>12.3}", "exponents", exponent(&imports), exponent(&runs));
}

fn lines(class: &str, export: &str) {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.db");
    import_into(&kept, export);
    let mut round = 0;
    let mut fresh = |name: &str| {
        round += 1;
        folder.path().join(format!("{name}-{round}.db"))
    };
    let (mut archives, mut stores) = (Vec::new(), Vec::new());
    for _ in 0..=ROUNDS {
        archives.push(fresh("archive"));
        stores.push([fresh("full"), fresh("optimized")]);
    }
    let mut archive = archives.into_iter();
    let mut full = stores.iter().map(|[full, _]| full.clone());
    let mut optimized = stores.iter().map(|[_, optimized]| optimized.clone());
    let mut tape_buffers = simd_json::Buffers::default();
    let [imported, full, optimized, tape, value] = medians(
        ROUNDS,
        [
            &mut || {
                let archive = archive.next().unwrap();
                timed(|| import_into(&archive, export))
            },
            &mut || generate(&kept, &full.next().unwrap(), false, 1),
            &mut || generate(&kept, &optimized.next().unwrap(), true, 1),
            &mut || read_as_tapes(export, &mut tape_buffers),
            &mut || read_as_values(export),
        ],
    );
    for (name, time) in
        [("import", imported), ("generate, all metrics", full), ("generate, optimised", optimized)]
    {
        println!(
            "{:<28} {:>8.1} {:>9.1} {:>8.0} {:>8.2} {:>8.3}",
            format!("{class} {name}"),
            export.len() as f64 / 1e6,
            time.as_secs_f64() * 1e3,
            export.len() as f64 / 1e6 / time.as_secs_f64(),
            time.as_secs_f64() / tape.as_secs_f64(),
            time.as_secs_f64() / value.as_secs_f64(),
        );
    }
}

/// simd-json works in place and gets copies, whose making is not counted.
fn read_as_tapes(export: &str, buffers: &mut simd_json::Buffers) -> Duration {
    let mut total = Duration::ZERO;
    for line in export.lines() {
        let mut line = line.as_bytes().to_vec();
        total += timed(|| {
            let tape = simd_json::to_tape_with_buffers(&mut line, buffers);
            black_box(&tape.unwrap());
        });
    }
    total
}

fn read_as_values(export: &str) -> Duration {
    timed(|| {
        for line in export.lines() {
            black_box(serde_json::from_str::<serde_json::Value>(line).unwrap());
        }
    })
}

fn import_into(path: &Path, export: &str) {
    let archive = Archive::open(path, ArchiveOptions::default()).unwrap();
    let reader = Box::new(Cursor::new(export.to_owned().into_bytes()));
    let inputs = vec![Input::Reader { name: "export".to_owned(), reader }];
    let options = ImportOptions { threads: 1, ..ImportOptions::default() };
    assert!(import(inputs, &archive, &options, &mut ()).unwrap().is_complete());
}

/// All eight categories of the year, from archive to store.
fn generate(archive: &Path, store: &Path, optimize: bool, communities: u32) -> Duration {
    let now: Timestamp = "2026-01-01T12:00:00Z".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(now));
    let source = Archive::open_read_only(archive, ArchiveOptions::default()).unwrap();
    let store = SqliteStore::open_with(store, SqliteOptions::default(), clock.clone()).unwrap();
    let settings = ServiceSettings {
        prefix: "stats_dashboard".to_owned(),
        lifetime: None,
        categories: Category::ALL.to_vec(),
        optimize,
        opt_in: true,
        floats: FloatStyle::Plain,
        series: SeriesConfig::default(),
        layouts: Layouts::default(),
        ..ServiceSettings::default()
    };
    let service = CachedResponseService::new(Arc::new(source), Arc::new(store), clock, settings);
    let request = Request {
        communities: Communities::Named(
            (0..communities).map(corpus::community).map(CommunityName::Any).collect(),
        ),
        years: Years::Named(vec![2025]),
        ..Request::default()
    };
    timed(|| {
        let mut run = Run {
            hands: &Pool,
            workers: 1,
            most: None,
            stop: Stop::default(),
            progress: &mut |_| {},
        };
        let summary = service.create(&request, &mut run).unwrap();
        let responses = u64::from(communities) * Category::ALL.len() as u64;
        assert_eq!((summary.success, summary.failed), (responses, 0));
    })
}
