//! Daily statistics documents to chart-ready data series.
//!
//! No I/O, no clock, no async and no logging happens here: documents come in as bytes, responses
//! go out to a writer.
#![forbid(unsafe_code)]

mod kind;

pub use kind::{Category, DocumentKind, UnknownCategory};
