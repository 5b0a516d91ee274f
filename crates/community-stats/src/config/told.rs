//! What people are told of the life that the settings make the program lead.

use super::cache::StoreKind;
use super::life::Life;
use super::origin::Origin;
use super::settings::Settings;
use super::source::SourceKind;

impl Settings {
    /// Which life the program leads, and where it reads and writes: one line.
    #[must_use]
    pub fn told_life(&self) -> String {
        let source = match self.source.kind {
            SourceKind::Archive => self.data.archive_path().display().to_string(),
            SourceKind::Opensearch => {
                let hosts: Vec<String> =
                    self.source.hosts.iter().map(|host| host.base_url()).collect();
                hosts.join(", ")
            }
        };
        let store = match self.cache.store {
            StoreKind::Sqlite => self.cache.file_path(&self.data).display().to_string(),
            StoreKind::Redis => self.cache.redis_targets().responses.to_string(),
        };
        format!("{}: documents from {source}, responses to {store}", self.life())
    }

    /// That what is imported goes into an archive that nothing else reads, since documents come from
    /// a cluster; `None` where they come from the archive.
    #[must_use]
    pub fn told_unread_archive(&self) -> Option<String> {
        if self.source.kind == SourceKind::Archive {
            return None;
        }
        let (life, archive) = (self.life(), self.data.archive_path());
        Some(format!(
            "{life}: what is imported goes to {}, and no response is made of it, since documents \
             come from the cluster (source.kind); to make responses of it, set source.kind=archive \
             and name another cache.store or cache.prefix than the dashboard's",
            archive.display()
        ))
    }

    /// What a companion takes for granted, since nobody told it: a line each, with how to tell it.
    #[must_use]
    pub fn assumptions(&self) -> Vec<String> {
        if *self.life() == Life::Alone {
            return Vec::new();
        }
        let mut told = self.assumed_places();
        let untold = |key| *self.origin(key) == Origin::Default && !self.is_told();
        let what: Vec<&str> = [
            (self.generation.optimize && untold("generation.layouts"), "layouts"),
            (untold("generation.subcounts"), "subcounts"),
        ]
        .into_iter()
        .filter_map(|(assumed, what)| assumed.then_some(what))
        .collect();
        if !what.is_empty() {
            told.push(format!(
                "{} are taken to be those of invenio-stats-dashboard 0.5.0, since nothing says \
                 otherwise; name the instance's invenio.cfg (--invenio-cfg FILE), or ask it: \
                 community-stats config python",
                what.join(" and ")
            ));
        }
        told
    }

    /// Where a companion looks because nothing says where.
    #[must_use]
    pub fn assumed_places(&self) -> Vec<String> {
        let mut told = Vec::new();
        if *self.life() == Life::Alone {
            return told;
        }
        let searches = self.source.kind == SourceKind::Opensearch && !self.mirror.offline;
        if searches && *self.origin("source.hosts") == Origin::Default {
            told.push(
                "nothing says where the cluster is; InvenioRDM's default localhost:9200 was taken \
                 (source.hosts)"
                    .to_owned(),
            );
        }
        let redis = self.cache.store == StoreKind::Redis && self.cache.main_redis_url.is_none();
        if redis && self.cache.redis_url.is_none() {
            told.push(
                "nothing says where Redis is; InvenioRDM's default redis://localhost:6379/0 was \
                 taken, so responses are in database 7 of it (cache.main_redis_url)"
                    .to_owned(),
            );
        }
        told
    }
}
