//! What everything is made from: the settings and a clock.

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stats_cache::CacheError;
use stats_documents::SourceError;
use stats_jobs::QueueError;
use stats_jobs::ledger::LedgerError;
use stats_model::Clock;

use crate::config::{ConfigError, Settings};

/// Settings, a clock, and what can be made of them.
pub struct App {
    pub(super) settings: Settings,
    pub(super) clock: Arc<dyn Clock>,
}

/// Why the parts of the program could not be put together.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The settings do not work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The source cannot be opened.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] CacheError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The queue cannot be opened.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// There is no archive yet.
    #[error("there is no archive at {}", .0.display())]
    NoArchive(PathBuf),
    /// There is a file for the archive, and nothing in it: making it was broken off.
    #[error("the archive {} is empty: making it was broken off", .0.display())]
    EmptyArchive(PathBuf),
    /// The data folder cannot be made.
    #[error("making the data folder {}", .0.display())]
    Folder(PathBuf, #[source] std::io::Error),
}

impl App {
    /// The program under these settings.
    #[must_use]
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        Self { settings, clock }
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The clock, for whoever outlives a call.
    #[must_use]
    pub fn shared_clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}

/// Makes the folder of a file, readable by its owner only.
pub(super) fn make_folder_of(file: &Path) -> Result<(), AppError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| AppError::Folder(folder.to_owned(), error))
}
