//! Queues in one SQLite file, for the processes of one machine: what is sent survives whoever sends
//! and whoever performs it.

mod error;
mod file;
#[cfg(test)]
mod fuzz;
mod queue;
mod results;
mod row;
mod schema;
mod seen;

pub use self::file::{EmbeddedBroker, EmbeddedOptions};
pub use self::queue::EmbeddedQueue;
pub use self::results::EmbeddedResults;
pub use self::seen::EmbeddedFile;
