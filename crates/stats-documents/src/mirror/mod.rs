//! A live source with an archive in front of it: a document crosses the network once
//! (change-feed design, section 3).
//!
//! The mirror remembers how far the source was and the fingerprint of every shelf there, so that
//! one cheap question tells whether anything changed, and two manifests tell exactly which
//! documents to fetch. Numbers that it hands out are those of the source; whoever asks cannot
//! tell it from the source itself, except by the speed. What it holds may be deleted at any time.

mod bookmarks;
mod fetch;
mod keeper;
mod ledger;
mod options;
mod promises;
mod reports;
mod source;
mod state;
mod sync;
#[cfg(test)]
mod tests;
mod withheld;

pub use self::options::MirrorOptions;
pub use self::reports::{AuditReport, ShelfDifference, SyncReport};
pub use self::source::Mirror;
pub use self::withheld::Withheld;
