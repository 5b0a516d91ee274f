//! The search cluster as a source, on a real node; faults arranged by a proxy.

mod access;
mod contract;
mod faults;
mod indices;
mod on_3;
mod rights;
mod shelves;
mod support;
mod times;
