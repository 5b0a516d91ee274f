//! From settings to backends: this file and its folder are the only place that names one.

mod locks;
mod sources;
mod stores;

use std::fs::DirBuilder;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::SignedDuration;
use stats_cache::{CacheError, Clock};
use stats_documents::{Archive, ArchiveOptions, DocumentSource, SourceError};
use stats_series::{
    Category, ComponentRegistry, FloatStyle, Layouts, SeriesConfig, SubcountConfig,
};

pub use self::sources::Documents;
use self::stores::{Stores, Use};
use crate::config::{ConfigError, Foreign, JsonInput, LargeFloats, Settings};
use crate::service::{CachedResponseService, ForeignRule, Nothing, ServiceSettings};

/// Settings, a clock, and what can be made of them.
pub struct App {
    settings: Settings,
    clock: Arc<dyn Clock>,
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
    /// There is no archive yet.
    #[error("there is no archive at {}", .0.display())]
    NoArchive(PathBuf),
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

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// The service that makes and stores responses: the source has to be there, the store is made
    /// when it is not.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_write(&self) -> Result<CachedResponseService, AppError> {
        let source = self.source()?;
        self.service(source, self.store(Use::Store)?)
    }

    /// The service that answers questions about responses: the source has to be there, and a store
    /// that is not there is empty.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_read(&self) -> Result<CachedResponseService, AppError> {
        self.service(self.source()?, self.store(Use::Read)?)
    }

    /// The service that removes responses: the source has to be there, and a store that is not there
    /// is empty.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_remove(&self) -> Result<CachedResponseService, AppError> {
        self.service(self.source()?, self.store(Use::Remove)?)
    }

    /// The service that removes from the store alone: a source that is not there knows no community.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_remove_from_store(&self) -> Result<CachedResponseService, AppError> {
        self.service(self.source_if_any()?, self.store(Use::Remove)?)
    }

    /// The service for what needs the store alone: a source that is not there knows no community,
    /// and a store that is not there is made only `to_write`.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_of_store(&self, to_write: bool) -> Result<CachedResponseService, AppError> {
        let purpose = if to_write { Use::Store } else { Use::Read };
        self.service(self.source_if_any()?, self.store(purpose)?)
    }

    fn source_if_any(&self) -> Result<Arc<dyn DocumentSource>, AppError> {
        match self.source() {
            Err(AppError::NoArchive(_)) => Ok(Arc::new(Nothing)),
            source => source,
        }
    }

    /// The archive that documents are imported to; it is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn archive(&self) -> Result<Archive, AppError> {
        self.archive_with(ArchiveOptions::default())
    }

    /// The same with other options.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn archive_with(&self, options: ArchiveOptions) -> Result<Archive, AppError> {
        let path = self.settings.data.archive_path();
        make_folder_of(&path)?;
        Ok(Archive::open(path, options)?)
    }

    /// The configuration of the transformation: built in, or from the files that settings name.
    ///
    /// # Errors
    /// When such a file cannot be read or understood.
    pub fn series_config(&self) -> Result<SeriesConfig, AppError> {
        let generation = &self.settings.generation;
        if generation.subcounts.is_none() && generation.components.is_none() {
            return Ok(SeriesConfig::default());
        }
        let subcounts = match &generation.subcounts {
            None => SubcountConfig::default(),
            Some(input) => parsed("generation.subcounts", input, SubcountConfig::from_json)?,
        };
        let components = match &generation.components {
            None => ComponentRegistry::default(),
            Some(input) => parsed("generation.components", input, ComponentRegistry::from_json)?,
        };
        Ok(SeriesConfig::new(subcounts, components))
    }

    /// The layouts: built in, or from the file that settings name.
    ///
    /// # Errors
    /// When that file cannot be read or understood.
    pub fn layouts(&self) -> Result<Layouts, AppError> {
        match &self.settings.generation.layouts {
            None => Ok(Layouts::default()),
            Some(input) => parsed("generation.layouts", input, Layouts::from_json),
        }
    }

    /// How large floats are written.
    #[must_use]
    pub const fn floats(&self) -> FloatStyle {
        match self.settings.generation.large_floats {
            LargeFloats::Plain => FloatStyle::Plain,
            LargeFloats::Signed => FloatStyle::Signed,
        }
    }

    /// The categories that are made when none are named.
    #[must_use]
    pub fn categories(&self) -> Vec<Category> {
        let derived = self.settings.generation.derived;
        Category::ALL.into_iter().filter(|category| derived || !category.is_derived()).collect()
    }

    fn service(
        &self,
        source: Arc<dyn DocumentSource>,
        stores: Stores,
    ) -> Result<CachedResponseService, AppError> {
        let lifetime = self.settings.cache.ttl_days.seconds();
        let settings = ServiceSettings {
            prefix: self.settings.cache.prefix.clone(),
            lifetime: lifetime.map(|seconds| {
                SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
            }),
            categories: self.categories(),
            optimize: self.settings.generation.optimize,
            opt_in: self.settings.communities.opt_in,
            floats: self.floats(),
            series: self.series_config()?,
            layouts: self.layouts()?,
            foreign: match self.settings.cache.foreign {
                Foreign::Adopt => ForeignRule::Adopt,
                Foreign::Keep => ForeignRule::Keep,
            },
            accept_loss: self.settings.generation.accept_loss,
            still_after_days: self.settings.source.still_after_days(),
        };
        let service =
            CachedResponseService::new(source, stores.store, Arc::clone(&self.clock), settings);
        let service = service.with_registry(stores.registry).with_lock(stores.lock);
        Ok(service.with_notebook(stores.notebook))
    }
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    key: &str,
    input: &JsonInput,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, AppError> {
    let text = input.read().map_err(|error| {
        ConfigError::new(format!("the file that {key} names cannot be read")).caused_by(error)
    })?;
    let failed = |error| ConfigError::new(format!("{key} cannot be used")).caused_by(error);
    Ok(parse(&text).map_err(failed)?)
}

/// Makes the folder of a file, readable by its owner only.
fn make_folder_of(file: &Path) -> Result<(), AppError> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| AppError::Folder(folder.to_owned(), error))
}
