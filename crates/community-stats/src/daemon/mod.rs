//! The program running by itself: it looks, makes, remembers what it did, and ends in order.

mod keeping;
mod notify;
mod recorder;
mod signals;
mod trigger;

pub(crate) use keeping::{Keeping, Limits, Turn, asked_by, kept};
pub(crate) use recorder::{Asked, Recorder};
pub(crate) use signals::Signals;
