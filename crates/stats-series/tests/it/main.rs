//! The crate through its front door: documents in, responses out.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz;
mod golden;
mod prediction;
mod properties;
mod rules;
mod support;
