//! `cache generate`: the main job.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use serde_json::{Value, json};
use stats_series::Category;

use super::super::progress::{Progress, Unit};
use super::super::rate::Rate;
use super::super::table::{count, duration};
use super::super::years::YearChoice;
use super::super::{Ending, Exit, Failure, Global, arguments, interrupt, terminal};
use super::{estimate, show_failures};
use crate::app::App;
use crate::service::{CachedResponseService, Request, Run, Summary, Waiting};

/// Arguments of `cache generate`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Generate {
    #[command(flatten)]
    communities: arguments::CommunityChoice,
    #[command(flatten)]
    years: YearChoice,
    /// A category; may be repeated. Without, all that are switched on.
    #[arg(long, value_parser = arguments::category)]
    category: Vec<Category>,
    /// Works although generation is switched off, and makes unchanged responses again.
    #[arg(long)]
    force: bool,
    /// Makes unchanged responses again.
    #[arg(long, conflicts_with = "no_overwrite")]
    overwrite: bool,
    /// Leaves unchanged responses alone, also with --force.
    #[arg(long)]
    no_overwrite: bool,
    /// Keeps only the metrics that the layout of the community shows.
    #[arg(long, overrides_with = "no_optimize")]
    optimize: bool,
    /// Keeps all metrics.
    #[arg(long, overrides_with = "optimize")]
    no_optimize: bool,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// How many shelves are read at the same time.
    #[arg(long, value_name = "N", value_parser = arguments::workers)]
    workers: Option<usize>,
}

/// The text of the Python package.
const SWITCHED_OFF: &str = "Community stats scheduled caching tasks are disabled. \
    Set COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED=True to enable response cache preparation \
    tasks. Use --force to bypass this check and run cache preparation directly.";

impl Generate {
    /// Whether it writes to the store.
    pub(super) const fn writes(&self) -> bool {
        !self.dry_run
    }

    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        if !app.settings().generation.enabled && !self.force {
            return Err(Failure::new(Exit::Failed, SWITCHED_OFF));
        }
        let workers = self.workers.unwrap_or_else(|| app.settings().generation.workers.count());
        if self.dry_run {
            let service = app.service_to_read()?;
            let request = self.request(&service)?;
            let plan = service.plan(&request)?;
            let rate = Rate::read(app.settings());
            return estimate::show(global, &plan, request.overwrite, rate);
        }
        if let Some(guess) = app.settings().guessed_lock() {
            terminal::warn(&format!("{guess}; set cache.main_redis_url"));
        }
        let service = app.service_to_write()?;
        let request = self.request(&service)?;
        let summary = watched(global, &app, workers, |run| service.create(&request, run))?;
        for warning in &summary.warnings {
            terminal::warn(warning);
        }
        warn_of_imports(&summary);
        if global.json {
            print_json(&summary)?;
        } else {
            report(&summary)?;
        }
        if summary.lock_lost {
            let lost = "the lock of bulk runs was lost, so the run stopped writing";
            return Err(Failure::new(Exit::Failed, lost).hint("run the same command again"));
        }
        Ok(exit(&summary))
    }

    fn request(&self, service: &CachedResponseService) -> Result<Request, Failure> {
        Ok(Request {
            communities: self.communities.resolve(service)?,
            years: self.years.resolve(),
            categories: self.category.clone(),
            optimize: (self.optimize || self.no_optimize).then_some(self.optimize),
            overwrite: (self.overwrite || self.force) && !self.no_overwrite,
        })
    }
}

/// Makes responses under the eyes of the caller.
pub(in crate::cli) fn watched<T>(
    global: &Global,
    app: &App,
    workers: usize,
    make: impl FnOnce(&mut Run<'_>) -> Result<Summary, T>,
) -> Result<Summary, T> {
    let cancel = interrupt::flag();
    let mut progress = Progress::new(global, Unit::Items, None);
    let made = make(&mut Run {
        workers,
        cancel: &cancel,
        progress: &mut |at| {
            let message = format!("{}/{}/{}", at.community, at.year, at.category);
            progress.show(at.done, Some(at.total), message);
        },
    });
    progress.end();
    let summary = made?;
    Rate::record(app.settings(), &summary);
    Ok(summary)
}

/// While an import is open, communities and documents may be missing that nothing else tells of.
fn warn_of_imports(summary: &Summary) {
    for import in &summary.open_imports {
        terminal::warn(&format!("{import}: what it changed is left as it was"));
    }
    if !summary.open_imports.is_empty() {
        terminal::hint(OPEN_IMPORT);
    } else if summary.imported_meanwhile {
        terminal::hint("documents were imported meanwhile; run the same command again");
    }
}

/// What to do about an import that is open.
pub(in crate::cli) const OPEN_IMPORT: &str = "wait for it to end, or import the same files again; \
    if the rest will never come: community-stats import --accept-loss";

fn exit(summary: &Summary) -> Exit {
    if summary.interrupted {
        Exit::Interrupted
    } else if summary.failed > 0 || !summary.open_imports.is_empty() || summary.imported_meanwhile {
        Exit::Partly
    } else {
        Exit::Done
    }
}

fn report(summary: &Summary) -> Result<(), Failure> {
    let mut output = terminal::output();
    let first = if summary.interrupted {
        "Cache generation interrupted"
    } else if summary.success == 0 && summary.failed == 0 {
        "No cache entries to generate."
    } else {
        "Cache generation completed"
    };
    writeln!(output, "{first}")?;
    writeln!(output, "Success: {}, Failed: {}", summary.success, summary.failed)?;
    let skipped = summary.skipped_because.iter().map(|(reason, number)| (reason, *number, None));
    grouped(&mut output, "Skipped", summary.skipped, skipped)?;
    let incomplete = summary
        .incomplete_because
        .iter()
        .map(|(reason, waiting)| (reason, waiting.len() as u64, Some(first_of(waiting))));
    grouped(&mut output, "Incomplete", summary.incomplete, incomplete)?;
    writeln!(output, "Total: {}", summary.total())?;
    if summary.documents > 0 {
        let (documents, elapsed) = (count(summary.documents), duration(summary.elapsed));
        writeln!(output, "Read {documents} documents in {elapsed}")?;
    }
    show_failures(&mut output, &summary.errors)?;
    output.flush()?;
    if summary.incomplete > 0 && !summary.bookmarked {
        terminal::hint(
            "there are no bookmarks, so nothing tells how far the aggregation went; \
             import the index stats-bookmarks-community, too",
        );
    }
    Ok(())
}

/// Shows reasons with the number of responses and, where given, which these are.
fn grouped<'a>(
    output: &mut dyn Write,
    name: &str,
    number: u64,
    because: impl ExactSizeIterator<Item = (&'a String, u64, Option<String>)>,
) -> std::io::Result<()> {
    let only = because.len() == 1;
    if number > 0 && !only {
        writeln!(output, "{name}: {number}")?;
    }
    for (reason, number, responses) in because {
        if only {
            writeln!(output, "{name}: {number} ({reason})")?;
        } else {
            writeln!(output, "  {number} {reason}")?;
        }
        if let Some(responses) = responses {
            let indent = if only { "  " } else { "    " };
            writeln!(output, "{indent}{responses}")?;
        }
    }
    Ok(())
}

/// The names of the first few.
fn first_of(waiting: &[Waiting]) -> String {
    const FEW: usize = 3;
    let name = |it: &Waiting| format!("{}/{}/{}", it.community_id, it.year, it.category);
    let names: Vec<String> = waiting.iter().take(FEW).map(name).collect();
    let names = names.join(", ");
    match waiting.len().saturating_sub(FEW) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// All responses that wait, each with its reason.
fn waiting(summary: &Summary) -> serde_json::Result<Vec<Value>> {
    let mut all = Vec::new();
    for (reason, waiting) in &summary.incomplete_because {
        for response in waiting {
            let mut object = serde_json::to_value(response)?;
            object["reason"] = json!(reason);
            all.push(object);
        }
    }
    Ok(all)
}

fn print_json(summary: &Summary) -> Result<(), Failure> {
    let mut object = serde_json::to_value(summary).map_err(std::io::Error::from)?;
    let incomplete: BTreeMap<&String, usize> =
        summary.incomplete_because.iter().map(|(reason, all)| (reason, all.len())).collect();
    let waiting = waiting(summary).map_err(std::io::Error::from)?;
    if let Some(members) = object.as_object_mut() {
        members.insert("total".to_owned(), json!(summary.total()));
        members.insert("skipped_because".to_owned(), json!(summary.skipped_because));
        members.insert("incomplete_because".to_owned(), json!(incomplete));
        members.insert("incomplete_responses".to_owned(), json!(waiting));
        members.insert("documents".to_owned(), json!(summary.documents));
        members.insert("seconds".to_owned(), json!(summary.elapsed.as_secs_f64()));
        members.insert("interrupted".to_owned(), json!(summary.interrupted));
    }
    terminal::print_json(&object)
}
