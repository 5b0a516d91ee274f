//! The program running by itself: it looks, makes, remembers what it did, and ends in order.

mod asking;
mod hands;
mod keeping;
mod notify;
mod recorder;
mod signals;
#[cfg(test)]
mod simulation;
mod tasks;
mod trigger;
mod working;

pub(crate) use asking::{asked_by, kept};
pub(crate) use keeping::{IN_VAIN, Keeping, Limits, Role, Turn};
pub(crate) use recorder::{Asked, Recorder};
pub(crate) use signals::Signals;
pub(crate) use tasks::{BATCH, BULK};
pub(crate) use working::work;
