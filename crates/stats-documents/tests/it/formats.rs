//! Archives in every format that was ever written are still read, and written to.

use std::fs;
use std::io::Cursor;
use std::ops::ControlFlow;

use stats_documents::import::{ImportOptions, Input, LineKind, import};
use stats_documents::{Archive, ArchiveOptions, Documents, ShelfFilter};
use stats_model::{DocumentKind, Shelf};
use stats_testkit::{corpus, fixtures};

const KIND: DocumentKind = DocumentKind::UsageDelta;

fn shelf(community: u32) -> Shelf {
    Shelf { kind: KIND, community: corpus::community(community), year: 2025 }
}

/// The plain documents of a shelf.
fn read(archive: &Archive, shelf: &Shelf) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    archive
        .documents(shelf, None, &mut |document| {
            found.push(document.source.to_vec());
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// What stands in the fixtures of formats 1 to 3, as items in every list and days: three communities
/// without items, of which the last documents were packed with a dictionary, and another one.
const fn size(community: u32) -> (usize, u32) {
    if community < 3 { (0, 270) } else { (1, 3) }
}

/// The documents of it.
fn expected(community: u32) -> Vec<Vec<u8>> {
    let (items, days) = size(community);
    let documents = corpus::documents(KIND.name(), items, days);
    let own = |document: Vec<u8>| {
        let text = String::from_utf8(document).unwrap();
        text.replace(corpus::COMMUNITY, &corpus::community(community)).into_bytes()
    };
    documents.into_iter().map(own).collect()
}

#[test]
fn old_formats_are_read_as_they_are_and_become_the_present_one_when_written_to() {
    for old in [1, 2, 3] {
        is_read_and_becomes_the_present_one(old);
    }
}

fn is_read_and_becomes_the_present_one(old_format: u32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive.db");
    fs::write(&path, fixtures::bytes(format!("formats/v{old_format}/archive.db.gz")).unwrap())
        .unwrap();
    let options = ArchiveOptions::default;
    let format = || {
        let head = fs::read(&path).unwrap();
        u32::from_be_bytes(head[60..64].try_into().unwrap())
    };

    let old = Archive::open_read_only(&path, options()).unwrap();
    for community in 0..4 {
        assert!(read(&old, &shelf(community)) == expected(community), "community {community}");
    }
    assert!(old.open_imports().unwrap().is_empty());
    assert!(old.unsettled(KIND, &[]).unwrap().is_empty());
    assert_eq!(old.index_prefix().unwrap(), None);
    drop(old);
    assert_eq!(format(), old_format, "reading changes nothing");

    let archive = Archive::open(&path, options()).unwrap();
    nothing_of_it_changes_when_it_is_imported_again(&archive);
    let large = corpus::documents(KIND.name(), 40, 5);
    let mut writer = archive.writer().unwrap();
    for (day, document) in large.iter().enumerate() {
        writer.put_document(KIND, &format!("large-{day}"), document, None).unwrap();
    }
    writer.commit().unwrap();
    drop(writer);
    for community in 0..4 {
        assert!(read(&archive, &shelf(community)) == expected(community), "community {community}");
    }
    let shelf = Shelf { community: corpus::COMMUNITY.to_owned(), ..shelf(0) };
    assert!(read(&archive, &shelf) == large);
    drop(archive);
    assert_eq!(format(), 4);
}

/// Whatever digests its rows have.
fn nothing_of_it_changes_when_it_is_imported_again(archive: &Archive) {
    let fingerprints = || archive.fingerprints(KIND, &ShelfFilter::default()).unwrap();
    let before = fingerprints();
    let exports = (0..4).map(|community| {
        let (items, days) = size(community);
        corpus::export(&[KIND.name()], items, days, community)
    });
    let export: String = exports.collect();
    for options in
        [ImportOptions::default(), ImportOptions { replace: true, ..ImportOptions::default() }]
    {
        let reader = Box::new(Cursor::new(export.clone().into_bytes()));
        let inputs = vec![Input::Reader { name: "export".to_owned(), reader }];
        let report = import(inputs, archive, &options, &mut ()).unwrap();
        let counts = &report.kinds[&LineKind::Documents(KIND)];
        assert_eq!((counts.unchanged, counts.replaced), (3 * 270 + 3, 0), "{report:?}");
        assert_eq!(fingerprints(), before);
    }
    for community in 0..4 {
        assert!(read(archive, &shelf(community)) == expected(community), "community {community}");
    }
}
