//! What an import leaves that was broken off or lost something, and what ends that.

use std::path::Path;
use std::sync::atomic::Ordering;

use stats_documents::import::{
    Advance, ImportOptions, ImportReport, Input, LineKind, Progress, import,
};
use stats_documents::{Archive, ArchiveOptions, Directory, Documents, ImportEnding, Unsettled};
use stats_model::{DocumentKind, Fingerprint, Shelf};

use crate::support::{Place, contents, corpus, document, fingerprints, line};

pub(crate) const KIND: DocumentKind = DocumentKind::UsageDelta;

/// Every piece becomes a batch.
pub(crate) fn place() -> Place {
    Place::with(ArchiveOptions { batch_bytes: 1, ..ArchiveOptions::default() })
}

pub(crate) fn bookmark(kind: DocumentKind, community: &str, day: &str) -> String {
    let name = kind.bookmark_type();
    line(
        "stats-bookmarks-community",
        &format!("{name}_{community}"),
        &format!(r#"{{"date":"{day}","aggregation_type":"{name}","community_id":"{community}"}}"#),
    )
}

/// Bookmarks, an event and a community before all documents of the four kinds.
fn export() -> String {
    let mut all: String =
        DocumentKind::ALL.into_iter().map(|kind| bookmark(kind, "c0", "2025-12-31")).collect();
    all.push_str(&line("communities-communities", "c0", r#"{"slug":"river"}"#));
    all.push_str(&line(
        "stats-community-events-2020",
        "e",
        r#"{"community_id":"c0","event_date":"2020-01-01"}"#,
    ));
    all + &corpus(12, 300)
}

/// Cancels when so many lines were looked at.
struct After(u64, ImportOptions);

impl Progress for After {
    fn advanced(&mut self, so_far: Advance) {
        self.1.cancel.store(so_far.lines >= self.0, Ordering::Relaxed);
    }
}

pub(crate) fn broken_off(place: &Place, path: &Path, after: u64) -> ImportReport {
    let options = ImportOptions::default();
    let mut progress = After(after, options.clone());
    let inputs = vec![Input::Path(path.to_owned())];
    let report = import(inputs, &place.archive, &options, &mut progress).unwrap();
    assert!(report.interrupted);
    report
}

pub(crate) fn unsettled(place: &Place) -> Vec<Shelf> {
    let of = |kind| place.archive.unsettled(kind, &[]).unwrap().into_keys();
    DocumentKind::ALL.into_iter().flat_map(of).collect()
}

pub(crate) fn assert_settled(place: &Place) {
    assert_eq!(place.archive.open_imports().unwrap(), []);
    assert_eq!(unsettled(place), []);
}

#[test]
fn what_a_broken_off_import_changed_waits_until_all_of_it_came_again() {
    let place = place();
    let path = place.file("all.ndjson", export());
    let report = broken_off(&place, &path, 4_000);
    assert_eq!(report.kinds[&LineKind::Bookmarks].kept_back, 4);
    let [open] = place.archive.open_imports().unwrap()[..] else { panic!("one import is open") };
    assert_eq!(open.ending, ImportEnding::BrokenOff);
    assert_eq!(unsettled(&place), fingerprints(&place.archive).into_keys().collect::<Vec<_>>());
    assert!(place.archive.bookmarks(KIND, &[]).unwrap().is_empty());
    assert!(place.archive.communities().unwrap().is_empty());
    assert!(place.archive.first_events(&[]).unwrap().is_empty());
    for (shelf, fingerprint) in fingerprints(&place.archive) {
        let why = place.archive.unsettled_reading(&shelf, &fingerprint).unwrap();
        assert_eq!(why, Some(Unsettled::Import(open)));
    }
    // Others change nothing about it.
    let other = place.file("other.ndjson", document(KIND, "z", "2025-01-01", 1));
    assert!(place.import(&[&other]).is_complete());
    assert_eq!(place.archive.open_imports().unwrap(), [open]);
    assert!(unsettled(&place).iter().all(|shelf| shelf.community != "z"));
    // Broken off once more, and once more earlier.
    broken_off(&place, &path, 8_000);
    broken_off(&place, &path, 2_000);
    assert_eq!(place.archive.open_imports().unwrap().len(), 3);

    let report = place.import(&[&path]);
    assert!(report.is_complete(), "{report:?}");
    assert_settled(&place);
    assert_eq!(place.archive.bookmarks(KIND, &[]).unwrap().len(), 1);
    assert_eq!(place.archive.communities().unwrap().len(), 1);
    assert_eq!(place.archive.first_events(&[]).unwrap().len(), 1);
    for (shelf, fingerprint) in fingerprints(&place.archive) {
        assert_eq!(place.archive.unsettled_reading(&shelf, &fingerprint).unwrap(), None);
        let changed = place.archive.unsettled_reading(&shelf, &Fingerprint::default()).unwrap();
        assert_eq!(changed, Some(Unsettled::Changed));
    }
    assert_eq!(contents(&place.archive).len(), 12 * 300 * 4 + 1);
}

#[test]
fn documents_that_another_import_wrote_over_no_longer_count() {
    let place = place();
    let all = corpus(12, 300);
    let path = place.file("all.ndjson", &all);
    broken_off(&place, &path, 4_000);
    // The same days, computed anew, as another file.
    let anew = place.file("anew.ndjson", all.replace(r#""n":"#, r#""m":"#));
    assert!(place.import(&[&anew]).is_complete());
    assert_settled(&place);
}

#[test]
fn an_older_part_is_not_the_whole() {
    let place = place();
    let path = place.file("all.ndjson", corpus(12, 300));
    broken_off(&place, &path, 8_000);
    let part = place.file("part.ndjson", corpus(12, 100));
    assert!(place.import(&[&part]).is_complete());
    assert!(!unsettled(&place).is_empty());
    // Unless nothing more will come.
    let options = ImportOptions { accept_loss: true, ..ImportOptions::default() };
    place.import_with(&[], &options).unwrap();
    assert_settled(&place);
    assert!(place.archive.bookmarks(KIND, &[]).unwrap().is_empty());
}

#[test]
fn a_kind_that_lost_a_line_keeps_its_old_bookmarks() {
    let place = place();
    let old: String =
        DocumentKind::ALL.into_iter().map(|kind| bookmark(kind, "c0", "2024-12-31")).collect();
    let old = place.file("old.ndjson", old);
    place.import(&[&old]);
    let index = format!("{}-2025", KIND.alias());
    let refused = line(&index, "x", r#"{"community_id":"c0"}"#);
    let path = place.file("all.ndjson", export() + &refused);
    let report = place.import(&[&path]);
    assert_eq!(report.lost, [KIND].into());
    assert_eq!(report.kinds[&LineKind::Bookmarks].kept_back, 1);
    for kind in DocumentKind::ALL {
        let day = place.archive.bookmarks(kind, &[]).unwrap()["c0"].day.to_string();
        assert_eq!(day, if kind == KIND { "2024-12-31" } else { "2025-12-31" }, "{kind}");
    }
    assert!(!unsettled(&place).is_empty());
    assert!(unsettled(&place).iter().all(|shelf| shelf.kind == KIND));
    let open = place.archive.open_imports().unwrap();
    assert_eq!(open.iter().map(|open| open.ending).collect::<Vec<_>>(), [ImportEnding::WithLoss]);
    // The same again is no better; the whole is, and so is to accept it.
    assert_eq!(place.import(&[&path]).lost, [KIND].into());
    assert!(!unsettled(&place).is_empty());
    let whole = place.file("whole.ndjson", export());
    assert!(place.import(&[&whole]).is_complete());
    assert_settled(&place);
    let options = ImportOptions { accept_loss: true, ..ImportOptions::default() };
    let report = place.import_with(&[&path], &options).unwrap();
    assert!(report.lost.is_empty() && !report.is_complete());
    assert_settled(&place);
}

#[test]
fn anything_unreadable_may_have_been_of_any_kind() {
    for cut in ["{\"_index\":\"stats-comm", "nonsense\n", "{}\n"] {
        let place = place();
        let path = place.file("all.ndjson", export() + cut);
        let report = place.import(&[&path]);
        assert_eq!(report.lost.len(), 4, "{cut}");
        assert!(place.archive.bookmarks(KIND, &[]).unwrap().is_empty(), "{cut}");
    }
    // What is known not to be ours is no loss.
    let place = place();
    let other = line("rdmrecords-records-record-v7.0.0-1", "x", "{}");
    let path = place.file("all.ndjson", export() + &other);
    let report = place.import(&[&path]);
    assert!(report.lost.is_empty() && !report.is_complete());
    assert_settled(&place);
    assert_eq!(place.archive.bookmarks(KIND, &[]).unwrap().len(), 1);
}

#[test]
fn older_documents_and_lost_fractions_do_not_replace() {
    let place = Place::new();
    let at = |time: &str, number: &str| {
        let source = format!(
            r#"{{"community_id":"a","period_start":"2025-01-01","timestamp":"{time}","volume":{number}}}"#
        );
        place.file("one.ndjson", line(&format!("{}-2025", KIND.alias()), "a-2025-01-01", &source))
    };
    let content = || String::from_utf8(contents(&place.archive).into_values().next().unwrap());
    place.import(&[&at("2025-02-01T00:00:00", "3072.0")]);
    for (time, number) in [("2025-01-31T23:00:00", "9.0"), ("2025-02-01T00:00:00", "3072")] {
        let report = place.import(&[&at(time, number)]);
        assert!(report.is_complete());
        assert_eq!(
            (report.total().older + report.total().number_forms, report.total().replaced),
            (1, 0)
        );
        assert_eq!(report.kept[0].id, "a-2025-01-01");
        assert!(content().unwrap().contains("3072.0"));
    }
    let report = place.import(&[&at("2025-02-02T00:00:00", "7.0")]);
    assert_eq!(report.total().replaced, 1);
    let options = ImportOptions { replace: true, ..ImportOptions::default() };
    let older = at("2025-01-01T00:00:00", "5");
    assert_eq!(place.import_with(&[&older], &options).unwrap().total().replaced, 1);
    assert!(content().unwrap().contains("\"volume\":5"));
}

#[test]
fn installations_are_not_mixed() {
    let with = |prefix: &str, community: &str| {
        document(KIND, community, "2025-01-01", 1).replace("\"stats-", &format!("\"{prefix}stats-"))
    };
    let place = Place::new();
    let both = place.file("both.ndjson", with("prod-", "a") + &with("prod-staging-", "b"));
    let report = place.import(&[&both]);
    assert!(report.mixed_prefixes.iter().eq(["prod-", "prod-staging-"]), "{report:?}");
    assert!(contents(&place.archive).is_empty());
    assert_settled(&place);
    let options = ImportOptions { prefix: Some("prod-".to_owned()), ..ImportOptions::default() };
    let report = place.import_with(&[&both], &options).unwrap();
    assert!(report.is_complete());
    assert!(report.other_prefixes.lines.iter().eq([(&"prod-staging-".to_owned(), &1)]));
    assert_eq!(contents(&place.archive).len(), 1);
    // Nor one after the other.
    let other = place.file("other.ndjson", with("prod-staging-", "b"));
    assert_eq!(place.import(&[&other]).mixed_prefixes.len(), 2);
    let same = place.file("same.ndjson", with("prod-", "c"));
    assert!(place.import(&[&same]).is_complete());
    assert_eq!(contents(&place.archive).len(), 2);
}

/// Two files that were one never give the same fingerprint for different documents.
#[test]
fn histories_that_begin_at_one_copy_number_differently() {
    let place = Place::new();
    let first = place.file("first.ndjson", corpus(2, 20));
    assert!(place.import(&[&first]).is_complete());
    let before = fingerprints(&place.archive);
    let copy = place.folder.path().join("copy");
    for end in ["", "-wal"] {
        let name = |path: &Path| format!("{}{end}", path.display());
        std::fs::copy(name(place.archive.path()), name(&copy)).unwrap();
    }
    let restored = Archive::open(&copy, ArchiveOptions::default()).unwrap();
    assert_eq!(fingerprints(&restored), before);
    let other = |views| document(KIND, "c0", "2020-01-01", views);
    let one = place.file("one.ndjson", other(777));
    let two = place.file("two.ndjson", other(888));
    assert!(place.import(&[&one]).is_complete());
    let inputs = vec![Input::Path(two)];
    import(inputs, &restored, &ImportOptions::default(), &mut ()).unwrap();
    let shelf = Shelf { kind: KIND, community: "c0".to_owned(), year: 2020 };
    let (here, there) = (fingerprints(&place.archive)[&shelf], fingerprints(&restored)[&shelf]);
    assert_eq!(here.count, there.count);
    assert_ne!(here, there);
    assert_ne!(here, before[&shelf]);
}

/// An import into a file that is not there any more is not done.
#[test]
fn an_archive_that_is_removed_meanwhile_is_told() {
    struct Removes(std::path::PathBuf);
    impl Progress for Removes {
        fn advanced(&mut self, so_far: Advance) {
            if so_far.lines > 2_000 {
                let _ = std::fs::remove_file(&self.0);
            }
        }
    }
    let place = place();
    let path = place.file("all.ndjson", export());
    let mut removes = Removes(place.archive.path().to_owned());
    let options = ImportOptions::default();
    let ended = import(vec![Input::Path(path)], &place.archive, &options, &mut removes);
    let error = ended.unwrap_err();
    assert!(error.cause.to_string().contains("removed or replaced"), "{error}");
}
