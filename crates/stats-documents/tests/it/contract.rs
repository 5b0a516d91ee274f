//! The archive, and a mirror in front of it, pass the suite that every source passes.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use stats_documents::archive::CommunityEvent;
use stats_documents::contract::{CASES, GivenBookmark, GivenDocument, Harness, Writer, check_all};
use stats_documents::{
    Archive, ArchiveOptions, DocumentSource, Mirror, MirrorOptions, ShelfFilter,
};
use stats_model::{Community, DocumentKind};

use crate::support::Place;

impl Harness for Place {
    fn source(&self) -> &dyn DocumentSource {
        &self.archive
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        let mut writer = self.archive.writer().unwrap();
        for document in documents {
            writer
                .put_document(document.kind, &document.id, document.source.as_bytes(), None)
                .unwrap();
        }
        writer.commit().unwrap();
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        let mut writer = self.archive.writer().unwrap();
        for id in ids {
            writer.remove_document(kind, id).unwrap();
        }
        writer.commit().unwrap();
    }

    fn put_communities(&mut self, communities: &[Community]) {
        let mut writer = self.archive.writer().unwrap();
        for community in communities {
            writer.put_community(community).unwrap();
        }
        writer.commit().unwrap();
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        let mut writer = self.archive.writer().unwrap();
        for it in bookmarks {
            writer.put_bookmark(&it.id, it.kind, &it.community, it.bookmark).unwrap();
        }
        writer.commit().unwrap();
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        let mut writer = self.archive.writer().unwrap();
        for (id, event) in events {
            writer.put_event(id, event).unwrap();
        }
        writer.commit().unwrap();
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.keep_others("bookmarks", ids);
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.keep_others("communities", ids);
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.keep_others("events", ids);
    }

    fn writer(&self) -> Writer<'_> {
        let archive = Archive::open(self.archive.path(), ArchiveOptions::default()).unwrap();
        Box::new(move |documents| {
            let mut writer = archive.writer().unwrap();
            for it in documents {
                writer.put_document(it.kind, &it.id, it.source.as_bytes(), None).unwrap();
            }
            writer.commit().unwrap();
        })
    }
}

impl Place {
    /// Takes the entries with these ids away, as a mirror does: it keeps the others.
    fn keep_others(&self, what: &str, ids: &[&str]) {
        let connection = rusqlite::Connection::open(self.archive.path()).unwrap();
        let mut statement = connection.prepare(&format!("SELECT id FROM {what}")).unwrap();
        let known = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let mut kept: BTreeSet<String> = known.map(Result::unwrap).collect();
        kept.retain(|id| !ids.contains(&id.as_str()));
        let mut writer = self.archive.writer().unwrap();
        match what {
            "bookmarks" => writer.retain_bookmarks(&kept),
            "communities" => writer.retain_communities(&kept),
            _ => writer.retain_events(&kept),
        }
        .unwrap();
        writer.commit().unwrap();
    }
}

#[test]
fn archive() {
    check_all(Place::new);
}

#[test]
fn archive_that_commits_after_every_document() {
    check_all(|| Place::with(ArchiveOptions { batch_bytes: 1, ..ArchiveOptions::default() }));
}

#[test]
fn archive_that_tracks_use() {
    for (_, case) in CASES {
        case(&mut Place::with(ArchiveOptions { track_use: true, ..ArchiveOptions::default() }));
    }
}

/// An archive behind a mirror that asks it every time.
struct Mirrored {
    remote: Place,
    mirror: Mirror,
    _folder: tempfile::TempDir,
}

impl Mirrored {
    fn new() -> Self {
        Self::with(MirrorOptions::default())
    }

    fn with(options: MirrorOptions) -> Self {
        let remote = Place::new();
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path| Archive::open(path, ArchiveOptions::default()).unwrap();
        let source = Arc::new(open(remote.archive.path()));
        let options = MirrorOptions { believe: Duration::ZERO, ..options };
        let mirror = Mirror::new(source, open(&folder.path().join("mirror.db")), options);
        Self { remote, mirror, _folder: folder }
    }
}

impl Harness for Mirrored {
    fn source(&self) -> &dyn DocumentSource {
        &self.mirror
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.remote.put(documents);
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.remote.remove(kind, ids);
    }

    fn put_communities(&mut self, communities: &[Community]) {
        self.remote.put_communities(communities);
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        self.remote.put_bookmarks(bookmarks);
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        self.remote.put_events(events);
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.remote.remove_bookmarks(ids);
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.remote.remove_communities(ids);
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.remote.remove_events(ids);
    }

    fn writer(&self) -> Writer<'_> {
        self.remote.writer()
    }
}

#[test]
fn mirror_of_an_archive() {
    check_all(Mirrored::new);
}

/// What a mirror has without its source, once it was brought up to date.
struct Offline {
    mirrored: Mirrored,
    offline: Mirror,
}

impl Offline {
    /// Every sync copies everything, also bookmarks that moved without their documents.
    fn new() -> Self {
        let always = MirrorOptions { compare_all: Duration::ZERO, ..MirrorOptions::default() };
        let mirrored = Mirrored::with(always);
        let offline = Self::synced(&mirrored);
        Self { mirrored, offline }
    }

    fn synced(mirrored: &Mirrored) -> Mirror {
        let mirror = &mirrored.mirror;
        let synced =
            mirror.sync(&ShelfFilter::default(), 2, &AtomicBool::new(false), &|_, _| {}).unwrap();
        assert!(synced.failures.is_empty() && synced.missing.is_empty(), "{synced:?}");
        assert!(synced.withheld.is_empty(), "{synced:?}");
        let path = mirror.archive().path();
        Mirror::offline(Archive::open_read_only(path, ArchiveOptions::default()).unwrap())
    }

    fn after(&mut self, write: impl FnOnce(&mut Mirrored)) {
        write(&mut self.mirrored);
        self.offline = Self::synced(&self.mirrored);
    }
}

impl Harness for Offline {
    fn source(&self) -> &dyn DocumentSource {
        &self.offline
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.after(|mirrored| mirrored.put(documents));
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove(kind, ids));
    }

    fn put_communities(&mut self, communities: &[Community]) {
        self.after(|mirrored| mirrored.put_communities(communities));
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        self.after(|mirrored| mirrored.put_bookmarks(bookmarks));
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        self.after(|mirrored| mirrored.put_events(events));
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove_bookmarks(ids));
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove_communities(ids));
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove_events(ids));
    }

    fn writer(&self) -> Writer<'_> {
        let writer = self.mirrored.writer();
        Box::new(move |documents| {
            writer(documents);
            drop(Self::synced(&self.mirrored));
        })
    }
}

#[test]
fn mirror_without_its_source() {
    check_all(Offline::new);
}
