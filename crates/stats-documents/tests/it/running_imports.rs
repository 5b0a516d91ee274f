//! Imports that run while others end, accept losses, or look.

use std::os::unix::fs::symlink;

use stats_documents::import::{Advance, ImportOptions, Input, Progress, import};
use stats_documents::{Archive, ArchiveOptions, Documents, ImportEnding, OpenImport};
use stats_model::DocumentKind;

use crate::open_imports::{KIND, assert_settled, bookmark, broken_off, place, unsettled};
use crate::support::{Place, corpus, document};

/// Does something once while an import runs, after so many lines.
struct Meanwhile<'a>(u64, Option<Box<dyn FnOnce() + 'a>>);

impl Progress for Meanwhile<'_> {
    fn advanced(&mut self, so_far: Advance) {
        if so_far.lines >= self.0
            && let Some(act) = self.1.take()
        {
            act();
        }
    }
}

fn while_importing<'a>(place: &Place, lines: &str, after: u64, act: impl FnOnce() + 'a) {
    let path = place.file("running.ndjson", lines);
    let mut progress = Meanwhile(after, Some(Box::new(act)));
    let options = ImportOptions::default();
    let report = import(vec![Input::Path(path)], &place.archive, &options, &mut progress).unwrap();
    assert!(report.is_complete() && progress.1.is_none(), "{report:?}");
}

/// Nothing more comes of imports that were broken off; gives those that run.
fn accept_loss(place: &Place) -> Vec<OpenImport> {
    let options = ImportOptions { accept_loss: true, ..ImportOptions::default() };
    place.import_with(&[], &options).unwrap().still_running
}

/// The files by which imports show that they run.
fn locks(place: &Place) -> Vec<String> {
    let names = std::fs::read_dir(place.folder.path()).unwrap().map(|entry| entry.unwrap());
    let names = names.map(|entry| entry.file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.contains(".import-")).collect();
    names.sort();
    names
}

fn runs(import: &OpenImport) -> bool {
    import.ending == ImportEnding::Running(Some(std::process::id()))
}

#[test]
fn whoever_accepts_losses_settles_nothing_of_an_import_that_runs() {
    let place = place();
    broken_off(&place, &place.file("other.ndjson", corpus(3, 300)), 1_000);
    let dead = locks(&place);
    assert_eq!(dead.len(), 1);
    while_importing(&place, &corpus(12, 300), 4_000, || {
        let [broken_off, running] = place.archive.open_imports().unwrap()[..] else { panic!() };
        assert!(broken_off.ending == ImportEnding::BrokenOff && runs(&running));
        assert!(running.to_string().contains("is running (process "), "{running}");
        let held = unsettled(&place);
        assert_eq!(accept_loss(&place), [running]);
        // What the other one left is settled, unless it is also of the one that runs.
        assert_eq!(place.archive.open_imports().unwrap(), [running]);
        let left = unsettled(&place);
        assert!(left.len() < held.len() && left.iter().all(|shelf| shelf.year == 2020), "{left:?}");
        let of = place.archive.unsettled(DocumentKind::RecordDelta, &[]).unwrap();
        assert!(of.len() == 9 && of.values().all(|import| *import == running), "{of:?}");
        assert!(!locks(&place).iter().any(|lock| dead.contains(lock)));
    });
    assert_settled(&place);
    assert_eq!(locks(&place), [""; 0]);
    assert_eq!(accept_loss(&place), []);
}

#[test]
fn an_import_that_runs_stays_open_whatever_ends() {
    // It has changed no shelf yet: bookmarks come with its end.
    let place = place();
    let bookmarks: String =
        (0..40_000).map(|n| bookmark(KIND, &format!("c{n}"), "2025-01-01")).collect();
    while_importing(&place, &bookmarks, 20_000, || {
        let running = place.archive.open_imports().unwrap();
        assert!(running.len() == 1 && runs(&running[0]), "{running:?}");
        let whole = place.file("whole.ndjson", document(KIND, "z", "2025-01-01", 1));
        assert!(place.import(&[&whole]).is_complete());
        assert_eq!(place.archive.open_imports().unwrap(), running);
        assert_eq!(accept_loss(&place), running);
        assert_eq!(place.archive.open_imports().unwrap(), running);
    });
    assert_settled(&place);
    // Another one brings all that it wrote: as if it had written nothing, but it goes on.
    let all = corpus(12, 300);
    while_importing(&place, &all, 4_000, || {
        let running = place.archive.open_imports().unwrap();
        assert!(place.import(&[&place.file("same.ndjson", &all)]).is_complete());
        assert_eq!(unsettled(&place), []);
        assert_eq!(place.archive.open_imports().unwrap(), running);
    });
    assert_settled(&place);
}

#[test]
fn everybody_sees_that_an_import_runs() {
    let place = place();
    let folder = tempfile::tempdir().unwrap();
    let link = folder.path().join("link");
    symlink(place.archive.path(), &link).unwrap();
    while_importing(&place, &corpus(12, 300), 4_000, || {
        let through_link = Archive::open_read_only(&link, ArchiveOptions::default()).unwrap();
        let open = through_link.open_imports().unwrap();
        assert!(open.len() == 1 && runs(&open[0]), "{open:?}");
        for kind in DocumentKind::ALL {
            assert!(through_link.unsettled(kind, &[]).unwrap().values().all(runs));
        }
        assert_eq!(accept_loss(&place), open);
        // A copy of the archive is nobody's.
        let copy = folder.path().join("copy");
        place.archive.writer().unwrap().commit().unwrap();
        for end in ["", "-wal", ".import-1"] {
            let from = format!("{}{end}", place.archive.path().display());
            std::fs::copy(from, format!("{}{end}", copy.display())).unwrap();
        }
        let copy = Archive::open(&copy, ArchiveOptions::default()).unwrap();
        assert_eq!(copy.open_imports().unwrap()[0].ending, ImportEnding::BrokenOff);
    });
}

#[test]
fn what_cannot_be_told_is_not_settled() {
    let place = place();
    broken_off(&place, &place.file("all.ndjson", corpus(12, 300)), 4_000);
    let held = unsettled(&place);
    let [lock] = &locks(&place)[..] else { panic!("one import left its lock") };
    let lock = place.folder.path().join(lock);
    std::fs::remove_file(&lock).unwrap();
    // A link to itself cannot be opened by anybody.
    symlink(&lock, &lock).unwrap();
    let unknown = accept_loss(&place);
    assert_eq!(unknown[0].ending, ImportEnding::NotYet, "{unknown:?}");
    assert_eq!(unsettled(&place), held);
    assert_eq!(place.archive.open_imports().unwrap(), unknown);
    std::fs::remove_file(&lock).unwrap();
    assert_eq!(accept_loss(&place), []);
    assert_settled(&place);
}

#[test]
fn an_import_needs_a_number_that_nobody_holds() {
    // Left by an archive that lay here before, and still held.
    let place = place();
    let lock = place.file("archive.import-1", "");
    let held = std::fs::File::open(&lock).unwrap();
    held.lock().unwrap();
    while_importing(&place, &corpus(12, 300), 4_000, || {
        assert!(runs(&place.archive.open_imports().unwrap()[0]));
        assert_eq!(locks(&place), ["archive.import-1", "archive.import-2"]);
    });
    assert_settled(&place);
    assert_eq!(locks(&place), ["archive.import-1"]);
    drop(held);
    assert_eq!(accept_loss(&place), []);
    assert_eq!(locks(&place), [""; 0]);
    // Where it cannot be shown that an import runs, none begins, and the archive is as it was.
    let path = place.file("all.ndjson", corpus(1, 10));
    let next = place.folder.path().join("archive.import-4");
    symlink(&next, &next).unwrap();
    let error = place.import_with(&[&path], &ImportOptions::default()).unwrap_err();
    assert!(error.cause.to_string().contains("archive.import-4"), "{error:?}");
    assert_settled(&place);
    std::fs::remove_file(&next).unwrap();
    assert!(place.import(&[&path]).is_complete());
}
