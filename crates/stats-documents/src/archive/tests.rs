//! What only the inside can see: numbers of shelves against the documents themselves.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stats_model::{Day, DocumentKind, Fingerprint, Shelf};

use super::time::{day_of, number_of};
use super::*;
use crate::locked::lock;
use crate::{Amiss, Documents, ShelfFilter, SourceErrorKind};

fn source(community: &str, day: &str, value: u32) -> String {
    format!(r#"{{"community_id":"{community}","snapshot_date":"{day}T00:00:00","n":{value}}}"#)
}

fn archive() -> (tempfile::TempDir, Archive) {
    let folder = tempfile::tempdir().unwrap();
    let archive = Archive::open(folder.path().join("a"), ArchiveOptions::default()).unwrap();
    (folder, archive)
}

const KIND: DocumentKind = DocumentKind::RecordSnapshot;

#[test]
fn days_are_numbers_and_back() {
    let day: Day = "2025-03-09".parse().unwrap();
    assert_eq!(number_of(day), 20_250_309);
    assert_eq!(day_of(20_250_309), Some(day));
    for number in [0, -20_250_309, 20_250_229, 20_251_301, i64::MAX] {
        assert_eq!(day_of(number), None);
    }
}

#[test]
fn a_document_moves_between_shelves() {
    let (_folder, archive) = archive();
    let mut writer = archive.writer().unwrap();
    let put = |writer: &mut ArchiveWriter<'_>, community, day| {
        writer.put_document(KIND, "x", source(community, day, 1).as_bytes(), None).unwrap()
    };
    assert_eq!(put(&mut writer, "a", "2024-12-31"), Put::New);
    assert_eq!(put(&mut writer, "a", "2024-12-31"), Put::Unchanged);
    assert_eq!(put(&mut writer, "a", "2025-01-01"), Put::Replaced);
    assert_eq!(put(&mut writer, "b", "2025-01-01"), Put::Replaced);
    writer.commit().unwrap();
    let shelves = archive.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    let shelf = Shelf { kind: KIND, community: "b".to_owned(), year: 2025 };
    assert_eq!(shelves.into_iter().collect::<Vec<_>>(), [(shelf, Fingerprint::of([3]))]);
    assert_eq!(archive.stats().unwrap().shelves, 1);
    let bodies: u64 = archive
        .ask(|connection| connection.query_row("SELECT count(*) FROM bodies", [], |row| row.get(0)))
        .unwrap();
    assert_eq!(bodies, 1);
}

fn put_and_commit(archive: &Archive, id: &str) {
    let mut writer = archive.writer().unwrap();
    writer.put_document(KIND, id, source("a", "2025-01-01", 1).as_bytes(), None).unwrap();
    writer.commit().unwrap();
}

#[test]
fn writers_take_over_a_connection_that_nothing_went_wrong_on() {
    let (_folder, archive) = archive();
    let waits = || lock(&archive.idle_writer).is_some();
    put_and_commit(&archive, "x");
    assert!(waits());
    let mut writer = archive.writer().unwrap();
    assert!(!waits());
    writer.put_document(KIND, "y", source("a", "2025-01-02", 1).as_bytes(), None).unwrap();
    drop(writer);
    assert!(!waits(), "what was not committed ends with its connection");
    assert_eq!(archive.stats().unwrap().documents[&KIND], 1);
    let mut writer = archive.writer().unwrap();
    let failed = writer.write(|connection, _| connection.execute_batch("SELECT nothing"));
    assert!(failed.is_err());
    drop(writer);
    assert!(!waits());
    put_and_commit(&archive, "y");
    assert!(waits());
    assert_eq!(archive.stats().unwrap().documents[&KIND], 2);
}

#[test]
fn a_writer_writes_into_the_file_that_lies_there_now() {
    let (folder, archive) = archive();
    put_and_commit(&archive, "x");
    for name in ["a", "a-wal", "a-shm"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    let gone = archive.writer().unwrap_err();
    assert_eq!(gone.kind(), SourceErrorKind::Own(Amiss::NotFound));
    let other = Archive::open(folder.path().join("a"), ArchiveOptions::default()).unwrap();
    put_and_commit(&archive, "y");
    put_and_commit(&archive, "z");
    assert_eq!(other.stats().unwrap().documents[&KIND], 2);
}

#[derive(Debug, Clone)]
enum Step {
    Put { id: u8, community: u8, day: u8, value: u8 },
    Remove { id: u8 },
    Commit,
    Rollback,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..12u8, 0..3u8, 0..4u8, 0..3u8)
            .prop_map(|(id, community, day, value)| Step::Put { id, community, day, value }),
        2 => (0..12u8).prop_map(|id| Step::Remove { id }),
        2 => Just(Step::Commit),
        1 => Just(Step::Rollback),
    ]
}

/// The documents of a simple archive: by id their community, day, value and number.
type Model = BTreeMap<String, (String, String, u32, u64)>;

fn check(archive: &Archive, model: &Model) {
    let mut shelves: BTreeMap<Shelf, Vec<(String, String, u64, u32)>> = BTreeMap::new();
    for (id, (community, day, value, number)) in model {
        let year = day[..4].parse().unwrap();
        let shelf = Shelf { kind: KIND, community: community.clone(), year };
        shelves.entry(shelf).or_default().push((day.clone(), id.clone(), *number, *value));
    }
    let found = archive.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    assert!(found.keys().eq(shelves.keys()));
    let mut plain = 0;
    for (shelf, mut documents) in shelves {
        documents.sort();
        let numbers = documents.iter().map(|(_, _, number, _)| *number);
        assert_eq!(found[&shelf], Fingerprint::of(numbers));
        let manifest = archive.manifest(&shelf).unwrap();
        let manifest =
            manifest.into_iter().map(|entry| (entry.day.to_string(), entry.id, entry.sequence));
        assert!(manifest.eq(documents.iter().map(|(day, id, number, _)| (
            day.clone(),
            id.clone(),
            *number
        ))));
        let mut documents = documents.into_iter();
        archive
            .documents(&shelf, None, &mut |document| {
                let (day, id, number, value) = documents.next().unwrap();
                assert_eq!((document.id, document.sequence), (id.as_str(), number));
                assert_eq!(document.source, source(&shelf.community, &day, value).as_bytes());
                plain += document.source.len() as u64;
                std::ops::ControlFlow::Continue(())
            })
            .unwrap();
        assert!(documents.next().is_none());
    }
    let stats = archive.stats().unwrap();
    assert_eq!(stats.plain_bytes, plain);
    assert_eq!(stats.documents.values().sum::<u64>(), model.len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_writes_equals_a_simple_model(steps in prop::collection::vec(step(), 1..60)) {
        let (_folder, archive) = archive();
        let mut writer = archive.writer().unwrap();
        let (mut committed, mut committed_number) = (Model::new(), 0);
        let (mut model, mut number) = (Model::new(), 0);
        for step in steps.into_iter().chain([Step::Commit]) {
            match step {
                Step::Put { id, community, day, value } => {
                    let id = format!("id-{id}");
                    let community = format!("c{community}");
                    let day = ["2024-12-30", "2024-12-31", "2025-01-01", "2025-01-02"][usize::from(day)];
                    let text = source(&community, day, value.into());
                    let put = writer.put_document(KIND, &id, text.as_bytes(), None).unwrap();
                    let known = model.get(&id);
                    let same = known.is_some_and(|known| {
                        (known.0.as_str(), known.1.as_str(), known.2) == (community.as_str(), day, value.into())
                    });
                    let expected = if same { Put::Unchanged } else if known.is_some() { Put::Replaced } else { Put::New };
                    assert_eq!(put, expected);
                    if !same {
                        number += 1;
                        model.insert(id, (community, day.to_owned(), value.into(), number));
                    }
                }
                Step::Remove { id } => {
                    let id = format!("id-{id}");
                    let was_there = model.remove(&id).is_some();
                    number += u64::from(was_there);
                    assert_eq!(writer.remove_document(KIND, &id).unwrap(), was_there);
                }
                Step::Commit => {
                    writer.commit().unwrap();
                    (committed, committed_number) = (model.clone(), number);
                    check(&archive, &committed);
                }
                Step::Rollback => {
                    writer = archive.writer().unwrap();
                    (model, number) = (committed.clone(), committed_number);
                }
            }
        }
        assert_eq!(archive.stats().unwrap().sequence, committed_number);
    }
}
