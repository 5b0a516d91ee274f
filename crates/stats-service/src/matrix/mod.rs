//! The matrix: the state of a cell, and the pure decision what to do about it.

pub(crate) mod completeness;
pub(crate) mod decide;
pub(crate) mod loss;
pub(crate) mod verdict;
pub(crate) mod words;
