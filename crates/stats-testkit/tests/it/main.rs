//! The servers and proxies that other tests rely on.
#![allow(clippy::unwrap_used, reason = "a failed test says where")]

mod proxy;
mod services;
