//! Where communities come from.

use super::database_url::DatabaseUrl;
use super::section::section;
use super::types::choice;

choice! {
    /// Where communities come from.
    CommunitySource: "\"archive\", \"opensearch\" or \"postgres\"" {
        /// The archive in the data folder.
        Archive = "archive",
        /// The alias `communities` of the cluster that `[source]` describes.
        Opensearch = "opensearch",
        /// The table `communities_metadata`.
        Postgres = "postgres",
    }
}

section! {
    /// Which communities there are, and which of them are counted.
    CommunitySettings = "communities" {
        /// `archive`, `opensearch` or `postgres`. Unless set it is `postgres` when
        /// `communities.database_url` was given by us (InvenioRDM's own address alone does not
        /// switch to it), else the same as `source.kind`.
        source: CommunitySource = CommunitySource::Archive, [];

        /// The PostgreSQL database of InvenioRDM. SQLAlchemy's driver names are understood, and a
        /// password need not be encoded.
        database_url: Option<DatabaseUrl> = None, ["SQLALCHEMY_DATABASE_URI"];

        /// Whether a community counts only when its field `stats:dashboard_enabled` is true; else
        /// every community counts that is not deleted.
        opt_in: bool = true, ["STATS_DASHBOARD_COMMUNITY_OPT_IN"];
    }
}
