//! The documents of a simulation as a process sees them.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stats_documents::{
    Amiss, Changes, Directory, Document, Documents, Feed, Pulse, ShelfFilter, SourceError,
    SourceErrorKind, Visit,
};
use stats_model::{
    Bookmark, Community, Day, DocumentKind, Fingerprint, ManifestEntry, Position, PositionMark,
    Shelf,
};

use super::library::KINDS;
use super::ports::Port;
use super::world::{Core, Fate, Risk};

pub(super) struct SimSource(pub(super) Port);

const HISTORY: &str = "simulated";
const ASK: Risk = Risk { point: "source asked", fails: 4, unknown: 0 };
const READ: Risk = Risk { point: "source read", fails: 4, unknown: 0 };

impl SimSource {
    fn ask<T>(&self, answer: impl FnOnce(&Core) -> T) -> Result<T, SourceError> {
        match self.0.call(ASK) {
            Some((core, Fate::Done)) => Ok(answer(&core)),
            _ => Err(silent()),
        }
    }

    /// The same of a kind. Of kinds that there are no documents of, several threads may ask at once: no
    /// seed decides about them.
    fn ask_of<T>(
        &self,
        kind: DocumentKind,
        answer: impl FnOnce(&Core) -> T,
    ) -> Result<T, SourceError> {
        if KINDS.contains(&kind) { self.ask(answer) } else { Ok(answer(&self.0.world.look())) }
    }
}

fn silent() -> SourceError {
    SourceError::new(SourceErrorKind::Unreachable, "the source does not answer")
}

/// The number of the last change of a kind that can be found, and of all that were made.
fn mark(core: &Core) -> Position {
    Position(vec![PositionMark::written(HISTORY, core.state.library.sequence)])
}

impl Documents for SimSource {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        self.ask_of(kind, mark)
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.ask_of(kind, |core| {
            let shelves = core.state.library.shelves.iter().filter(|(shelf, _)| shelf.kind == kind);
            shelves.map(|(_, documents)| documents.len() as u64).sum()
        })
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.ask_of(kind, |core| {
            let shelves = core.state.library.shelves.keys();
            let wanted = shelves.filter(|shelf| shelf.kind == kind && filter.matches(shelf));
            wanted.map(|it| (it.clone(), core.state.library.fingerprint(it))).collect()
        })
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        self.ask(|core| {
            let documents = core.state.library.shelves.get(shelf).into_iter().flatten();
            let entry = |((day, id), written): (&(Day, String), &super::library::Written)| {
                ManifestEntry { day: *day, id: id.clone(), sequence: written.sequence }
            };
            documents.map(entry).collect()
        })
    }

    /// Others may run between two documents: what is read is one state all the same.
    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let documents = self.ask(|core| core.state.library.shelves.get(shelf).cloned())?;
        for ((day, id), written) in documents.unwrap_or_default() {
            if only.is_some_and(|only| only.binary_search(&id).is_err()) {
                continue;
            }
            let document =
                Document { id: &id, day, sequence: written.sequence, source: &written.bytes };
            if visit(document) == ControlFlow::Break(()) {
                return Ok(());
            }
        }
        match self.0.call(READ) {
            Some((_, Fate::Done)) => Ok(()),
            Some(_) => Err(SourceError::new(
                SourceErrorKind::Own(Amiss::Inconsistent),
                "less came than was announced",
            )),
            None => Err(silent()),
        }
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        self.ask_of(kind, |core| {
            let all = core.state.library.bookmarks.iter();
            let wanted = all.filter(|((of, id), _)| {
                *of == kind && (communities.is_empty() || communities.contains(id))
            });
            wanted.map(|((_, id), bookmark)| (id.clone(), *bookmark)).collect()
        })
    }
}

impl Feed for SimSource {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        self.ask_of(kind, |core| {
            let known = since.0.iter().find(|mark| mark.history == HISTORY);
            known.map_or(Changes::Everything, |mark| {
                Changes::Communities(core.state.library.communities_since(kind, mark.sequence))
            })
        })
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.ask(|core| {
            let moves = Position(vec![PositionMark::written(HISTORY, core.state.library.moves)]);
            let mut documents = mark(core);
            documents.0.extend(moves.0.iter().cloned());
            Pulse { documents, bookmarks: moves.clone(), directory: moves }
        })
    }
}

impl Directory for SimSource {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        self.ask(|core| core.state.library.communities.values().cloned().collect())
    }

    fn first_events(&self, _: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        self.ask(|_| BTreeMap::new())
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        self.ask(|_| Day::new(2024, 1, 1))
    }
}
