//! Whose documents they are: the prefixes of the index names, one for each installation.

use std::collections::BTreeSet;

/// Which prefixes an import takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Prefixes {
    /// The one that was asked for: lines of others are left out.
    wanted: Option<String>,
    /// Those that were found; without one that was asked for there may be one only.
    found: BTreeSet<String>,
}

impl Prefixes {
    /// With the one that was asked for, or else the one of what is in the archive.
    pub(crate) fn new(wanted: Option<String>, in_archive: Option<String>) -> Self {
        let found =
            if wanted.is_none() { in_archive.into_iter().collect() } else { BTreeSet::new() };
        Self { wanted, found }
    }

    pub(crate) fn found(&mut self, prefix: &str) {
        if self.wanted.is_none() && !self.found.contains(prefix) {
            self.found.insert(prefix.to_owned());
        }
    }

    /// All of them, when nobody said which one is meant.
    pub(crate) fn ambiguous(&self) -> Option<&BTreeSet<String>> {
        (self.found.len() > 1).then_some(&self.found)
    }

    /// The one that the archive is of after the import, if any line told.
    pub(crate) fn settled(&self) -> Option<String> {
        self.wanted.clone().or_else(|| self.found.first().cloned())
    }
}
