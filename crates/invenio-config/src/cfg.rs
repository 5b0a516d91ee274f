//! What an `invenio.cfg` says.

use std::collections::BTreeSet;

use ruff_python_parser::{Mode, parse_module};

use crate::eval::Evaluator;
use crate::findings::{Cfg, Finding, Surroundings};
use crate::limits::{STACK, is_too_deep};

/// Larger files are no configurations, in bytes.
pub const LARGEST: usize = 4 << 20;

/// Why a text is no configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there; holds no part of the text.
    pub reason: &'static str,
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
