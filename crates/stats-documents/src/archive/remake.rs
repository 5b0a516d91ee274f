//! A mirror holds nothing that its source cannot give again: a damaged one is set aside and made
//! anew. An archive that was filled by `import` is never touched like that.

use std::path::PathBuf;

use stats_model::chain;
use stats_sqlite::{Aside, Remade, mark_damaged};

use super::checks::Table;
use super::failure::Result;
use super::handle::Archive;
use super::options::ArchiveOptions;
use super::schema::APPLICATION_ID;
use super::time::now;
use crate::SourceErrorKind;

impl Archive {
    /// Opens the mirror at `path` like [`open`](Self::open). A damaged one is renamed, and another
    /// one made in its place; what was renamed is told.
    ///
    /// # Errors
    /// As [`open`](Self::open); [`SourceErrorKind::Damaged`] only for files of other programs.
    pub fn open_or_remake(
        path: impl Into<PathBuf>,
        options: ArchiveOptions,
    ) -> Result<(Self, Option<Aside>)> {
        let path = path.into();
        let application_id = APPLICATION_ID;
        let stamp = now().to_string();
        let remade = Remade { path: &path, name: "mirror", application_id, stamp: &stamp };
        remade.open(|| Self::open(&path, options).and_then(Self::checked))
    }

    /// Checks the small tables at once.
    fn checked(self) -> Result<Self> {
        self.with_reader(|reader| {
            Table::ALL.into_iter().try_for_each(|table| self.make_sure(table, &reader.connection))
        })?;
        Ok(self)
    }

    /// Has whoever opens a mirror next set it aside, when an answer showed that it is damaged.
    pub(super) fn mark_if_damaged<T>(&self, answer: &Result<T>) {
        if let Err(error) = answer
            && error.kind() == SourceErrorKind::Damaged
            && self.options.track_use
            && !self.read_only
        {
            mark_damaged(&self.path, &chain(error));
        }
    }
}
