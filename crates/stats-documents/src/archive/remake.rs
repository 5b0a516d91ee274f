//! A mirror holds nothing that its source cannot give again: a damaged one is set aside and made
//! anew. An archive that was filled by `import` is never touched like that.

use std::path::PathBuf;

use stats_sqlite::{Aside, file_identity, is_like_ours, mark_damaged, marked_damaged, set_aside};

use super::checks::Table;
use super::failure::Result;
use super::handle::Archive;
use super::options::ArchiveOptions;
use super::schema::APPLICATION_ID;
use super::time::now;
use crate::{SourceError, SourceErrorKind};

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
        let found = file_identity(&path);
        let error = match marked_damaged(&path) {
            Some(why) => SourceError::new(SourceErrorKind::Damaged, why),
            None => match Self::open(&path, options).and_then(Self::checked) {
                Ok(archive) => return Ok((archive, None)),
                Err(error) => error,
            },
        };
        if error.kind() != SourceErrorKind::Damaged {
            return Err(error);
        }
        let mut aside = None;
        // Unless another process was faster.
        if found.is_some() && file_identity(&path) == found {
            if !is_like_ours(&path, APPLICATION_ID) {
                return Err(error);
            }
            let renamed = set_aside(&path, &now().to_string(), text_of(&error));
            aside = Some(renamed.map_err(|cause| {
                let doing = format!("set the damaged mirror {} aside", path.display());
                SourceError::caused_by(SourceErrorKind::Refused, doing, cause)
            })?);
        }
        Ok((Self::open(path, options)?, aside))
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
            mark_damaged(&self.path, &text_of(error));
        }
    }
}

/// An error with its causes.
fn text_of(error: &SourceError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        text = format!("{text}: {one}");
        cause = one.source();
    }
    text
}
