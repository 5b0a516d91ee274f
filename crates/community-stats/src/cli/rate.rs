//! How fast documents became responses in earlier runs: a small file in the data folder, from
//! which a dry run estimates. Losing it costs an estimate.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stats_service::Summary;

use crate::bounded::{self, SMALL};
use crate::config::Settings;

/// Earlier runs count for this many documents at most, so that the figure follows the machine.
const REMEMBERED: f64 = 1_000_000.0;

/// Documents and the seconds they took.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Rate {
    documents: f64,
    seconds: f64,
}

impl Rate {
    /// The figure of earlier runs, if there is one.
    pub(super) fn read(settings: &Settings) -> Option<Self> {
        let text = bounded::read(&file(settings), SMALL).ok()?;
        let rate: Self = serde_json::from_slice(&text).ok()?;
        (rate.documents >= 1.0 && rate.seconds > 0.0).then_some(rate)
    }

    /// Adds what a run measured.
    pub(super) fn record(settings: &Settings, summary: &Summary) {
        if summary.documents == 0 || summary.interrupted {
            return;
        }
        let before = Self::read(settings).unwrap_or_default();
        let share = (REMEMBERED / before.documents.max(1.0)).min(1.0);
        let rate = Self {
            documents: before.documents * share + summary.documents as f64,
            seconds: before.seconds * share + summary.elapsed.as_secs_f64(),
        };
        // An estimate is not worth an error.
        if let Ok(text) = serde_json::to_vec(&rate) {
            let _ = replace(&file(settings), &text);
        }
    }

    /// Documents per second.
    pub(super) fn per_second(self) -> f64 {
        self.documents / self.seconds
    }

    /// How long so many documents take.
    pub(super) fn estimate(self, documents: u64) -> Duration {
        Duration::try_from_secs_f64(documents as f64 / self.per_second()).unwrap_or(Duration::MAX)
    }
}

fn file(settings: &Settings) -> PathBuf {
    settings.data.dir.join("rate.json")
}

/// Readers see the old text or the new one.
fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    fs::write(&new, text)?;
    fs::rename(&new, path)
}
