//! Keeping the matrix true while a process runs: what is known of it in memory, whether anything
//! happened, and the least work that follows from it.

pub(crate) mod board;
pub(crate) mod directory;
pub(crate) mod keeper;
mod known;
pub(crate) mod occasion;
pub(crate) mod overview;
