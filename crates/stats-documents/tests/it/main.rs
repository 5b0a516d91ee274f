//! The archive and the import, through their public face.

// Helpers of tests may panic like the tests themselves.
#![allow(clippy::unwrap_used)]

mod contract;
mod damage;
mod failures;
mod formats;
mod fuzz;
mod import;
mod import_answers;
mod import_folders;
mod import_forms;
mod import_older;
mod mirror;
mod open_imports;
mod opensearch;
mod pieces;
mod postgres;
mod processes;
mod running_imports;
mod support;
