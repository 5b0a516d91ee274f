//! Altered bits in an archive: what is handed out is what was stored, or an error.
//! `COMMUNITY_STATS_FLIPS` is how many bits are altered, one after the other.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use stats_documents::archive::CommunityEvent;
use stats_documents::{Archive, ArchiveOptions, Directory, Documents, ShelfFilter, SourceError};
use stats_model::{
    Bookmark, Community, Day, DeletionStatus, DocumentKind, Fingerprint, Shelf, Visibility,
};

use crate::support::{Place, corpus};

fn flips() -> u64 {
    let given = std::env::var("COMMUNITY_STATS_FLIPS").ok();
    given.map_or(200, |text| text.parse().expect("a number"))
}

/// Small documents and large ones, and everything that goes with them.
fn whole() -> Vec<u8> {
    let place = Place::new();
    let path = place.file("all.ndjson", corpus(3, 40));
    place.import(&[&path]);
    let mut writer = place.archive.writer().unwrap();
    let day = |year, month, day| Day::new(year, month, day).unwrap();
    for number in 0..60 {
        let community = format!("c{number}");
        let entry = Community {
            id: community.clone(),
            slug: Some(format!("slug-{number}")),
            title: Some(format!("Title {number}")),
            created: Some(day(2019, 5, 6)),
            visibility: Visibility::Public,
            deletion: DeletionStatus::Published,
            dashboard_enabled: Some(number % 2 == 0),
            dashboard_layout: None,
        };
        writer.put_community(&entry).unwrap();
        for kind in DocumentKind::ALL {
            let bookmark = Bookmark { day: day(2020, 2, 12) };
            let id = format!("{}_{community}", kind.bookmark_type());
            writer.put_bookmark(&id, kind, &community, bookmark).unwrap();
        }
        let created = Some(day(2019, 5, 7));
        let event = CommunityEvent { community, day: created, record_created: created };
        writer.put_event(&format!("event-{number}"), &event).unwrap();
    }
    writer.commit().unwrap();
    drop(writer);
    let Place { folder, archive } = place;
    let path = archive.path().to_owned();
    drop(archive);
    let file = std::fs::read(path).unwrap();
    drop(folder);
    file
}

type Read = (String, Day, u64, Vec<u8>);

/// Everything that an archive answers; what it refuses is `None`.
#[derive(Debug, PartialEq)]
struct Answers {
    fingerprints: Vec<Option<BTreeMap<Shelf, Fingerprint>>>,
    documents: BTreeMap<Shelf, Option<Vec<Read>>>,
    bookmarks: Vec<Option<BTreeMap<String, Bookmark>>>,
    one_bookmark: Vec<Option<BTreeMap<String, Bookmark>>>,
    communities: Option<Vec<Community>>,
    events: Option<BTreeMap<String, Day>>,
    first_record: Option<Option<Day>>,
}

fn shelves() -> Vec<Shelf> {
    let kinds = DocumentKind::ALL.into_iter();
    kinds
        .flat_map(|kind| {
            (0..3).map(move |n| Shelf { kind, community: format!("c{n}"), year: 2020 })
        })
        .collect()
}

fn answers(archive: &Archive) -> Answers {
    let every = || DocumentKind::ALL.into_iter();
    let read = |shelf: &Shelf| -> Result<Vec<Read>, SourceError> {
        let mut documents = Vec::new();
        archive.documents(shelf, None, &mut |found| {
            let source = found.source.to_vec();
            documents.push((found.id.to_owned(), found.day, found.sequence, source));
            ControlFlow::Continue(())
        })?;
        Ok(documents)
    };
    let one = ["c7".to_owned()];
    Answers {
        fingerprints: every()
            .map(|kind| archive.fingerprints(kind, &ShelfFilter::default()).ok())
            .collect(),
        documents: shelves().into_iter().map(|shelf| (shelf.clone(), read(&shelf).ok())).collect(),
        bookmarks: every().map(|kind| archive.bookmarks(kind, &[]).ok()).collect(),
        one_bookmark: every().map(|kind| archive.bookmarks(kind, &one).ok()).collect(),
        communities: archive.communities().ok(),
        events: archive.first_events(&[]).ok(),
        first_record: archive.first_record().ok(),
    }
}

/// Names what was answered, and otherwise than it should be.
fn compare<T: PartialEq>(
    what: &str,
    found: &Option<T>,
    right: &Option<T>,
    wrong: &mut Vec<String>,
) {
    if found.is_some() && found != right {
        wrong.push(what.to_owned());
    }
}

fn differences(found: &Answers, right: &Answers) -> Vec<String> {
    let mut wrong = Vec::new();
    for (one, two) in found.fingerprints.iter().zip(&right.fingerprints) {
        compare("fingerprints", one, two, &mut wrong);
    }
    for (shelf, documents) in &found.documents {
        compare(&format!("documents of {shelf}"), documents, &right.documents[shelf], &mut wrong);
    }
    for (one, two) in found.bookmarks.iter().zip(&right.bookmarks) {
        compare("bookmarks", one, two, &mut wrong);
    }
    for (one, two) in found.one_bookmark.iter().zip(&right.one_bookmark) {
        compare("a bookmark", one, two, &mut wrong);
    }
    compare("communities", &found.communities, &right.communities, &mut wrong);
    compare("events", &found.events, &right.events, &mut wrong);
    compare("the first record", &found.first_record, &right.first_record, &mut wrong);
    wrong
}

/// The pages of indices and of the upper parts of tables, by the types of their trees.
fn index_pages(file: &[u8]) -> Vec<usize> {
    const PAGE: usize = 4096;
    (1..file.len() / PAGE).filter(|page| matches!(file[page * PAGE], 2 | 5 | 10)).collect()
}

fn open(path: &Path) -> Result<Archive, SourceError> {
    Archive::open(path, ArchiveOptions::default())
}

#[test]
fn no_altered_bit_makes_another_answer() {
    let whole = whole();
    let pages = index_pages(&whole);
    assert!(pages.len() > 10, "{pages:?}");
    let folder = tempfile::tempdir().unwrap();
    let undamaged = folder.path().join("undamaged.db");
    std::fs::write(&undamaged, &whole).unwrap();
    let right = answers(&open(&undamaged).unwrap());
    assert!(
        right.documents.values().all(|read| read.as_ref().is_some_and(|read| read.len() == 40))
    );
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    let mut seen = 0;
    for flip in 0..flips() {
        let bit = match flip % 2 {
            0 => pages[next(pages.len())] * 4096 * 8 + next(4096 * 8),
            _ => next(whole.len() * 8),
        };
        let path = folder.path().join(format!("archive-{flip}.db"));
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, damaged).unwrap();
        match open(&path) {
            Ok(archive) => {
                let found = answers(&archive);
                seen += u64::from(found != right);
                let wrong = differences(&found, &right);
                assert!(wrong.is_empty(), "bit {bit}: {wrong:?}");
            }
            Err(_) => seen += 1,
        }
        for end in ["", "-wal", "-shm"] {
            drop(std::fs::remove_file(format!("{}{end}", path.display())));
        }
    }
    assert!(seen * 10 > flips(), "damage that nobody sees proves nothing: {seen}");
}

fn as_mirror() -> ArchiveOptions {
    ArchiveOptions { track_use: true, ..ArchiveOptions::default() }
}

#[test]
fn a_damaged_mirror_is_set_aside_and_made_anew() {
    let whole = whole();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mirror.db");
    let (mut aside, mut sound) = (0, 0);
    for page in 1..whole.len() / 4096 {
        let mut damaged = whole.clone();
        damaged[page * 4096..][..32].fill(0xff);
        std::fs::write(&path, damaged).unwrap();
        // Whoever reads on after damage was found marks the file for the next one.
        for _ in 0..2 {
            let (mirror, renamed) = Archive::open_or_remake(&path, as_mirror()).unwrap();
            match renamed {
                Some(renamed) => {
                    assert!(renamed.path.exists() && !renamed.why.is_empty(), "{renamed:?}");
                    assert_eq!(answers(&mirror).communities, Some(Vec::new()));
                    aside += 1;
                    break;
                }
                None => sound += u32::from(answers(&mirror).communities.is_some()),
            }
        }
        for file in std::fs::read_dir(folder.path()).unwrap() {
            std::fs::remove_file(file.unwrap().path()).unwrap();
        }
    }
    assert!(aside > 20 && sound > 20, "{aside} set aside, {sound} opened");
}

#[test]
fn files_of_others_are_not_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mirror.db");
    for content in [
        &b"SQLite format 3\0 of somebody else, with more than a header in it, as one sees"[..],
        b"text",
    ] {
        std::fs::write(&path, content).unwrap();
        assert!(Archive::open_or_remake(&path, as_mirror()).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}
