//! What an `invenio.cfg` says.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ruff_python_parser::{Mode, parse_module};

use crate::eval::Evaluator;
use crate::limits::{STACK, is_too_deep};
use crate::literal::Literal;

/// Larger files are no configurations, in bytes.
pub const LARGEST: usize = 4 << 20;

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

/// Why a text is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there; holds no part of the text.
    pub reason: &'static str,
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

impl Cfg {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// When it is too long, no Python, or nested too deep.
    pub fn parse(text: &str, surroundings: &Surroundings) -> Result<Self, Unreadable> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.len() > LARGEST {
            return Err(Unreadable { line: 1, reason: "it is larger than 4 MiB" });
        }
        // A stack of known size: how deep the main one is depends on who started the process.
        std::thread::scope(|scope| {
            let read = || Self::read(text, surroundings);
            let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read);
            match thread.map(std::thread::ScopedJoinHandle::join) {
                Ok(Ok(read)) => read,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => Err(Unreadable { line: 1, reason: "there is no memory to read it" }),
            }
        })
    }

    fn read(text: &str, surroundings: &Surroundings) -> Result<Self, Unreadable> {
        if is_too_deep(text, Mode::Module) {
            let reason = "brackets, blocks or operators stand in each other too often";
            return Err(Unreadable { line: 1, reason });
        }
        let parsed = parse_module(text).map_err(|error| {
            let before = &text.as_bytes()[..error.location.start().to_usize().min(text.len())];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Unreadable { line, reason: "Python could not read what stands here" }
        })?;
        Ok(Evaluator::new(text, surroundings).run(parsed.suite()))
    }

    /// What it says about `name`; `None` when it does not mention it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Finding> {
        let others = || self.others.clone().map(Finding::Undecided);
        self.found.get(name).cloned().or_else(others)
    }

    /// Every name in capitals that the file itself mentions as its own.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        self.found.keys().map(String::as_str).collect()
    }
}
