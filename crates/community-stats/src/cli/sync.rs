//! `sync`: the mirror of a live index brought up to date.

use std::sync::Mutex;

use clap::Args;
use serde_json::json;
use stats_documents::{ShelfFilter, SyncReport};
use stats_service::{chain, resolve};

use super::progress::{Progress, Unit};
use super::table::{count, plural, size};
use super::years::YearChoice;
use super::{Ending, Exit, Failure, Global, arguments, interrupt, terminal};

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub(super) struct Sync {
    #[command(flatten)]
    communities: arguments::CommunityChoice,
    #[command(flatten)]
    years: YearChoice,
}

impl Sync {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let mirror = app.mirror_with_communities()?;
        let names = self.communities.names();
        let communities =
            resolve(&mirror, &mirror, &names)?.iter().map(ToString::to_string).collect();
        let filter = ShelfFilter { communities, years: self.years.named() };
        let cancel = interrupt::flag();
        let progress = Mutex::new(Progress::new(global, Unit::Items, None));
        let workers = usize::from(app.settings().source.shelves_in_flight.get());
        let synced = mirror.sync(&filter, workers, &cancel, &|done, total| {
            if let Ok(mut progress) = progress.lock() {
                progress.show(done, Some(total), "shelves");
            }
        });
        if let Ok(progress) = progress.into_inner() {
            progress.end();
        }
        let report = synced?;
        if global.json {
            print_json(&report)?;
        } else {
            show(&report)?;
        }
        Ok(exit(&report))
    }
}

fn exit(report: &SyncReport) -> Exit {
    if report.interrupted {
        Exit::Interrupted
    } else if is_whole(report) && report.withheld.is_empty() {
        Exit::Done
    } else {
        Exit::Partly
    }
}

/// Whether all documents were brought up to date.
fn is_whole(report: &SyncReport) -> bool {
    report.failures.is_empty() && report.missing.is_empty()
}

fn show(report: &SyncReport) -> Result<(), Failure> {
    let mut output = terminal::page();
    let word = if report.interrupted { "interrupted" } else { "completed" };
    writeln!(output, "Sync {word}")?;
    let (shelves, changed) = (plural(report.shelves, "shelf", "shelves"), count(report.changed));
    writeln!(output, "{shelves} looked at, {changed} changed")?;
    let documents = plural(report.documents, "document", "documents");
    let (bytes, dropped) = (size(report.bytes), count(report.dropped));
    writeln!(output, "{documents} fetched ({bytes}), {dropped} dropped")?;
    if !is_whole(report) {
        writeln!(output, "Not brought up to date:")?;
    }
    for (kind, error) in &report.missing {
        writeln!(output, "  {kind}: {}", chain(error))?;
    }
    for (shelf, error) in &report.failures {
        writeln!(output, "  {shelf}: {}", chain(error))?;
    }
    if !report.withheld.is_empty() {
        writeln!(output, "Bookmarks that stay as they were:")?;
    }
    for (kind, why) in &report.withheld {
        writeln!(output, "  {kind}: {}", chain(why))?;
    }
    output.flush()?;
    Ok(())
}

fn print_json(report: &SyncReport) -> Result<(), Failure> {
    let failures: Vec<_> = report
        .failures
        .iter()
        .map(|(shelf, error)| {
            json!({
                "community_id": shelf.community,
                "year": shelf.year,
                "kind": shelf.kind.name(),
                "error": chain(error),
            })
        })
        .collect();
    let missing: Vec<_> = report
        .missing
        .iter()
        .map(|(kind, error)| json!({"kind": kind.name(), "error": chain(error)}))
        .collect();
    let withheld: Vec<_> = report
        .withheld
        .iter()
        .map(|(kind, why)| json!({"kind": kind.name(), "reason": chain(why)}))
        .collect();
    terminal::print_json(&json!({
        "shelves": report.shelves,
        "changed": report.changed,
        "documents": report.documents,
        "bytes": report.bytes,
        "dropped": report.dropped,
        "failures": failures,
        "missing": missing,
        "withheld_bookmarks": withheld,
        "interrupted": report.interrupted,
    }))
}
