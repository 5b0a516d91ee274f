//! Tests of stats-cache through its public interface.

mod key;
mod sqlite;
