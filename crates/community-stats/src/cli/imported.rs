//! What an import did, for people and as JSON.

use std::io;

use serde_json::{Value, json};
use stats_documents::import::{Counts, ImportReport, LineKind, Listed};
use stats_documents::{ImportEnding, OpenImport};

use super::table::{Side, Table, count, plural};
use super::{Failure, terminal};

/// For people: lines by kind, what was refused, passed over, left out or kept back.
pub(super) fn show(report: &ImportReport) -> Result<(), Failure> {
    let mut output = terminal::page();
    table(report).write(&mut output)?;
    let total = report.total();
    if !total.refused.is_empty() {
        writeln!(output)?;
        writeln!(output, "Refused lines:")?;
        for (reason, lines) in &total.refused {
            writeln!(output, "  {} {reason}", count(*lines))?;
        }
        writeln!(output, "First of them:")?;
        for line in &report.refusals {
            let detail =
                if line.detail.is_empty() { String::new() } else { format!(": {}", line.detail) };
            writeln!(output, "  {}:{}: {}{detail}", line.file, line.line, line.reason)?;
        }
    }
    if !report.file_errors.is_empty() {
        writeln!(output)?;
        writeln!(output, "Files that could not be read to their end:")?;
        for error in &report.file_errors {
            let lines = plural(error.lines, "line", "lines");
            writeln!(output, "  {}, after {lines}: {}", error.file, error.message)?;
        }
        more(&report.file_errors, &mut output)?;
    }
    if !report.skipped.is_empty() {
        writeln!(output)?;
        writeln!(output, "Files that were not read:")?;
        for skipped in &report.skipped {
            writeln!(output, "  {}: {}", skipped.file, skipped.why)?;
        }
        more(&report.skipped, &mut output)?;
    }
    kept(report, &mut output)?;
    for (prefix, lines) in &report.other_prefixes.lines {
        let lines = plural(*lines, "line", "lines");
        writeln!(output)?;
        writeln!(output, "Left out: {lines} of the installation with the prefix '{prefix}'")?;
    }
    if report.other_prefixes.more > 0 {
        let lines = plural(report.other_prefixes.more, "line", "lines");
        writeln!(output)?;
        writeln!(output, "Left out: {lines} of installations with more prefixes")?;
    }
    if !report.lost.is_empty() {
        let kinds: Vec<String> = report.lost.iter().map(ToString::to_string).collect();
        let kinds = kinds.join(", ");
        writeln!(output)?;
        writeln!(output, "Something of {kinds} was lost: bookmarks of these kinds are not taken,")?;
        writeln!(output, "and responses made from what changed wait for an import without loss.")?;
    }
    if report.interrupted {
        writeln!(output)?;
        writeln!(output, "Interrupted: what is counted here stays.")?;
        let kept_back = report.total().kept_back;
        if kept_back > 0 {
            let lines = plural(kept_back, "line", "lines");
            writeln!(
                output,
                "{lines} of bookmarks, events and communities do not: they come last."
            )?;
        }
    }
    output.flush()?;
    Ok(())
}

/// How many there were beside those that are told.
fn more<T>(listed: &Listed<T>, output: &mut terminal::Page) -> io::Result<()> {
    if listed.more > 0 {
        writeln!(output, "  and {} more", count(listed.more))?;
    }
    Ok(())
}

/// What did not replace what is in the archive.
fn kept(report: &ImportReport, output: &mut terminal::Page) -> io::Result<()> {
    let total = report.total();
    let older = |kind| report.kinds.get(&kind).map_or(0, |counts: &Counts| counts.older);
    let (communities, bookmarks) = (older(LineKind::Communities), older(LineKind::Bookmarks));
    for (number, one, several) in [
        (total.older - communities - bookmarks, "document computed", "documents computed"),
        (communities, "community changed", "communities changed"),
        (bookmarks, "bookmark", "bookmarks"),
    ] {
        if number > 0 {
            let things = plural(number, one, several);
            writeln!(output)?;
            writeln!(output, "Not replaced: {things} earlier than what is in the archive")?;
        }
    }
    if total.number_forms > 0 {
        let documents = plural(total.number_forms, "document", "documents");
        writeln!(output)?;
        writeln!(
            output,
            "Not replaced: {documents} that lost fractions of numbers (3072.0, 3072):"
        )?;
        writeln!(output, "a tool that knows only one form of numbers wrote them")?;
    }
    for document in &report.kept {
        writeln!(output, "  {} {}", document.kind, document.id)?;
    }
    if !report.kept.is_empty() {
        writeln!(output, "(--replace takes them all the same)")?;
    }
    Ok(())
}

/// Lines by kind and what became of them.
pub(super) fn table(report: &ImportReport) -> Table {
    let mut table = Table::new(&[
        ("kind", Side::Left),
        ("lines", Side::Right),
        ("new", Side::Right),
        ("replaced", Side::Right),
        ("unchanged", Side::Right),
        ("refused", Side::Right),
    ]);
    let mut row = |name: String, counts: &Counts| {
        let numbers =
            [counts.lines, counts.new, counts.replaced, counts.unchanged, counts.refused_lines()];
        table.row([name].into_iter().chain(numbers.map(count)).collect());
    };
    for (kind, counts) in &report.kinds {
        row(kind.to_string(), counts);
    }
    row("total".to_owned(), &report.total());
    table
}

/// The same as JSON.
pub(super) fn as_json(report: &ImportReport) -> Value {
    let counts = |counts: &Counts| {
        let refused: serde_json::Map<String, Value> = counts
            .refused
            .iter()
            .map(|(reason, lines)| (reason.to_string(), json!(lines)))
            .collect();
        json!({
            "lines": counts.lines,
            "new": counts.new,
            "replaced": counts.replaced,
            "unchanged": counts.unchanged,
            "older": counts.older,
            "number_forms": counts.number_forms,
            "kept_back": counts.kept_back,
            "refused": refused,
        })
    };
    let kinds: serde_json::Map<String, Value> =
        report.kinds.iter().map(|(kind, of)| (kind.to_string(), counts(of))).collect();
    let refusals: Vec<Value> = report
        .refusals
        .iter()
        .map(|line| {
            json!({
                "file": line.file,
                "line": line.line,
                "reason": line.reason.to_string(),
                "detail": line.detail,
            })
        })
        .collect();
    let file_errors: Vec<Value> = report
        .file_errors
        .iter()
        .map(|error| json!({"file": error.file, "lines": error.lines, "message": error.message}))
        .collect();
    json!({
        "total": counts(&report.total()),
        "kinds": kinds,
        "refusals": refusals,
        "file_errors": file_errors,
        "more_file_errors": report.file_errors.more,
        "files": report.files,
        "bytes": report.plain_bytes,
        "skipped_files": report.skipped.iter().map(|skipped| &skipped.file).collect::<Vec<_>>(),
        "skipped_because": report
            .skipped
            .iter()
            .map(|skipped| json!({"file": skipped.file, "why": skipped.why}))
            .collect::<Vec<_>>(),
        "more_skipped_files": report.skipped.more,
        "not_replaced": report
            .kept
            .iter()
            .map(|kept| json!({"kind": kept.kind.to_string(), "id": kept.id}))
            .collect::<Vec<_>>(),
        "lost": report.lost.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "other_prefixes": report.other_prefixes.lines,
        "more_other_prefixes": report.other_prefixes.more,
        "mixed_prefixes": report.mixed_prefixes,
        "still_running": report
            .still_running
            .iter()
            .map(|import| json!({"began": import.began().to_string(), "process": process(import)}))
            .collect::<Vec<_>>(),
        "interrupted": report.interrupted,
    })
}

fn process(import: &OpenImport) -> Option<u32> {
    match import.ending {
        ImportEnding::Running(process) => process,
        _ => None,
    }
}
