//! How to import.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How to import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Longer lines are refused, in bytes. The largest document that an index accepts has about
    /// 5 MB.
    pub line_limit: usize,
    /// Threads that read lines; 0: one for each processor, at most 4.
    pub threads: usize,
    /// So many refused lines are told in detail.
    pub refusals: usize,
    /// The prefix of the index names of the installation that is meant; lines of others are left
    /// out. `None`: there may be one only, in the input and in the archive.
    pub prefix: Option<String>,
    /// The index of lines that are nothing but a source.
    pub index: Option<String>,
    /// Documents, communities and bookmarks replace those in the archive also when they are older,
    /// or lost fractions of numbers.
    pub replace: bool,
    /// What is lost counts as not there: bookmarks are taken all the same, and what imports left
    /// that were broken off counts as all there is. Of imports that still run nothing is settled:
    /// see [`ImportReport::still_running`](super::ImportReport::still_running).
    pub accept_loss: bool,
    /// Set it to `true` from anywhere to end the import: what was committed stays.
    pub cancel: Arc<AtomicBool>,
}

impl Default for ImportOptions {
    /// Lines of 16 MiB, as many threads as processors, 20 refusals in detail.
    fn default() -> Self {
        Self {
            line_limit: 16 * 1024 * 1024,
            threads: 0,
            refusals: 20,
            prefix: None,
            index: None,
            replace: false,
            accept_loss: false,
            cancel: Arc::default(),
        }
    }
}
