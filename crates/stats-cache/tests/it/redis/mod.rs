//! Everything that lies in Redis, on real servers.

mod address;
mod connections;
mod faults;
mod registry;
mod store;
