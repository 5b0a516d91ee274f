//! Fixture files as text and JSON, throw-away servers and names for the tests of the workspace.
#![forbid(unsafe_code)]

pub mod corpus;
pub mod fixtures;
