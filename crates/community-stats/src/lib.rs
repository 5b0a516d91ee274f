//! Every answer of a community statistics dashboard, ready before anyone asks.
#![forbid(unsafe_code)]

pub mod app;
mod bounded;
pub mod cli;
pub mod config;
pub mod connections;
mod daemon;
pub mod doctor;
mod shown;
mod telemetry;
