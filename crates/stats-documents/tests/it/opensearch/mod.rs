//! The search cluster as a source, on a real node; faults arranged by a proxy.

mod access;
mod answers;
mod contract;
mod examine;
mod faults;
mod fuzz;
mod hostile;
mod indices;
mod on_3;
mod replay;
mod rights;
mod shelves;
mod sums;
mod support;
