//! Making the responses of one shelf.

pub(crate) mod context;
pub(crate) mod outcome;
pub(crate) mod reading;
pub(crate) mod settled;
pub(crate) mod shelf;
pub(crate) mod task;
