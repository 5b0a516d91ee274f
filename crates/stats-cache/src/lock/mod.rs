//! Locks of bulk runs: what they do, who holds one, and the lock of a store that is a file. That of
//! the main cache, which Python shares, is in `redis`.

mod bulk;
mod file;
mod holder;

pub use self::bulk::{BulkLock, Lease, LockEntry, Unlocked};
pub use self::file::FileLock;
pub use self::holder::{Ends, Liveness, LockHolder, Who};
