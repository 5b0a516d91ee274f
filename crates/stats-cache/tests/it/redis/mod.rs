//! Everything that lies in Redis, on real servers.

mod connections;
mod examine;
mod faults;
mod fence;
mod lock;
mod registry;
mod sentinel;
mod store;
