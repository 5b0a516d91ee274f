//! `cache verify --source`: the documents we keep against what the source says it has, shelf by
//! shelf, without reading one of its documents.

use serde_json::{Value, json};
use stats_documents::{AuditReport, ShelfDifference, ShelfFilter};
use stats_model::{DocumentKind, Shelf};
use stats_service::chain;

use super::super::table::{count, plural};
use super::super::{Ending, Exit, Failure, Global, terminal};
use crate::app::{App, Documents};
use crate::config::{Settings, SourceKind};

/// What an audit found.
struct Audit {
    shelves: u64,
    differences: Vec<(Shelf, String)>,
    /// Kinds that the source has nothing for, and what it says.
    missing: Vec<(DocumentKind, String)>,
}

/// Compares all shelves that `filter` lets through.
pub(super) fn run(global: &Global, app: &App, filter: &ShelfFilter) -> Ending {
    let audit = match app.documents()? {
        Documents::Imported(_) => return Err(no_live_source()),
        Documents::Mirrored(mirror) => {
            let AuditReport { shelves, differences, missing } = mirror.audit(filter)?;
            let missing = missing.iter().map(|(kind, error)| (*kind, chain(error)));
            let differences = differences.iter().map(against_index).collect();
            Audit { shelves, differences, missing: missing.collect() }
        }
    };
    if global.json {
        let different: Vec<Value> = audit
            .differences
            .iter()
            .map(|(shelf, difference)| {
                json!({
                    "community_id": shelf.community,
                    "year": shelf.year,
                    "kind": shelf.kind.name(),
                    "difference": difference,
                })
            })
            .collect();
        let missing: Vec<Value> = audit
            .missing
            .iter()
            .map(|(kind, error)| json!({"kind": kind.name(), "error": error}))
            .collect();
        terminal::print_json(&json!({
            "shelves": audit.shelves,
            "different": different,
            "missing": missing,
        }))?;
    } else {
        show(&audit)?;
    }
    Ok(if audit.shelves == 0 && audit.missing.is_empty() {
        terminal::hint("there is nothing of what was asked for, so nothing was checked");
        Exit::Failed
    } else if !audit.differences.is_empty() {
        Exit::Difference
    } else if audit.missing.is_empty() {
        Exit::Done
    } else {
        Exit::Partly
    })
}

/// Refuses where there is nothing to compare with: documents were imported, or no cluster is asked.
pub(super) fn refuse_without_live_source(settings: &Settings) -> Result<(), Failure> {
    let live = settings.source.kind == SourceKind::Opensearch && !settings.mirror.offline;
    if live { Ok(()) } else { Err(no_live_source()) }
}

fn no_live_source() -> Failure {
    let text = "there is no live source to compare with";
    Failure::new(Exit::Usage, text).hint(
        "`--source` holds a mirror against its index; `community-stats doctor` looks at the files, \
         and `cache verify` at the responses",
    )
}

fn against_index(difference: &ShelfDifference) -> (Shelf, String) {
    let ShelfDifference { shelf, source, mirror } = difference;
    let text = match mirror {
        None => format!("the index has {source}; the mirror holds nothing of it"),
        Some(mirror) => format!("the index has {source}; the mirror has {mirror}"),
    };
    (shelf.clone(), text)
}

fn show(audit: &Audit) -> Result<(), Failure> {
    let mut output = terminal::page();
    let shelves = plural(audit.shelves, "shelf", "shelves");
    writeln!(output, "Checked: {shelves}, Different: {}", count(audit.differences.len() as u64))?;
    for (shelf, difference) in &audit.differences {
        writeln!(output, "  {shelf}: {difference}")?;
    }
    if !audit.missing.is_empty() {
        writeln!(output, "Not checked:")?;
    }
    for (kind, error) in &audit.missing {
        writeln!(output, "  {kind}: {error}")?;
    }
    output.flush()?;
    if !audit.differences.is_empty() {
        terminal::hint("`community-stats sync` brings a mirror up to date");
    }
    Ok(())
}
