//! Tests from the outside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fuzz;
mod generator;
mod python;
