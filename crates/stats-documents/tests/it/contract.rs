//! The archive, and a mirror in front of it, pass the suite that every source passes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use stats_documents::archive::CommunityEvent;
use stats_documents::contract::{CASES, GivenBookmark, GivenDocument, Harness, check_all};
use stats_documents::{Archive, ArchiveOptions, Community, DocumentSource, Mirror, MirrorOptions};
use stats_series::DocumentKind;

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
        let remote = Place::new();
        let folder = tempfile::tempdir().unwrap();
        let open = |path: &Path| Archive::open(path, ArchiveOptions::default()).unwrap();
        let source = Arc::new(open(remote.archive.path()));
        let options = MirrorOptions { believe: Duration::ZERO, ..MirrorOptions::default() };
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
}

#[test]
fn mirror_of_an_archive() {
    check_all(Mirrored::new);
}
