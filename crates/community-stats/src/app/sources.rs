//! The sources of documents and communities.

use std::sync::Arc;

use stats_documents::opensearch::OpenSearch;
use stats_documents::postgres::{PostgresCommunities, PostgresSettings, WithCommunities};
use stats_documents::{
    Amiss, Archive, ArchiveOptions, Mirror, MirrorOptions, Source, SourceErrorKind,
};
use stats_service::chain;

use super::parts::{App, AppError, make_folder_of};
use super::told::warn;
use crate::config::{CommunitySource, ConfigError, SourceKind};
use crate::connections;

/// Where documents come from.
pub enum Documents {
    /// The archive that `import` fills.
    Imported(Box<Archive>),
    /// A cluster behind its mirror.
    Mirrored(Box<Mirror>),
}

impl App {
    /// The documents alone, without what else a service needs.
    ///
    /// # Errors
    /// When settings or source do not work.
    pub fn documents(&self) -> Result<Documents, AppError> {
        Ok(match self.settings.source.kind {
            SourceKind::Archive => Documents::Imported(Box::new(self.imported()?)),
            SourceKind::Opensearch => Documents::Mirrored(Box::new(self.mirror(Ok)?)),
        })
    }

    /// Where documents, bookmarks and communities come from.
    pub(super) fn source(&self) -> Result<Source, AppError> {
        let source: Source = match self.documents()? {
            Documents::Imported(archive) => Arc::new(*archive).into(),
            Documents::Mirrored(mirror) => Arc::new(*mirror).into(),
        };
        self.with_communities(source)
    }

    /// That there is no archive yet, if that is so: then nobody knows any community.
    #[must_use]
    pub fn missing_archive(&self) -> Option<AppError> {
        match self.source() {
            Err(missing @ AppError::NoArchive(_)) => Some(missing),
            _ => None,
        }
    }

    /// The same documents, with communities from where settings say.
    fn with_communities(&self, source: Source) -> Result<Source, AppError> {
        match (self.settings.communities.source, self.settings.source.kind) {
            (CommunitySource::Postgres, _) => {
                let communities = PostgresCommunities::connect(self.postgres_settings()?)?;
                let Source { documents, directory: first_days } = source;
                let directory = Arc::new(WithCommunities { first_days, communities });
                Ok(Source { documents, directory })
            }
            (CommunitySource::Archive, SourceKind::Archive)
            | (CommunitySource::Opensearch, SourceKind::Opensearch) => Ok(source),
            _ => {
                let text = "communities.source must be the same as source.kind, or \"postgres\"";
                Err(ConfigError::new(text).into())
            }
        }
    }

    fn imported(&self) -> Result<Archive, AppError> {
        let path = self.settings.data.archive_path();
        match Archive::open_read_only(&path, ArchiveOptions::default()) {
            Ok(archive) => Ok(archive),
            Err(error) if error.kind() == SourceErrorKind::Own(Amiss::NotFound) => {
                match path.exists() {
                    true => Err(AppError::EmptyArchive(path)),
                    false => Err(AppError::NoArchive(path)),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The mirror of the cluster and of the communities, wherever these come from: what `sync`
    /// brings up to date.
    ///
    /// # Errors
    /// When settings do not work, the source is no cluster, or one of the two cannot be opened.
    pub fn mirror_with_communities(&self) -> Result<Mirror, AppError> {
        self.mirror(|cluster| self.with_communities(cluster))
    }

    /// The mirror of what `of` makes of the cluster.
    fn mirror(
        &self,
        of: impl FnOnce(Source) -> Result<Source, AppError>,
    ) -> Result<Mirror, AppError> {
        if self.settings.source.kind != SourceKind::Opensearch {
            let text = "there is no index to mirror: source.kind is \"archive\"";
            return Err(ConfigError::new(text).into());
        }
        let path = self.settings.mirror.path(&self.settings.data);
        make_folder_of(&path)?;
        let options = ArchiveOptions { track_use: true, ..ArchiveOptions::default() };
        if self.settings.mirror.offline {
            return Ok(Mirror::offline(Archive::open(path, options)?));
        }
        let (archive, aside) = Archive::open_or_remake(path, options)?;
        if let Some(aside) = aside {
            warn(&format!(
                "{}; it was set aside as {}, and what is needed is fetched again",
                aside.why,
                aside.path.display()
            ));
        }
        let remote = of(Arc::new(self.cluster()?).into())?;
        let max_bytes = Some(self.settings.mirror.max_size.0);
        let options = MirrorOptions { max_bytes, ..MirrorOptions::default() };
        let mirror = Mirror::new(remote, archive, options).with_clock(Arc::clone(&self.clock));
        Ok(mirror.warning_with(|error| {
            let why = chain(error);
            warn(&format!("documents are not kept in the mirror: {why}"));
        }))
    }

    /// The cluster. Nothing is asked yet.
    fn cluster(&self) -> Result<OpenSearch, AppError> {
        let cluster = OpenSearch::new(connections::opensearch_settings(&self.settings)?)?;
        Ok(cluster.with_clock(Arc::clone(&self.clock)))
    }

    /// How the database of InvenioRDM is reached.
    ///
    /// # Errors
    /// When its address was not given.
    pub fn postgres_settings(&self) -> Result<PostgresSettings, AppError> {
        let Some(url) = &self.settings.communities.database_url else {
            let text =
                "communities.source is \"postgres\", but communities.database_url is not set";
            return Err(ConfigError::new(text).into());
        };
        Ok(connections::postgres_settings(url))
    }
}
