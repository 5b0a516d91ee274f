//! The ledgers: the contract, and what is their own.

mod damage;
mod formats;
mod redis;
mod sqlite;
