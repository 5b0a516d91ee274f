//! What a run came to: in words, as JSON, and as an exit code.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use stats_documents::{ImportEnding, OpenImport};
use stats_model::Cell;
use stats_service::Summary;

use super::table::{count, duration};
use super::{Ending, Exit, Failure, terminal};

/// Tells of a run: its warnings, then what came of every response.
pub(super) fn tell(summary: &Summary, json: bool) -> Result<(), Failure> {
    for warning in &summary.warnings {
        terminal::warn(warning);
    }
    warn_of_imports(summary);
    if json { print_json(summary) } else { report(summary) }
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

/// How a command that made responses ends.
pub(super) fn ending(summary: &Summary) -> Ending {
    if summary.lock_lost {
        let lost = "the lock of bulk runs was lost, so the run stopped writing";
        return Err(Failure::new(Exit::Failed, lost).hint("run the same command again"));
    }
    Ok(exit(summary))
}

/// The exit code of a run.
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
    let plain = |(reason, number)| (reason, number, None);
    let kept = kept_because(summary).into_iter().map(plain).collect();
    grouped(output, "Skipped", summary.skipped, kept)?;
    let named = |(reason, cells): (String, Vec<&Cell>)| {
        (reason, cells.len() as u64, Some(first_of(&cells)))
    };
    let incomplete = incomplete_because(summary).into_iter().map(named).collect();
    grouped(output, "Incomplete", summary.incomplete, incomplete)?;
    let held = held_because(summary).into_iter().map(named).collect();
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

/// A reason, the number of its responses and, where given, which these are.
type Because = (String, u64, Option<String>);

/// Shows reasons with the number of responses and, where given, which these are.
fn grouped(
    output: &mut terminal::Page,
    name: &str,
    number: u64,
    because: Vec<Because>,
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

/// How many responses were left as they are, by reason.
fn kept_because(summary: &Summary) -> BTreeMap<String, u64> {
    summary.kept.iter().map(|(reason, number)| (reason.to_string(), *number)).collect()
}

/// The incomplete responses by reason.
fn incomplete_because(summary: &Summary) -> BTreeMap<String, Vec<&Cell>> {
    by_reason(summary.waiting.iter().map(|it| (it.wait.to_string(), &it.cell)))
}

/// The held responses by reason.
fn held_because(summary: &Summary) -> BTreeMap<String, Vec<&Cell>> {
    by_reason(summary.held_responses.iter().map(|it| (it.reason(), &it.cell)))
}

fn by_reason<'a>(
    cells: impl Iterator<Item = (String, &'a Cell)>,
) -> BTreeMap<String, Vec<&'a Cell>> {
    let mut because: BTreeMap<String, Vec<&Cell>> = BTreeMap::new();
    for (reason, cell) in cells {
        because.entry(reason).or_default().push(cell);
    }
    because
}

/// The names of the first few.
fn first_of(cells: &[&Cell]) -> String {
    const FEW: usize = 3;
    let names: Vec<String> = cells.iter().take(FEW).map(ToString::to_string).collect();
    let names = names.join(", ");
    match cells.len().saturating_sub(FEW) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// All responses that wait, each with its reason.
fn waiting(summary: &Summary) -> serde_json::Result<Vec<Value>> {
    let mut all = Vec::new();
    for (reason, cells) in incomplete_because(summary) {
        for cell in cells {
            let mut object = serde_json::to_value(cell)?;
            object["reason"] = json!(reason);
            all.push(object);
        }
    }
    Ok(all)
}

fn print_json(summary: &Summary) -> Result<(), Failure> {
    let mut object = serde_json::to_value(summary).map_err(std::io::Error::from)?;
    let incomplete: BTreeMap<String, usize> =
        incomplete_because(summary).into_iter().map(|(reason, all)| (reason, all.len())).collect();
    let waiting = waiting(summary).map_err(std::io::Error::from)?;
    if let Some(members) = object.as_object_mut() {
        members.insert("total".to_owned(), json!(summary.total()));
        members.insert("skipped_because".to_owned(), json!(kept_because(summary)));
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

/// The cells that failed, a line each, as the Python package prints them.
pub(super) fn show_failures(
    output: &mut terminal::Page,
    failures: &[stats_service::Failure],
) -> std::io::Result<()> {
    if !failures.is_empty() {
        writeln!(output, "Errors:")?;
    }
    for failure in failures {
        writeln!(output, "  {}: {}", failure.cell, failure.error)?;
    }
    Ok(())
}
