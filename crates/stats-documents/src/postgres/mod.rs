//! Communities as the database of InvenioRDM holds them, its table `communities_metadata`
//! (source-documents specification, section 3.1), beside documents from another source.
//!
//! Nothing here writes: every question is a read-only transaction of its own. No named prepared
//! statement and no setting outlives one, so a PgBouncer in transaction mode may stand in between.

mod communities;
mod connection;
mod examine;
mod failure;
mod settings;
mod tls;
mod with_communities;

pub use communities::PostgresCommunities;
pub use examine::{Column, DatabaseReport, NEEDED_COLUMNS};
pub use settings::PostgresSettings;
pub use with_communities::WithCommunities;
