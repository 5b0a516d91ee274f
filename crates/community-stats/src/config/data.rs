//! Where everything lives.

use std::path::PathBuf;

use super::section::section;
use super::types::ByteSize;

section! {
    /// Where everything lives that this program keeps by itself.
    DataSettings = "data" {
        /// The data folder. Unless set it is `$XDG_DATA_HOME/community-stats`, or
        /// `~/.local/share/community-stats` without that variable.
        dir: PathBuf = PathBuf::new(), [];

        /// The archive of documents, an SQLite file; a relative path begins at the data folder.
        archive: String = "archive.db".to_owned(), [];

        /// What is remembered of runs, an SQLite file; a relative path begins at the data folder.
        /// Losing it loses history, nothing else.
        ledger: String = "ledger.db".to_owned(), [];

        /// Tasks that wait, where no broker is named, an SQLite file; a relative path begins at the data
        /// folder.
        queue: String = "queue.db".to_owned(), [];
    }
}

section! {
    /// The copy that `sync` keeps of an index. It may be deleted at any time; that costs fetches,
    /// never truth.
    MirrorSettings = "mirror" {
        /// How large the copy may grow, in bytes or with a unit; the shelves that were not used for
        /// the longest time go first.
        max_size: ByteSize = ByteSize(20 << 30), [];

        /// The file of the copy, apart from what `import` keeps; a relative path begins at the data
        /// folder.
        file: String = "mirror.db".to_owned(), [];

        /// Whether to work from the copy alone, without asking the cluster. What it does not hold
        /// completely is an error then.
        offline: bool = false, [];
    }
}

impl MirrorSettings {
    /// The path of the copy.
    #[must_use]
    pub fn path(&self, data: &DataSettings) -> PathBuf {
        data.dir.join(&self.file)
    }
}

impl DataSettings {
    /// The path of the archive.
    #[must_use]
    pub fn archive_path(&self) -> PathBuf {
        self.dir.join(&self.archive)
    }

    /// The path of the file of tasks that wait.
    #[must_use]
    pub fn queue_path(&self) -> PathBuf {
        self.dir.join(&self.queue)
    }

    /// The path of the ledger.
    #[must_use]
    pub fn ledger_path(&self) -> PathBuf {
        self.dir.join(&self.ledger)
    }
}
