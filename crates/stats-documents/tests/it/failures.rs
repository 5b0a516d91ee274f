//! Files that are no archive, damaged ones, newer ones, full disks, locks.

use std::time::Duration;

use rusqlite::Connection;
use stats_documents::contract::given;
use stats_documents::{Amiss, Archive, ArchiveOptions, Documents, SourceError, SourceErrorKind};
use stats_model::{DocumentKind, Shelf};

use crate::support::{Place, contents, corpus, fingerprints};

const KIND: DocumentKind = DocumentKind::RecordDelta;

fn open(place: &Place, name: &str) -> Result<Archive, SourceError> {
    Archive::open(place.folder.path().join(name), ArchiveOptions::default())
}

fn put(archive: &Archive, n: u32) {
    let document = given(KIND, &format!("x{n}"), "a", &format!("2025-01-{n:02}"), n);
    let mut writer = archive.writer().unwrap();
    writer.put_document(KIND, &document.id, document.source.as_bytes(), None).unwrap();
    writer.commit().unwrap();
}

fn read(archive: &Archive) -> Result<usize, SourceError> {
    let shelf = Shelf { kind: KIND, community: "a".to_owned(), year: 2025 };
    let mut seen = 0;
    archive.documents(&shelf, None, &mut |_| {
        seen += 1;
        std::ops::ControlFlow::Continue(())
    })?;
    Ok(seen)
}

/// Changes the file behind the archive's back.
fn meddle(archive: &Archive, sql: &str) {
    Connection::open(archive.path()).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn files_that_are_no_archive() {
    let place = Place::new();
    place.file("text", "This is a text, long enough to be no empty file of any kind.".repeat(50));
    let error = open(&place, "text").unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Damaged);
    assert!(error.to_string().contains("no archive"), "{error}");

    let other = place.folder.path().join("other");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let before = std::fs::read(&other).unwrap();
    let error = open(&place, "other").unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Damaged);
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(std::fs::read(&other).unwrap(), before, "left as it was");

    assert_eq!(open(&place, "no/such/folder").unwrap_err().kind(), SourceErrorKind::Unreachable);
    let missing = place.folder.path().join("missing");
    let error = Archive::open_read_only(&missing, ArchiveOptions::default()).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Own(Amiss::NotFound));
    assert!(!missing.exists());
}

#[test]
fn an_empty_file_becomes_an_archive() {
    let place = Place::new();
    place.file("empty", "");
    let archive = open(&place, "empty").unwrap();
    put(&archive, 1);
    assert_eq!(read(&archive).unwrap(), 1);
}

#[test]
fn a_newer_format_is_refused() {
    let place = Place::new();
    meddle(&place.archive, "PRAGMA user_version = 5");
    let path = place.archive.path().to_owned();
    for result in [
        Archive::open(&path, ArchiveOptions::default()),
        Archive::open_read_only(&path, ArchiveOptions::default()),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::NewerFormat);
        assert!(error.to_string().contains("format 5"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let mut writer = place.archive.writer().unwrap();
    writer
        .put_document(KIND, "x", given(KIND, "x", "a", "2025-01-01", 1).source.as_bytes(), None)
        .unwrap();
    writer.commit().unwrap();
    for entry in std::fs::read_dir(place.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let path = place.archive.path();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
    open(&place, "archive").unwrap();
    assert_eq!(mode(path), 0o600, "taken away when it is opened");
}

#[test]
fn read_only_reads_and_does_not_write() {
    let place = Place::new();
    put(&place.archive, 1);
    let archive = Archive::open_read_only(place.archive.path(), ArchiveOptions::default()).unwrap();
    assert_eq!(read(&archive).unwrap(), 1);
    put(&place.archive, 2);
    assert_eq!(read(&archive).unwrap(), 2);
    assert_eq!(archive.writer().unwrap_err().kind(), SourceErrorKind::Refused);
    drop(place.archive);
    assert_eq!(read(&archive).unwrap(), 2);
}

#[test]
fn damaged_contents_are_never_handed_over() {
    let cases = [
        "UPDATE bodies SET content = substr(content, 1, length(content) - 3)",
        "UPDATE bodies SET content = zeroblob(40)",
        "UPDATE documents SET plain = plain + 1",
        "UPDATE documents SET plain = 1 << 60",
        "UPDATE bodies SET dictionary = 77",
        "DELETE FROM bodies",
        "DELETE FROM documents WHERE id = 'x1'",
        "UPDATE documents SET day = 20251399",
        "UPDATE documents SET sequence = -1",
    ];
    for sql in cases {
        let place = Place::new();
        put(&place.archive, 1);
        put(&place.archive, 2);
        assert_eq!(read(&place.archive).unwrap(), 2);
        meddle(&place.archive, sql);
        let error = read(&place.archive).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::Damaged, "{sql}: {error:?}");
    }
}

#[test]
fn flipped_bytes_in_the_file_are_errors_or_harmless() {
    let place = Place::new();
    let path = place.file("all.ndjson", corpus(3, 28));
    place.import(&[&path]);
    meddle(&place.archive, "PRAGMA wal_checkpoint(TRUNCATE)");
    let expected = contents(&place.archive);
    let file = std::fs::read(place.archive.path()).unwrap();
    for n in 0..60 {
        let mut damaged = file.clone();
        for byte in &mut damaged[n * file.len() / 60..][..64] {
            *byte ^= 0x55;
        }
        let name = format!("damaged-{n}");
        place.file(&name, damaged);
        let Ok(archive) = open(&place, &name) else { continue };
        let Ok(shelves) = archive.fingerprints(KIND, &Default::default()) else { continue };
        for shelf in shelves.into_keys() {
            let mut found = Vec::new();
            let result = archive.documents(&shelf, None, &mut |document| {
                found.push(((KIND, document.id.to_owned()), document.source.to_vec()));
                std::ops::ControlFlow::Continue(())
            });
            if result.is_ok() {
                for (key, source) in found {
                    assert!(expected.get(&key).is_none_or(|expected| *expected == source));
                }
            }
        }
    }
}

#[test]
fn a_full_disk_keeps_what_was_committed() {
    let options = ArchiveOptions {
        limit_bytes: Some(300_000),
        batch_bytes: 50_000,
        ..ArchiveOptions::default()
    };
    let place = Place::with(options);
    let path = place.file("all.ndjson", corpus(20, 200));
    let error = place.import_with(&[&path], &Default::default()).unwrap_err();
    assert_eq!(error.cause.kind(), SourceErrorKind::Full, "{error:?}");
    let stored = contents(&place.archive);
    assert_eq!(stored.len() as u64, error.report.total().new);
    assert!(place.archive.stats().unwrap().file_bytes <= 300_000);
    // With room, the same import completes.
    let path_of_archive = place.archive.path().to_owned();
    let archive = Archive::open(path_of_archive, ArchiveOptions::default()).unwrap();
    let place = Place { folder: place.folder, archive };
    let report = place.import(&[&path]);
    assert_eq!(report.total().unchanged, stored.len() as u64);
    assert_eq!(contents(&place.archive).len(), 16_000);
}

#[test]
fn a_writer_waits_for_its_turn_only_so_long() {
    let options =
        ArchiveOptions { busy_timeout: Duration::from_millis(50), ..ArchiveOptions::default() };
    let place = Place::with(options);
    put(&place.archive, 1);
    let mut first = place.archive.writer().unwrap();
    first.remove_document(KIND, "x1").unwrap();
    let mut second = place.archive.writer().unwrap();
    let error = second.remove_document(KIND, "x1").unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Busy);
    assert!(error.to_string().contains("another process"), "{error}");
    assert_eq!(read(&place.archive).unwrap(), 1, "readers do not wait");
    drop(first);
    assert!(second.remove_document(KIND, "x1").unwrap(), "what was not committed is gone");
    second.commit().unwrap();
    assert!(fingerprints(&place.archive).is_empty());
}

#[test]
fn a_refused_document_leaves_the_batch_as_it_was() {
    let place = Place::new();
    let mut writer = place.archive.writer().unwrap();
    let good = given(KIND, "x", "a", "2025-01-01", 1);
    writer.put_document(KIND, "x", good.source.as_bytes(), None).unwrap();
    let error = writer.put_document(KIND, "y", b"{}", None).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Refused);
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "no community_id");
    writer.commit().unwrap();
    assert_eq!(read(&place.archive).unwrap(), 1);
}
