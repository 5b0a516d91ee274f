//! Where the value of a setting came from.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// Where the value of a setting came from. A kind that nobody named (`source.kind`, `cache.store`,
/// `communities.source`) has the origin of the address that implied it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Origin {
    /// Nothing was said: the default.
    Default,
    /// The settings file.
    File {
        /// The file, as it was named.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
    },
    /// A variable of the environment that is ours: `COMMUNITY_STATS_…` or `XDG_DATA_HOME`.
    Env {
        /// The variable; with `_FILE` at its end when the value was read from a file.
        name: String,
        /// Whether the value is what that file holds.
        #[serde(skip)]
        in_file: bool,
    },
    /// A variable of the environment that belongs to InvenioRDM: `INVENIO_…`.
    InvenioEnv {
        /// The variable; with `_FILE` at its end when the value was read from a file.
        name: String,
        /// Whether the value is what that file holds.
        #[serde(skip)]
        in_file: bool,
    },
    /// An assignment in an `invenio.cfg`.
    InvenioCfg {
        /// The file, as it was named.
        path: PathBuf,
        /// The line on which the assignment begins, counted from 1.
        line: usize,
    },
    /// A flag of the command line.
    Flag {
        /// The flag, dashes included.
        name: String,
    },
}

impl Origin {
    /// Whether the value is the content of a file that a variable names, which is how secrets are
    /// given: whatever it is, it is shown nowhere but where the setting is known to hold none.
    #[must_use]
    pub fn is_content_of_file(&self) -> bool {
        match self {
            Self::Env { in_file, .. } | Self::InvenioEnv { in_file, .. } => *in_file,
            _ => false,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => out.write_str("default"),
            Self::File { path, line } | Self::InvenioCfg { path, line } => {
                write!(out, "{}:{line}", path.display())
            }
            Self::Env { name, .. } | Self::InvenioEnv { name, .. } | Self::Flag { name } => {
                out.write_str(name)
            }
        }
    }
}
