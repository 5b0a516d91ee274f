//! Archives with different options.

use std::collections::BTreeSet;

use stats_documents::archive::CommunityEvent;
use stats_documents::contract::{
    DirectoryHarness, FeedHarness, GivenBookmark, GivenDocument, Writer,
};
use stats_documents::{
    Archive, ArchiveOptions, ArchiveWriter, Directory, Documents, Feed, ShelfFilter, SourceError,
};
use stats_model::{Community, DocumentKind};

use crate::support::Place;

/// The longest id that the suite tries.
const LONGEST_ID: usize = 8 * 1024;

mod usual {
    stats_documents::feed_contract! {
        start: || Some(super::Place::new()),
        equal_writes_keep_their_numbers: true,
        bytes_are_kept: true,
        kinds_have_indices: false,
        shelves_are_there_throughout: true,
        longest_id: super::LONGEST_ID,
    }
    stats_documents::directory_contract! { start: || Some(super::Place::new()) }
}

mod that_commits_after_every_document {
    use super::{ArchiveOptions, LONGEST_ID, Place};

    fn start() -> Option<Place> {
        Some(Place::with(ArchiveOptions { batch_bytes: 1, ..ArchiveOptions::default() }))
    }

    stats_documents::feed_contract! {
        start: start,
        equal_writes_keep_their_numbers: true,
        bytes_are_kept: true,
        kinds_have_indices: false,
        shelves_are_there_throughout: true,
        longest_id: LONGEST_ID,
    }
    stats_documents::directory_contract! { start: start }
}

mod that_tracks_use {
    use super::{ArchiveOptions, LONGEST_ID, Place};

    fn start() -> Option<Place> {
        Some(Place::with(ArchiveOptions { track_use: true, ..ArchiveOptions::default() }))
    }

    stats_documents::feed_contract! {
        start: start,
        equal_writes_keep_their_numbers: true,
        bytes_are_kept: true,
        kinds_have_indices: false,
        shelves_are_there_throughout: true,
        longest_id: LONGEST_ID,
    }
    stats_documents::directory_contract! { start: start }
}

impl FeedHarness for Place {
    fn feed(&self) -> &dyn Feed {
        &self.archive
    }

    fn put(&mut self, documents: &[GivenDocument]) {
        put_into(&self.archive, documents);
    }

    fn remove(&mut self, kind: DocumentKind, ids: &[&str]) {
        write(&self.archive, |writer| {
            for id in ids {
                writer.remove_document(kind, id)?;
            }
            Ok(())
        });
    }

    fn remove_kind(&mut self, kind: DocumentKind) {
        let shelves = self.archive.fingerprints(kind, &ShelfFilter::default()).unwrap();
        for shelf in shelves.keys() {
            let documents = self.archive.manifest(shelf).unwrap();
            let ids: Vec<&str> = documents.iter().map(|it| it.id.as_str()).collect();
            self.remove(kind, &ids);
        }
    }

    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]) {
        write(&self.archive, |writer| {
            for it in bookmarks {
                writer.put_bookmark(&it.id, it.kind, &it.community, it.bookmark)?;
            }
            Ok(())
        });
    }

    fn remove_bookmarks(&mut self, ids: &[&str]) {
        let kept = self.others("bookmarks", ids);
        write(&self.archive, |writer| writer.retain_bookmarks(&kept));
    }

    fn writer(&self) -> Writer<'_> {
        let archive = Archive::open(self.archive.path(), ArchiveOptions::default()).unwrap();
        Box::new(move |documents| put_into(&archive, documents))
    }
}

impl DirectoryHarness for Place {
    fn directory(&self) -> &dyn Directory {
        &self.archive
    }

    fn put_communities(&mut self, communities: &[Community]) {
        write(&self.archive, |writer| {
            for community in communities {
                writer.put_community(community)?;
            }
            Ok(())
        });
    }

    fn remove_communities(&mut self, ids: &[&str]) {
        let kept = self.others("communities", ids);
        write(&self.archive, |writer| writer.retain_communities(&kept));
    }

    fn put_events(&mut self, events: &[(&str, CommunityEvent)]) {
        write(&self.archive, |writer| {
            for (id, event) in events {
                writer.put_event(id, event)?;
            }
            Ok(())
        });
    }

    fn remove_events(&mut self, ids: &[&str]) {
        let kept = self.others("events", ids);
        write(&self.archive, |writer| writer.retain_events(&kept));
    }
}

impl Place {
    /// The ids of a table without these: what is kept when they are taken away, as a mirror does it.
    fn others(&self, table: &str, ids: &[&str]) -> BTreeSet<String> {
        let connection = rusqlite::Connection::open(self.archive.path()).unwrap();
        let mut statement = connection.prepare(&format!("SELECT id FROM {table}")).unwrap();
        let known = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        known.map(Result::unwrap).filter(|id| !ids.contains(&id.as_str())).collect()
    }
}

fn put_into(archive: &Archive, documents: &[GivenDocument]) {
    write(archive, |writer| {
        for it in documents {
            writer.put_document(it.kind, &it.id, it.source.as_bytes(), None)?;
        }
        Ok(())
    });
}

fn write<T>(
    archive: &Archive,
    each: impl FnOnce(&mut ArchiveWriter<'_>) -> Result<T, SourceError>,
) {
    let mut writer = archive.writer().unwrap();
    each(&mut writer).unwrap();
    writer.commit().unwrap();
}
