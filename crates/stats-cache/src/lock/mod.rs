//! Locks of bulk runs: who holds one, and the lock of a store that is a file. That of the main cache,
//! which Python shares, is in `redis`.

mod file;
mod holder;

pub use self::file::{FileLock, HeldFileLock};
pub use self::holder::{Ends, Liveness, LockHolder, Who};
