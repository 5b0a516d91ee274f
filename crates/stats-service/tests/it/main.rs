//! One integration binary: the service over real archives and stores.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod crash;
mod hands;
mod keeper;
mod run;
