//! One integration binary: everything is tested through what users touch.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod config;
mod deploy;
mod doctor;
mod house;
mod live;
