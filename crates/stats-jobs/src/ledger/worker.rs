//! Who is there to carry something out.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::process;
use super::run::is_silent;

/// A sign of life of somebody who carries things out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// A name that no other has.
    pub id: String,
    /// Its machine.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// What it is there for.
    pub role: String,
    /// Since when it is there.
    pub since: Timestamp,
    /// When it gave this sign.
    pub last_sign: Timestamp,
    /// What it does now; empty when it waits.
    pub doing: String,
}

impl Worker {
    /// This process, which is there from `now` on and waits.
    #[must_use]
    pub fn this_process(id: impl Into<String>, role: impl Into<String>, now: Timestamp) -> Self {
        Self {
            id: id.into(),
            host: process::host(),
            pid: std::process::id(),
            role: role.into(),
            since: now,
            last_sign: now,
            doing: String::new(),
        }
    }

    /// Whether it is gone without a word, as far as is known at `now`: its last sign is longer ago than
    /// `patience`, or its process on this machine is gone.
    #[must_use]
    pub fn is_lost(&self, now: Timestamp, patience: Duration) -> bool {
        is_silent(self.last_sign, now, patience) || process::is_gone(&self.host, self.pid)
    }
}
