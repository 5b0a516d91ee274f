//! Importing files: every form, every refusal, and doing it again.

use std::collections::BTreeMap;
use std::io::{PipeReader, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc;

use stats_documents::import::{
    Advance, Counts, ImportOptions, Input, LineKind, Progress, Reason, import,
};
use stats_documents::{Directory, Documents, ShelfFilter};
use stats_model::{DeletionStatus, DocumentKind, Fingerprint, Shelf, Visibility};

use crate::support::{Place, contents, corpus, document, fingerprints, line, line_without_end};

const KIND: DocumentKind = DocumentKind::UsageDelta;
const INDEX: &str = "stats-community-usage-delta-2025";

pub(crate) fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(content: &[u8]) -> Vec<u8> {
    zstd::encode_all(content, 1).unwrap()
}

fn day(n: u32) -> String {
    document(KIND, "a", &format!("2025-01-{n:02}"), n)
}

fn documents(counts: &Counts) -> (u64, u64, u64, u64) {
    (counts.lines, counts.new, counts.replaced, counts.unchanged)
}

#[test]
fn every_compression_under_every_name() {
    let place = Place::new();
    let two_members = [gzip(day(3).as_bytes()), gzip(day(4).as_bytes())].concat();
    let paths = [
        place.file("plain.gz", day(1)),
        place.file("a", gzip(day(2).as_bytes())),
        place.file("two-members.txt", two_members),
        place.file("b.ndjson", zstd(day(5).as_bytes())),
        place.file("c", format!("\u{feff}\r\n\n{}\r\n \n{}", day(6).trim(), day(7).trim())),
        place.file("empty", ""),
        place.file("empty.gz", gzip(b"")),
    ];
    let report = place.import(&paths.iter().collect::<Vec<&PathBuf>>());
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(documents(&report.total()), (7, 7, 0, 0));
    assert_eq!((report.files, report.skipped.len()), (5, 2));
    assert_eq!(contents(&place.archive).len(), 7);
}

#[test]
fn any_reader() {
    let place = Place::new();
    let reader = Box::new(std::io::Cursor::new(zstd(corpus(2, 5).as_bytes())));
    let input = Input::Reader { name: "standard input".to_owned(), reader };
    let report = import(vec![input], &place.archive, &ImportOptions::default(), &mut ()).unwrap();
    assert_eq!(documents(&report.total()), (40, 40, 0, 0));
}

#[test]
fn folders_are_read_in_order_without_what_is_no_export() {
    let place = Place::new();
    let folder = place.folder.path().join("dump");
    let changed = day(1).replace("\"total_events\":1", "\"total_events\":2");
    place.file("dump/b/2.jsonl", &changed);
    place.file("dump/a.ndjson.gz", gzip(day(1).as_bytes()));
    place.file("dump/z/deep/3.JSON.zst", zstd(day(2).as_bytes()));
    place.file("dump/manifest.json", "{\n  \"seed\": 7,\n  \"files\": {}\n}\n");
    place.file("dump/edge-cases.ndjson", "{\"_index\":\"i\",\"_id\":\"x\",\"case\":\"y\"}\n");
    place.file("dump/.hidden.ndjson", "nonsense");
    place.file("dump/communities-metadata.sql", "CREATE TABLE");
    place.file("dump/empty.ndjson", "");
    // Damaged at the beginning, yet an export.
    place.file("dump/c.ndjson", format!("{{\"_ind\n{}", day(3)));
    let report = place.import(&[&folder]);
    assert_eq!(documents(&report.total()), (5, 3, 1, 0));
    assert_eq!(report.total().refused_lines(), 1);
    let skipped: Vec<&str> =
        report.skipped.iter().map(|skipped| skipped.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(
        skipped,
        [
            ".hidden.ndjson",
            "communities-metadata.sql",
            "edge-cases.ndjson",
            "empty.ndjson",
            "manifest.json",
        ]
    );
    // The file that comes later in the order of paths won.
    let first = contents(&place.archive).into_values().next().unwrap();
    assert!(String::from_utf8(first).unwrap().contains("\"total_events\":2"));
    // A file that is named is read, whatever it is.
    let report = place.import(&[&folder.join("edge-cases.ndjson")]);
    assert_eq!(report.total().refused[&Reason::UnknownIndex], 1);
}

#[test]
fn importing_again_changes_nothing() {
    let place = Place::new();
    let path = place.file("all.ndjson", corpus(3, 40));
    let first = place.import(&[&path]);
    assert_eq!(documents(&first.total()), (480, 480, 0, 0));
    let before = fingerprints(&place.archive);
    let again = place.import(&[&path, &path]);
    assert_eq!(documents(&again.total()), (960, 0, 0, 960));
    assert_eq!(fingerprints(&place.archive), before);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let reference = Place::new();
    let path = reference.file("all.ndjson", corpus(5, 60));
    reference.import(&[&path]);
    for threads in [1, 3, 7] {
        let place = Place::new();
        let options = ImportOptions { threads, ..ImportOptions::default() };
        place.import_with(&[&path], &options).unwrap();
        assert_eq!(numbered_from_zero(&place), numbered_from_zero(&reference));
        assert_eq!(contents(&place.archive), contents(&reference.archive));
    }
}

/// All fingerprints as if the numbers of the archive, which begin anywhere, began at zero.
fn numbered_from_zero(place: &Place) -> BTreeMap<Shelf, (u64, u64, u64)> {
    let all = fingerprints(&place.archive);
    let start = all.keys().flat_map(|shelf| place.archive.manifest(shelf).unwrap());
    let start = start.map(|entry| entry.sequence).min().unwrap();
    let from_zero = |it: Fingerprint| (it.count, it.max - start, it.sum - start * it.count);
    all.into_iter().map(|(shelf, fingerprint)| (shelf, from_zero(fingerprint))).collect()
}

#[test]
fn every_refusal_has_its_reason_and_place() {
    let place = Place::new();
    let good = r#"{"community_id":"a","period_start":"2025-01-01T00:00:00"}"#;
    let cases: Vec<(Vec<u8>, LineKind, Reason)> = [
        ("nonsense".to_owned(), LineKind::Other, Reason::NotJson),
        ("[1,2]".to_owned(), LineKind::Other, Reason::NotJson),
        (line_without_end(INDEX, "x", good)[1..].to_owned(), LineKind::Other, Reason::NotJson),
        (line_without_end(INDEX, "x", good) + " {}", LineKind::Other, Reason::NotJson),
        (format!(r#"{{"_id":"x","_source":{good}}}"#), LineKind::Other, Reason::MissingIndex),
        (good.to_owned(), LineKind::Other, Reason::MissingIndex),
        (format!(r#"{{"_index":"{INDEX}","_source":{good}}}"#), documents_of(), Reason::MissingId),
        (line_without_end(INDEX, "", good), documents_of(), Reason::MissingId),
        (format!(r#"{{"_index":"{INDEX}","_id":"x"}}"#), documents_of(), Reason::MissingSource),
        (line_without_end(INDEX, "x", "null"), documents_of(), Reason::MissingSource),
        (line_without_end(INDEX, "x", "[{}]"), documents_of(), Reason::MissingSource),
        (line_without_end("logs-2025", "x", good), LineKind::Other, Reason::UnknownIndex),
        (
            line_without_end("stats-community-records-delta-created-2025", "x", good),
            LineKind::Other,
            Reason::OtherDateBasis,
        ),
        (
            line_without_end("rdmrecords-records-record-v7.0.0-1", "x", good),
            LineKind::Other,
            Reason::IndexNotUsed,
        ),
        (line_without_end(INDEX, "x", r#"{"community_id":"a"}"#), documents_of(), Reason::NoDay),
        (
            line_without_end(INDEX, "x", r#"{"community_id":"a","period_start":"tomorrow"}"#),
            documents_of(),
            Reason::DayNotADate,
        ),
        (line_without_end(INDEX, "x", "{}"), documents_of(), Reason::NoCommunity),
        (
            line_without_end(
                "stats-bookmarks-community",
                "x",
                r#"{"aggregation_type":"other-agg","community_id":"a","date":"2025-01-01"}"#,
            ),
            LineKind::Bookmarks,
            Reason::OtherAggregation,
        ),
        (
            line_without_end("stats-community-events-2025", "x", r#"{"community_id":"a"}"#),
            LineKind::Events,
            Reason::NoDay,
        ),
        (
            line_without_end(INDEX, "x", &format!("{{\"a\":\"{}\"}}", "x".repeat(3000))),
            LineKind::Other,
            Reason::LineTooLong,
        ),
    ]
    .into_iter()
    .map(|(line, kind, reason)| (line.into_bytes(), kind, reason))
    .chain([(b"{\"_index\":\"\xff\"}".to_vec(), LineKind::Other, Reason::InvalidUtf8)])
    .collect();
    let mut content = Vec::new();
    for (n, (line, ..)) in cases.iter().enumerate() {
        content.extend_from_slice(line);
        content.push(b'\n');
        content.extend_from_slice(day(n as u32 % 28 + 1).trim().as_bytes());
        content.extend_from_slice(b"\n\n");
    }
    let path = place.file("odd.ndjson", content);
    let options = ImportOptions { line_limit: 2_900, refusals: 1_000, ..ImportOptions::default() };
    let report = place.import_with(&[&path], &options).unwrap();
    assert_eq!(report.total().new, cases.len() as u64);
    assert_eq!(report.refusals.len(), cases.len());
    for (n, (refused, (_, kind, reason))) in report.refusals.iter().zip(&cases).enumerate() {
        assert_eq!((refused.reason, refused.line), (*reason, 3 * n as u64 + 1), "{refused:?}");
        assert_eq!(refused.file, path.display().to_string());
        assert!(report.kinds[kind].refused[reason] > 0);
    }
    assert!(!report.is_complete());
    // Only the first ones are told.
    let options = ImportOptions { refusals: 3, ..options };
    let report = place.import_with(&[&path], &options).unwrap();
    assert_eq!(report.refusals.len(), 3);
    assert_eq!(report.total().refused_lines(), cases.len() as u64);
}

fn documents_of() -> LineKind {
    LineKind::Documents(KIND)
}

#[test]
fn communities_bookmarks_and_events() {
    let place = Place::new();
    let index = "kcworks-communities-communities-v2.0.0-1735689600";
    let content = [
        line(
            index,
            "c1",
            r#"{"slug":"river-lab","access":{"visibility":"public"},"metadata":{"title":"River"},
                "custom_fields":{"stats:dashboard_enabled":true},"deletion_status":"P",
                "created":"2023-05-04T09:08:07.123456+00:00"}"#
                .replace('\n', " ")
                .as_str(),
        ),
        line(index, "c2", r#"{"slug":"gone","deletion_status":"D"}"#),
        line(
            "kcworks-stats-bookmarks-community",
            "community-usage-delta-agg_c1",
            r#"{"date":"2025-03-09T00:00:00.000","aggregation_type":"community-usage-delta-agg","community_id":"c1"}"#,
        ),
        line(
            "kcworks-stats-community-events-2025",
            "Y75NG7EMkQfdlvcH7U0S",
            r#"{"community_id":"c1","event_date":"2025-03-09T13:45:52.411","record_created_date":"2024-12-09T13:45:51.908112+00:00"}"#,
        ),
    ]
    .concat();
    let path = place.file("rest.ndjson", content);
    let report = place.import(&[&path]);
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(documents(&place.import(&[&path]).total()), (4, 0, 0, 4));
    let found = &place.archive.communities().unwrap()[0];
    assert_eq!((found.id.as_str(), found.visibility), ("c1", Visibility::Public));
    assert_eq!(found.slug.as_deref(), Some("river-lab"));
    assert_eq!(found.created.unwrap().to_string(), "2023-05-04");
    assert_eq!(place.archive.communities().unwrap()[1].deletion, DeletionStatus::Deleted);
    assert_eq!(place.archive.bookmarks(KIND, &[]).unwrap()["c1"].day.to_string(), "2025-03-09");
    assert_eq!(place.archive.first_events(&[]).unwrap()["c1"].to_string(), "2025-03-09");
    assert_eq!(place.archive.first_record().unwrap().unwrap().to_string(), "2024-12-09");
}

#[test]
fn damaged_and_missing_files_do_not_stop_the_others() {
    let place = Place::new();
    let whole = gzip(corpus(2, 28).as_bytes());
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    let cut = zstd(corpus(2, 28).as_bytes());
    let paths = [
        place.folder.path().join("missing.ndjson"),
        place.file("cut.gz", &whole[..whole.len() - 100]),
        place.file("flipped.gz", flipped),
        place.file("cut.zst", &cut[..cut.len() - 100]),
        place.file("archive.xz", b"\xfd7zXZ\0\0"),
        place.file("good", corpus(3, 28)),
    ];
    let report = place.import(&paths.iter().collect::<Vec<&PathBuf>>());
    let failed: Vec<&str> =
        report.file_errors.iter().map(|error| error.file.rsplit('/').next().unwrap()).collect();
    assert_eq!(failed, ["missing.ndjson", "cut.gz", "flipped.gz", "cut.zst", "archive.xz"]);
    assert!(report.file_errors[1].lines > 0 && report.file_errors[1].bytes > 0);
    assert_eq!(contents(&place.archive).len(), 3 * 28 * 4);
    assert!(report.total().refused.is_empty(), "{report:?}");
}

/// Cancels when so many lines were looked at.
struct Canceller {
    options: ImportOptions,
    after: u64,
    files: u64,
    bytes: Option<u64>,
    last: Advance,
}

impl Progress for Canceller {
    fn found(&mut self, inputs: u64, bytes: Option<u64>) {
        (self.files, self.bytes) = (inputs, bytes);
    }

    fn advanced(&mut self, so_far: Advance) {
        assert!(so_far.lines >= self.last.lines && so_far.plain_bytes >= self.last.plain_bytes);
        self.last = so_far;
        if so_far.lines >= self.after {
            self.options.cancel.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn an_interrupted_import_can_be_run_again() {
    let place = Place::with(stats_documents::ArchiveOptions {
        batch_bytes: 1,
        ..stats_documents::ArchiveOptions::default()
    });
    let content = corpus(12, 300);
    let path = place.file("all.ndjson", &content);
    let options = ImportOptions::default();
    let mut canceller = Canceller {
        options: options.clone(),
        after: 4_000,
        files: 0,
        bytes: None,
        last: Advance::default(),
    };
    let inputs = vec![Input::Path(path.clone())];
    let report = import(inputs, &place.archive, &options, &mut canceller).unwrap();
    assert!(report.interrupted && !report.is_complete());
    assert_eq!((canceller.files, canceller.bytes), (1, Some(content.len() as u64)));
    let stored = contents(&place.archive).len() as u64;
    assert_eq!(stored, report.total().new, "the report counts what was committed");
    assert!((4_000..14_400).contains(&stored), "{stored}");
    let report = place.import(&[&path]);
    assert_eq!(documents(&report.total()), (14_400, 14_400 - stored, 0, stored));
}

/// Tells when somebody begins to read.
struct Told {
    pipe: PipeReader,
    began: mpsc::Sender<()>,
}

impl Read for Told {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        // Nobody listens to the second time.
        let _ = self.began.send(());
        self.pipe.read(buffer)
    }
}

#[test]
fn cancelled_while_the_input_is_silent() {
    let place = Place::new();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let (began, begins) = mpsc::channel();
    let reader = Box::new(Told { pipe, began });
    let options = ImportOptions::default();
    let cancel = options.cancel.clone();
    std::thread::spawn(move || {
        begins.recv().unwrap();
        cancel.store(true, Ordering::Relaxed);
    });
    let input = Input::Reader { name: "pipe".to_owned(), reader };
    let report = import(vec![input], &place.archive, &options, &mut ()).unwrap();
    assert!(report.interrupted);
    assert!(place.archive.fingerprints(KIND, &ShelfFilter::default()).unwrap().is_empty());
}
