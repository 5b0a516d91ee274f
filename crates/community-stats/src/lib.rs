//! Every answer of a community statistics dashboard, ready before anyone asks.
#![forbid(unsafe_code)]

pub mod config;
