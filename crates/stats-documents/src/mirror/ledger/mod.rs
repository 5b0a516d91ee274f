//! What a mirror remembers of its source, as it stands in the archive.
//!
//! The archive keeps texts under names, by kind, and one text for each shelf; which texts these are
//! is known here alone. Several processes write to one archive, so whatever is written goes by what
//! stands there at that moment ([`There`]).

mod reading;
mod remembered;
mod texts;
mod there;
mod writing;

pub(super) use self::reading::Ledger;
pub(super) use self::remembered::{Copied, Known, Progress, Standing};
pub(super) use self::there::There;
pub(super) use self::writing::OpenLedger;
