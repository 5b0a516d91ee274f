//! The archive, and mirrors, pass the suites that every source passes.

pub(crate) mod archive;
pub(crate) mod mirror;
