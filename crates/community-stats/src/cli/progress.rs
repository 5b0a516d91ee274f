//! How far a command is: a bar on a terminal, now and then a plain line elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::count;
use super::{Global, terminal};
use crate::shown::shown;

/// Without a terminal a line comes at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// What the numbers of a progress are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Items,
    Bytes,
}

/// A bar or lines.
pub(super) struct Progress {
    bar: ProgressBar,
    lines: Option<Instant>,
}

impl Progress {
    /// Begins. The total may be unknown as yet.
    pub(super) fn new(global: &Global, unit: Unit, total: Option<u64>) -> Self {
        let bar = match total {
            Some(total) => ProgressBar::new(total),
            None => ProgressBar::no_length(),
        };
        bar.set_draw_target(if global.quiet {
            ProgressDrawTarget::hidden()
        } else {
            ProgressDrawTarget::stderr()
        });
        bar.set_style(style(unit));
        let lines = (!global.quiet && bar.is_hidden()).then(Instant::now);
        Self { bar, lines }
    }

    /// Shows how far it is, and with what.
    pub(super) fn show(&mut self, done: u64, total: Option<u64>, message: impl Into<String>) {
        if let Some(total) = total {
            self.bar.set_length(total);
        }
        let message = shown(message.into()).to_string();
        if self.lines.is_some_and(|last| last.elapsed() >= LINE_EVERY) {
            self.lines = Some(Instant::now());
            match total {
                Some(total) => {
                    terminal::say(&format!("{} of {}  {message}", count(done), count(total)));
                }
                None => terminal::say(&format!("{}  {message}", count(done))),
            }
        }
        self.bar.set_position(done);
        self.bar.set_message(message);
    }

    /// Takes the bar away.
    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn style(unit: Unit) -> ProgressStyle {
    let template = match unit {
        Unit::Items => "{bar:32} {human_pos}/{human_len} {per_sec} {eta} {wide_msg}",
        Unit::Bytes => "{bar:32} {bytes}/{total_bytes} {bytes_per_sec} {eta} {wide_msg}",
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
