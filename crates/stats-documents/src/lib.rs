//! Where daily statistics documents come from.
//!
//! The traits of [`source`] ask the questions of the change feed: how far has the source moved,
//! which shelves changed, what does a shelf hold, hand me its documents; and who the communities
//! are. The archive answers them from an SQLite file; a live index answers them over the network.
#![forbid(unsafe_code)]

pub mod archive;
pub mod contract;
mod error;
mod facts;
pub mod import;
mod locked;
pub mod mirror;
mod open_import;
pub mod opensearch;
mod pause;
pub mod postgres;
mod searchable;
pub mod source;
mod stored;

pub use archive::{Archive, ArchiveOptions, ArchiveWriter};
pub use error::{Amiss, SourceError, SourceErrorKind};
pub(crate) use facts::DocumentFacts;
pub use facts::InvalidDocument;
pub use mirror::{AuditReport, Mirror, MirrorOptions, ShelfDifference, SyncReport, Withheld};
pub use open_import::{ImportEnding, OpenImport, Unsettled};
pub use opensearch::{OpenSearch, OpenSearchSettings};
pub use pause::jittered;
pub use searchable::{Patience, Unsearchable, await_searchable};
pub use source::{
    Changes, Directory, Document, Documents, Feed, Pulse, ShelfFilter, Source, Visit,
};
