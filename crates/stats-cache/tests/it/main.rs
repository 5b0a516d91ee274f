//! Tests of stats-cache through its public interface.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod damage;
mod formats;
mod key;
mod redis;
mod response;
mod sqlite;
mod support;
