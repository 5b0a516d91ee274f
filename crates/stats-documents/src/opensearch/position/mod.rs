//! How far the indices of a kind have moved, and who was touched since.
//!
//! A position has for every primary shard a mark with the highest number written: history
//! `<index>/<index uuid>/<shard>/<history uuid>`, and [`MarkKind::Empty`] while nothing was written,
//! since numbers begin with 0. Writes become visible to searches a little later.
//! Where some are not visible yet, a second mark, [`MarkKind::Unseen`], has the count of refreshes:
//! the next refresh makes the position another one, even if nothing more is written. The mark is
//! [`MarkKind::PerhapsUnseen`] where nothing is buffered, but there were more refreshes than
//! searches saw. Usually the next one shows what they brought; but the counts stay apart for ever
//! once a refresh for the cluster's own use came between two writes.
//!
//! [`MarkKind::Empty`]: stats_model::MarkKind::Empty
//! [`MarkKind::PerhapsUnseen`]: stats_model::MarkKind::PerhapsUnseen
//! [`MarkKind::Unseen`]: stats_model::MarkKind::Unseen

mod changes;
mod now;
mod pulse;
mod searched;
mod statistics;
#[cfg(test)]
mod tests;

pub(super) use self::changes::changes;
pub(super) use self::now::{indices, position};
pub(super) use self::pulse::{parted, pulse};
