//! Mirrors: that of an archive, with its source and without it; others use what is here for theirs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use stats_documents::archive::CommunityEvent;
use stats_documents::contract::{
    DirectoryHarness, FeedHarness, GivenBookmark, GivenDocument, Writer,
};
use stats_documents::{
    Archive, ArchiveOptions, Directory, Feed, Mirror, MirrorOptions, ShelfFilter, Source,
};
use stats_model::{Community, DocumentKind};
use tempfile::TempDir;

use crate::support::Place;

mod of_an_archive {
    use super::{MirrorOptions, Mirrored, Place, of_an_archive};

    fn start() -> Option<Mirrored<Place>> {
        Some(of_an_archive(MirrorOptions::default()))
    }

    stats_documents::feed_contract! {
        start: start,
        equal_writes_keep_their_numbers: true,
        bytes_are_kept: true,
        kinds_have_indices: false,
        shelves_are_there_throughout: true,
        longest_id: 8 * 1024,
    }
    stats_documents::directory_contract! { start: start }
}

mod without_its_source {
    use super::Offline;

    stats_documents::feed_contract! {
        start: || Some(Offline::new()),
        equal_writes_keep_their_numbers: true,
        bytes_are_kept: true,
        kinds_have_indices: false,
        shelves_are_there_throughout: false,
        longest_id: 8 * 1024,
    }
    stats_documents::directory_contract! { start: || Some(Offline::new()) }
}

/// A mirror that asks its source every time, and the harness that fills that source.
pub(crate) struct Mirrored<H> {
    remote: H,
    mirror: Mirror,
    _folder: TempDir,
}

impl<H> Mirrored<H> {
    pub(crate) fn new(remote: H, source: impl Into<Source>, options: MirrorOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = MirrorOptions { believe: Duration::ZERO, ..options };
        let mirror = Mirror::new(source, open(&folder.path().join("mirror.db")), options);
        Self { remote, mirror, _folder: folder }
    }
}

fn of_an_archive(options: MirrorOptions) -> Mirrored<Place> {
    let remote = Place::new();
    let source = Arc::new(open(remote.archive.path()));
    Mirrored::new(remote, source, options)
}

fn open(path: &Path) -> Archive {
    Archive::open(path, ArchiveOptions::default()).unwrap()
}

impl<H: FeedHarness> FeedHarness for Mirrored<H> {
    fn feed(&self) -> &dyn Feed {
        &self.mirror
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.remote.put(documents);
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.remote.remove(kind, ids);
    }

    fn remove_kind(&mut self, kind: DocumentKind) {
        self.remote.remove_kind(kind);
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        self.remote.put_bookmarks(bookmarks);
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.remote.remove_bookmarks(ids);
    }

    fn writer(&self) -> Writer<'_> {
        self.remote.writer()
    }
}

impl<H: DirectoryHarness> DirectoryHarness for Mirrored<H> {
    fn directory(&self) -> &dyn Directory {
        &self.mirror
    }

    fn put_communities(&mut self, communities: &[Community]) {
        self.remote.put_communities(communities);
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.remote.remove_communities(ids);
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        self.remote.put_events(events);
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.remote.remove_events(ids);
    }
}

/// What a mirror has without its source, once it was brought up to date.
struct Offline {
    mirrored: Mirrored<Place>,
    offline: Mirror,
}

impl Offline {
    /// Every sync copies everything, also bookmarks that moved without their documents.
    fn new() -> Self {
        let always = MirrorOptions { compare_all: Duration::ZERO, ..MirrorOptions::default() };
        let mirrored = of_an_archive(always);
        let offline = Self::synced(&mirrored);
        Self { mirrored, offline }
    }

    fn synced(mirrored: &Mirrored<Place>) -> Mirror {
        let mirror = &mirrored.mirror;
        let synced =
            mirror.sync(&ShelfFilter::default(), 2, &AtomicBool::new(false), &|_, _| {}).unwrap();
        assert!(synced.failures.is_empty() && synced.missing.is_empty(), "{synced:?}");
        assert!(synced.withheld.is_empty(), "{synced:?}");
        let path = mirror.archive().path();
        Mirror::offline(Archive::open_read_only(path, ArchiveOptions::default()).unwrap())
    }

    fn after(&mut self, write: impl FnOnce(&mut Mirrored<Place>)) {
        write(&mut self.mirrored);
        self.offline = Self::synced(&self.mirrored);
    }
}

impl FeedHarness for Offline {
    fn feed(&self) -> &dyn Feed {
        &self.offline
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        self.after(|mirrored| mirrored.put(documents));
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove(kind, ids));
    }

    fn remove_kind(&mut self, kind: DocumentKind) {
        self.after(|mirrored| mirrored.remove_kind(kind));
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        self.after(|mirrored| mirrored.put_bookmarks(bookmarks));
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove_bookmarks(ids));
    }

    fn writer(&self) -> Writer<'_> {
        let writer = self.mirrored.writer();
        Box::new(move |documents| {
            writer(documents);
            drop(Self::synced(&self.mirrored));
        })
    }
}

impl DirectoryHarness for Offline {
    fn directory(&self) -> &dyn Directory {
        &self.offline
    }

    fn put_communities(&mut self, communities: &[Community]) {
        self.after(|mirrored| mirrored.put_communities(communities));
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove_communities(ids));
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        self.after(|mirrored| mirrored.put_events(events));
    }

    fn remove_events(&mut self, ids: &[&str]) {
        self.after(|mirrored| mirrored.remove_events(ids));
    }
}
