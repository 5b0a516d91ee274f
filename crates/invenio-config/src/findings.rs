//! What is known of the names of a file, and what has to be known around it.

use std::collections::BTreeMap;
use std::fmt;

use crate::literal::Literal;

/// What a file may ask for from around it.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// The variables of the environment, for `os.environ`.
    pub environment: BTreeMap<String, String>,
    /// Modules whose names may be imported and are known.
    pub upstream: Vec<UpstreamModule>,
}

/// A module with names whose values are known.
#[derive(Debug, Clone)]
pub struct UpstreamModule {
    /// Its name, with dots.
    pub name: &'static str,
    /// The values of its names.
    pub values: Vec<(&'static str, Literal)>,
}

/// Why nobody knows what a name is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The line, counted from 1.
    pub line: usize,
    /// Why, to be read after the name: "comes from a call of `f`"; holds no value.
    pub reason: String,
}

impl fmt::Display for Undecided {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.reason)
    }
}

/// What a file says about one name.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It is this, whatever else happens.
    Known {
        /// The value.
        value: Literal,
        /// The line of the statement that set it, counted from 1.
        line: usize,
        /// Variables of the environment that are not set here, and whose absence was believed.
        unset: Vec<String>,
    },
    /// It may be anything.
    Undecided(Undecided),
}

/// What an `invenio.cfg` says: the value of each name, or why it is undecided.
#[derive(Debug, Clone, Default)]
pub struct Cfg {
    pub(crate) found: BTreeMap<String, Finding>,
    /// What may have set any other name.
    pub(crate) others: Option<Undecided>,
}
