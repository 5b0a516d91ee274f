//! The words that all parts of the program share: days, kinds of documents, categories of
//! responses, cells, shelves and their fingerprints, positions, communities, clocks, faults of what is outside.
//!
//! Nothing here does I/O; only [`SystemClock`] looks at the machine.
#![forbid(unsafe_code)]

pub mod calendar;
mod category;
mod cell;
mod clock;
mod community;
mod day;
mod fault;
mod fingerprint;
mod kind;
mod mark;
mod position;
mod shelf;

pub use category::{Category, UnknownCategory};
pub use cell::Cell;
pub use clock::{Clock, ManualClock, StandingClock, SystemClock};
pub use community::{Bookmark, Community, DeletionStatus, GLOBAL, Visibility};
pub use day::{Day, InvalidDay};
pub use fault::{Fault, FaultKind, chain};
pub use fingerprint::Fingerprint;
pub use kind::DocumentKind;
pub use mark::{MarkKind, PositionMark};
pub use position::{Position, Shown};
pub use shelf::{ManifestEntry, Shelf};
