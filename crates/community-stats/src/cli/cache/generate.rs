//! `cache generate`: the main job.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::{Value, json};
use stats_documents::{ImportEnding, OpenImport};
use stats_model::Category;
use stats_service::{Request, Run, Summary, Waiting};

use super::super::progress::{Progress, Unit};
use super::super::rate::Rate;
use super::super::table::{count, duration};
use super::super::years::YearChoice;
use super::super::{Ending, Exit, Failure, Global, Needs, arguments, interrupt, terminal};
use super::{estimate, show_failures};
use crate::app::App;

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
    /// Makes responses also where documents are gone since they were made last: the stored ones are
    /// replaced by what is left.
    #[arg(long)]
    accept_loss: bool,
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
    pub(super) const fn needs(&self) -> Needs {
        if self.dry_run { Needs::ToRead } else { Needs::ToWrite }
    }

    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        if !app.settings().generation.enabled && !self.force {
            let origin = app.settings().origin("generation.enabled");
            return Err(Failure::new(Exit::Failed, SWITCHED_OFF).hint(format!(
                "here that is `generation.enabled`, set to false by {origin}: set it to true there, \
                 or for once with --set generation.enabled=true"
            )));
        }
        let workers = self.workers.unwrap_or_else(|| app.settings().generation.workers.count());
        if self.dry_run {
            let service = app.service_to_read()?;
            let request = self.request();
            let plan = service.plan(&request)?;
            plan.warnings.iter().for_each(|warning| terminal::warn(warning));
            let rate = Rate::read(app.settings());
            return estimate::show(global, &plan, request.overwrite, rate);
        }
        if let Some(guess) = app.settings().guessed_lock() {
            terminal::warn(&format!("{guess}; set cache.main_redis_url"));
        }
        let service = app.service_to_write()?;
        let request = self.request();
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

    fn request(&self) -> Request {
        Request {
            communities: self.communities.communities(),
            years: self.years.resolve(),
            categories: self.category.clone(),
            optimize: (self.optimize || self.no_optimize).then_some(self.optimize),
            overwrite: (self.overwrite || self.force) && !self.no_overwrite,
            accept_loss: self.accept_loss,
        }
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
        terminal::hint(remedy(&summary.open_imports));
    } else if summary.imported_meanwhile {
        terminal::hint("documents were imported meanwhile; run the same command again");
    }
}

/// What to do about imports that are open.
fn remedy(imports: &[OpenImport]) -> &'static str {
    let runs = |import: &OpenImport| matches!(import.ending, ImportEnding::Running(_));
    let is_over = |import: &OpenImport| {
        matches!(import.ending, ImportEnding::BrokenOff | ImportEnding::WithLoss)
    };
    if imports.iter().all(runs) {
        "wait for it to end, then run the same command again"
    } else if imports.iter().all(is_over) {
        "import the same files again; \
         if the rest will never come: community-stats import --accept-loss"
    } else {
        "wait for it to end, or import the same files again; \
         if the rest will never come: community-stats import --accept-loss"
    }
}

fn exit(summary: &Summary) -> Exit {
    if summary.interrupted {
        Exit::Interrupted
    } else if summary.failed > 0
        || summary.held > 0
        || is_in_vain(summary)
        || !summary.open_imports.is_empty()
        || summary.imported_meanwhile
        || summary.changed_meanwhile
    {
        Exit::Partly
    } else {
        Exit::Done
    }
}

/// Whether nothing of what was asked for can ever come of it as things are: no bookmark tells that
/// anything is complete, or the years are in no lifespan.
fn is_in_vain(summary: &Summary) -> bool {
    let nothing = summary.success + summary.skipped == 0;
    nothing && if summary.total() > 0 { !summary.bookmarked } else { !summary.outside.is_empty() }
}

fn report(summary: &Summary) -> Result<(), Failure> {
    let mut output = terminal::page();
    let first = if summary.interrupted {
        "Cache generation interrupted"
    } else if summary.success == 0 && summary.failed == 0 {
        "No cache entries to generate."
    } else {
        "Cache generation completed"
    };
    writeln!(output, "{first}")?;
    writeln!(output, "Success: {}, Failed: {}", summary.success, summary.failed)?;
    not_made(&mut output, summary)?;
    if summary.adopted + summary.replaced > 0 {
        let (adopted, replaced) = (count(summary.adopted), count(summary.replaced));
        writeln!(output, "Of other writers: {adopted} adopted, {replaced} replaced")?;
    }
    writeln!(output, "Total: {}", summary.total())?;
    if summary.documents > 0 {
        let (documents, elapsed) = (count(summary.documents), duration(summary.elapsed));
        writeln!(output, "Read {documents} documents in {elapsed}")?;
    }
    show_failures(&mut output, &summary.errors)?;
    output.flush()?;
    hint_at_remedies(summary);
    Ok(())
}

/// What was skipped, waits or is held, each with the reasons.
fn not_made(output: &mut terminal::Page, summary: &Summary) -> std::io::Result<()> {
    let skipped = summary.skipped_because.iter().map(|(reason, number)| (reason, *number, None));
    grouped(output, "Skipped", summary.skipped, skipped)?;
    let incomplete = summary
        .incomplete_because
        .iter()
        .map(|(reason, waiting)| (reason, waiting.len() as u64, Some(first_of(waiting))));
    grouped(output, "Incomplete", summary.incomplete, incomplete)?;
    let held = held_because(summary);
    let held = held.iter().map(|(reason, held)| (reason, held.len() as u64, Some(first_of(held))));
    grouped(output, "Held", summary.held, held)
}

/// Says what can be done about what was not made.
fn hint_at_remedies(summary: &Summary) {
    if summary.held > 0 {
        terminal::hint(
            "documents of these responses are gone, so what is stored stays; bring the documents \
             back, or say --accept-loss if the loss is meant",
        );
    }
    if summary.changed_meanwhile {
        terminal::hint("somebody else stored responses meanwhile; run the same command again");
    }
    if !summary.outside.is_empty() {
        let years: Vec<String> = summary.outside.iter().map(ToString::to_string).collect();
        let years = years.join(", ");
        terminal::hint(&format!("in no lifespan of a community asked for: {years}"));
    }
    if summary.incomplete > 0 && !summary.bookmarked {
        terminal::hint(
            "there are no bookmarks, so nothing tells how far the aggregation went; \
             import the index stats-bookmarks-community, too",
        );
    }
}

/// Shows reasons with the number of responses and, where given, which these are.
fn grouped<'a>(
    output: &mut terminal::Page,
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

/// The held responses by reason.
fn held_because(summary: &Summary) -> BTreeMap<String, Vec<Waiting>> {
    let mut because: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
    for held in &summary.held_responses {
        let (community_id, year, category) = (held.community_id.clone(), held.year, held.category);
        let response = Waiting { community_id, year, category };
        because.entry(held.reason.clone()).or_default().push(response);
    }
    because
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
        members.insert("years_outside".to_owned(), json!(summary.outside));
        members.insert("warnings".to_owned(), json!(summary.warnings));
    }
    terminal::print_json(&object)
}
