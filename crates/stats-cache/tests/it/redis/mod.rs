//! Everything that lies in Redis, on real servers.

mod address;
mod connections;
mod faults;
mod lock;
mod registry;
mod store;
