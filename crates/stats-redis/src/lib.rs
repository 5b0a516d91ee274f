//! One Redis server: where it is and how to get in, what its errors mean, connections to it that are
//! used again. What its keys mean is for others to know.
#![forbid(unsafe_code)]

mod address;
mod client;
mod failure;
mod pool;

pub use address::{Endpoint, RedisAddress, TlsSettings};
pub use client::client_of;
pub use failure::{ends_connection, fault, kind_of};
pub use pool::Pool;
