//! Connections and the files they lead to.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use stats_sqlite::{FileIdentity, Unchanging, file_identity, limit_size};

use super::failure::{DoingWithFile, Result};
use super::options::ArchiveOptions;
use super::schema::{self, Access};

/// A connection that waits for the next writer.
#[derive(Debug)]
pub(crate) struct WriteConnection {
    pub(super) connection: Connection,
    /// The file it is connected to; `None` where that cannot be told.
    pub(super) file: Option<FileIdentity>,
}

impl WriteConnection {
    pub(super) fn open(path: &Path, options: &ArchiveOptions) -> Result<Self> {
        let Connected { connection, file, .. } = connected(path, Access::Write, options)?;
        // Room for the upper parts of the indices, into which ids come in no order.
        connection.pragma_update(None, "cache_size", -32_768).doing("open", path)?;
        if let Some(limit) = options.limit_bytes {
            limit_size(&connection, limit).doing("open", path)?;
        }
        Ok(Self { connection, file })
    }
}

/// A connection to what lies at a path.
pub(super) struct Connected {
    pub(super) connection: Connection,
    /// Which file that is; `None` where another one was put there at the same moment, or where that
    /// cannot be told.
    pub(super) file: Option<FileIdentity>,
    /// What it takes for granted about that file.
    pub(super) unchanging: Unchanging,
}

/// A connection that does nothing but look whether others wrote: SQLite counts that for each
/// connection, and the counts of two have nothing to do with each other.
#[derive(Default)]
pub(super) struct Watched {
    pub(super) connection: Option<Connected>,
    /// No other one in this process has the same.
    pub(super) number: u64,
}

/// The number of the next connection that is [`Watched`].
pub(super) fn next_number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

/// A connection to what lies at `path`.
pub(super) fn connected(
    path: &Path,
    access: Access,
    options: &ArchiveOptions,
) -> Result<Connected> {
    let before = file_identity(path);
    let (connection, unchanging) = schema::connect(path, access, options.busy_timeout)?;
    // A file that was just made was not there before.
    let file = file_identity(path).filter(|id| before.is_none_or(|before| before == *id));
    Ok(Connected { connection, file, unchanging })
}
