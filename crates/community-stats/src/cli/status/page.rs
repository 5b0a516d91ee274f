//! The screen.

use std::io;

use stats_jobs::ledger::Run;

use super::super::table::{age, count, duration};
use super::super::terminal;
use super::{Seen, grid};
use crate::app::{QueueSeen, SILENT};

/// Writes all that was seen, with so many communities at most.
pub(super) fn write(seen: &Seen, limit: usize) -> io::Result<()> {
    let mut page = terminal::page();
    let board = &seen.overview.board;
    writeln!(page, "{}", seen.health.line(board))?;
    writeln!(page)?;
    let (lines, more) = grid::table(board, limit);
    for line in lines {
        writeln!(page, "{line}")?;
    }
    if more > 0 {
        writeln!(page, "and {} more communities (--limit 0 shows all)", count(more as u64))?;
    }
    writeln!(page)?;
    grid::legend(&board.counts()).write(&mut page)?;
    writeln!(page)?;
    if let Some(oldest) = board.oldest_untrue() {
        let since =
            oldest.since.map(|since| format!(" for {}", age(seen.now.duration_since(since))));
        let (cell, state, since) = (&oldest.cell, oldest.state, since.unwrap_or_default());
        writeln!(page, "Not true longest: {cell}, {state}{since}: {}", oldest.reason)?;
    }
    match &seen.last {
        Some(run) => writeln!(page, "Last run:  {}", told(seen, run))?,
        None => writeln!(page, "Last run:  none is remembered")?,
    }
    if let Some(next) = seen.next {
        writeln!(page, "Next run:  {next:.0}, and whenever something moves")?;
    }
    match seen.workers.as_slice() {
        [] => writeln!(page, "At work:   nobody (community-stats run)")?,
        workers => {
            for worker in workers {
                let doing = if worker.doing.is_empty() { "waiting" } else { &worker.doing };
                writeln!(page, "At work:   {} on {}: {doing}", worker.id, worker.host)?;
            }
        }
    }
    if let Some(QueueSeen { name, place, length }) = &seen.queue {
        writeln!(page, "Queue:     {} in {name} ({place})", tasks(*length))?;
    }
    for (kind, newest) in seen.bookmarks() {
        match newest {
            Some((day, 0)) => writeln!(page, "Bookmark:  {kind} through {day}, today")?,
            Some((day, 1)) => writeln!(page, "Bookmark:  {kind} through {day}, a day ago")?,
            Some((day, days)) => {
                writeln!(page, "Bookmark:  {kind} through {day}, {days} days ago")?;
            }
            None => writeln!(page, "Bookmark:  {kind} has none")?,
        }
    }
    page.flush()
}

fn tasks(number: u64) -> String {
    match number {
        0 => "no task waits".to_owned(),
        1 => "one task waits".to_owned(),
        more => format!("{} tasks wait", count(more)),
    }
}

fn told(seen: &Seen, run: &Run) -> String {
    let state = run.state_at(seen.now, SILENT);
    let began = age(seen.now.duration_since(run.begun));
    let took = run.ended.map(|ended| {
        let took = ended.duration_since(run.begun).unsigned_abs();
        format!(" in {}", duration(took))
    });
    let (done, planned) = (count(run.done), count(run.planned));
    let took = took.unwrap_or_default();
    format!("{} ({}) {state}, began {began} ago, {done} of {planned}{took}", run.id, run.trigger)
}
