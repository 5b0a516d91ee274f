//! One Redis server: what its errors mean, and connections to it that are used again. What its keys
//! mean is for others to know.
#![forbid(unsafe_code)]

mod failure;
mod pool;

pub use failure::{ends_connection, fault, kind_of};
pub use pool::Pool;
