//! The service over source and store, by what a command is going to do.

use std::sync::Arc;

use jiff::SignedDuration;
use stats_documents::{Archive, ArchiveOptions, Source};
use stats_service::{
    CachedResponseService, ForeignRule, KeepRules, Keeper, Nothing, RememberedDirectory,
    ServiceSettings,
};

use super::parts::{App, AppError, make_folder_of};
use super::stores::Use;
use crate::config::Foreign;

impl App {
    /// The service that makes and stores responses: the source has to be there, the store is made
    /// when it is not.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_write(&self) -> Result<CachedResponseService, AppError> {
        let source = self.source()?;
        self.service(source, Use::Store)
    }

    /// What keeps the matrix true: the source has to be there, the store is made when it is not.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn keeper(&self) -> Result<Keeper, AppError> {
        let Source { documents, directory } = self.source()?;
        let directory = Arc::new(RememberedDirectory::new(directory));
        let source = Source { documents, directory: Arc::clone(&directory) as _ };
        let service = Arc::new(self.service(source, Use::Store)?);
        let run = &self.settings.run;
        let signed = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        let rules = KeepRules {
            beat: signed(run.compare_all),
            ahead: signed(run.prolong_ahead),
            ..KeepRules::default()
        };
        Ok(Keeper::new(service, directory, rules))
    }

    /// The service that answers questions about responses: the source has to be there, and a store
    /// that is not there is empty.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_read(&self) -> Result<CachedResponseService, AppError> {
        let service = self.service(self.source()?, Use::Read)?;
        Ok(service.with_runs(self.runs_at_work()))
    }

    /// The service that removes responses: the source has to be there, and a store that is not there
    /// is empty.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_remove(&self) -> Result<CachedResponseService, AppError> {
        self.service(self.source()?, Use::Remove)
    }

    /// The service that removes from the store alone: a source that is not there knows no community.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_to_remove_from_store(&self) -> Result<CachedResponseService, AppError> {
        self.service(self.source_if_any()?, Use::Remove)
    }

    /// The service for what needs the store alone: a source that is not there knows no community,
    /// and a store that is not there is made only `to_write`.
    ///
    /// # Errors
    /// When settings, source or store do not work.
    pub fn service_of_store(&self, to_write: bool) -> Result<CachedResponseService, AppError> {
        let purpose = if to_write { Use::Store } else { Use::Read };
        self.service(self.source_if_any()?, purpose)
    }

    fn source_if_any(&self) -> Result<Source, AppError> {
        match self.source() {
            Err(AppError::NoArchive(_) | AppError::EmptyArchive(_)) => Ok(Arc::new(Nothing).into()),
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

    fn service(&self, source: Source, purpose: Use) -> Result<CachedResponseService, AppError> {
        // Before a store is made: what cannot be used leaves nothing behind.
        let (series, layouts) = (self.series_config()?, self.layouts()?);
        if purpose != Use::Read {
            self.tell_of_no_subcounts(&series);
        }
        let stores = self.store(purpose)?;
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
            series,
            layouts,
            foreign: match self.settings.cache.foreign {
                Foreign::Adopt => ForeignRule::Adopt,
                Foreign::Keep => ForeignRule::Keep,
            },
            accept_loss: self.settings.generation.accept_loss,
            attempts: u32::from(self.settings.run.attempts.get()),
            still_after_days: self.settings.source.still_after_days(),
        };
        let service =
            CachedResponseService::new(source, stores.store, Arc::clone(&self.clock), settings);
        let service = service.with_registry(stores.registry).with_lock(stores.lock);
        Ok(service.with_notebook(stores.notebook))
    }
}
