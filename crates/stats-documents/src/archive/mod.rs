//! The archive: daily documents on shelves, communities, bookmarks and community events in one
//! SQLite file.
//!
//! Filled from files it is a source of its own; filled from an index it is a mirror, which may be
//! bounded and deleted at any time (change-feed design, section 3). Several processes may read and
//! write one archive at once: readers never wait, writers take turns, batch by batch.
//!
//! What was committed survives a killed process. The format is versioned, and a file of a newer
//! format is refused.
//!
//! * `handle`, `options`: an archive that is open
//! * `schema`, `tables`: the tables, and what makes a file an archive
//! * `packing`, `dictionary`: documents as they are stored
//! * `writer`, `rows`, `connection`, `lent`, `shelves`, `entries`: writing, in transactions
//! * `reader`, `reading`: the questions of a [`source`](crate::source)
//! * `beats`: whether anybody wrote
//! * `imports`, `running`, `unsettled`: imports that are open, how others see that one runs, and
//!   what they hold back
//! * `versions`: which of two documents is the newer one
//! * `origins`, `remembered`, `eviction`: what a mirror needs: the numbers of documents in their
//!   index, texts of its own, a bound on the size
//! * `remake`: a damaged mirror is set aside and made anew
//! * `checks`, `sound`: whether tables and indices agree, before anything is believed
//! * `stats`: sizes and counts

mod beats;
mod checks;
mod communities;
mod connection;
mod dictionary;
mod entries;
mod eviction;
mod failure;
mod handle;
mod imports;
mod lent;
mod options;
mod origins;
mod packing;
mod reader;
mod reading;
mod remake;
mod remembered;
mod rows;
mod running;
mod running_import;
mod schema;
mod shelves;
mod sound;
mod stats;
mod tables;
#[cfg(test)]
mod tests;
mod time;
mod unsettled;
mod used;
mod versions;
mod writer;

pub use entries::CommunityEvent;
pub use handle::Archive;
pub(crate) use imports::ImportEnd;
pub use options::ArchiveOptions;
pub use origins::MirrorEntry;
pub(crate) use packing::{PackedDocument, Packer};
pub use remembered::Memory;
pub(crate) use remembered::Remembered;
pub use rows::Put;
pub use stats::ArchiveStats;
pub(crate) use versions::CommunityVersion;
pub use writer::ArchiveWriter;
