//! `status`: whether all is well, at one glance.

mod grid;
mod health;
mod page;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::{Value, json};
use stats_jobs::ledger::{Run, RunFilter, Worker};
use stats_model::calendar::{day_of, days_between};
use stats_service::Overview;

use self::health::Health;
use super::{Ending, Exit, Failure, Global, arguments, terminal};
use crate::app::{App, QueueSeen, SILENT};
use crate::daemon::Signals;

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct Status {
    /// One line, for a prompt or a monitoring check.
    #[arg(long, conflicts_with = "watch")]
    line: bool,
    /// Shows it again and again, until it is stopped.
    #[arg(long)]
    watch: bool,
    /// How long a watch waits before it looks again.
    #[arg(long, value_name = "TIME", value_parser = arguments::duration, default_value = "5s",
          requires = "watch")]
    every: Duration,
    /// Shows at most so many communities, those first in which something is not as it should be; 0
    /// shows all.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
}

/// What is known at one moment.
struct Seen {
    now: Timestamp,
    overview: Overview,
    last: Option<Run>,
    workers: Vec<Worker>,
    next: Option<Timestamp>,
    queue: Option<QueueSeen>,
    health: Health,
}

impl Status {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        if !self.watch {
            return self.show(global, &Seen::now(&app)?);
        }
        let signals = Signals::listen()?;
        loop {
            let seen = Seen::now(&app)?;
            let mut page = terminal::page();
            if !global.json {
                page.clear()?;
            }
            page.flush()?;
            let exit = self.show(global, &seen)?;
            if signals.wait(self.every.max(Duration::from_secs(1))).is_some() {
                return Ok(exit);
            }
        }
    }

    fn show(&self, global: &Global, seen: &Seen) -> Ending {
        if global.json {
            terminal::print_json(&seen.to_json())?;
        } else if self.line {
            let mut page = terminal::page();
            writeln!(page, "{}", seen.health.line(&seen.overview.board))?;
            page.flush()?;
        } else {
            page::write(seen, self.limit)?;
        }
        Ok(if seen.health.is_healthy() { Exit::Done } else { Exit::Difference })
    }
}

/// The last run, and who gave a sign of life.
fn remembered(app: &App) -> Result<(Option<Run>, Vec<Worker>), Failure> {
    let Some(ledger) = app.ledger_to_read()? else { return Ok((None, Vec::new())) };
    let last = ledger.runs(&RunFilter::default(), 1)?.into_iter().next();
    Ok((last, ledger.workers()?))
}

impl Seen {
    fn now(app: &App) -> Result<Self, Failure> {
        let overview = app.service_to_read()?.overview()?;
        let now = app.clock().now();
        let (last, mut workers) = remembered(app).unwrap_or_else(|failure| {
            terminal::warn(&format!("runs are not known: {}", failure.message));
            (None, Vec::new())
        });
        workers.retain(|worker| !worker.is_lost(now, SILENT));
        let queue = app.queue_seen().map_err(Failure::from).unwrap_or_else(|failure| {
            terminal::warn(&format!("what waits is not known: {}", failure.message));
            None
        });
        let run = &app.settings().run;
        let next = match (&run.schedule.0, workers.iter().any(health::keeps)) {
            (Some(schedule), true) => schedule.next_after(now),
            _ => None,
        };
        let health = Health::of(&overview, &workers);
        Ok(Self { now, overview, last, workers, next, queue, health })
    }

    /// How many days ago the newest bookmark of each kind is.
    fn bookmarks(&self) -> impl Iterator<Item = (&'static str, Option<(String, i64)>)> {
        let today = day_of(self.now);
        self.overview.bookmarks.iter().map(move |(kind, day)| {
            (kind.name(), day.map(|day| (day.to_string(), days_between(day, today))))
        })
    }

    fn to_json(&self) -> Value {
        let bookmarks: serde_json::Map<String, Value> = self
            .bookmarks()
            .map(|(kind, newest)| {
                let newest = newest.map(|(day, days)| json!({"day": day, "days_ago": days}));
                (kind.to_owned(), json!(newest))
            })
            .collect();
        json!({
            "healthy": self.health.is_healthy(),
            "reasons": self.health.reasons(),
            "counts": self.overview.board.counts(),
            "oldest_untrue": self.overview.board.oldest_untrue(),
            "last_run": self.last.as_ref().map(|run| {
                let mut object = json!(run);
                object["state"] = json!(run.state_at(self.now, SILENT));
                object
            }),
            "next_run": self.next,
            "workers": self.workers,
            "queue": self.queue,
            "bookmarks": bookmarks,
            "communities": grid::to_json(&self.overview.board),
            "warnings": self.overview.warnings,
        })
    }
}
