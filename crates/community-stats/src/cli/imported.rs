//! What an import did, for people and as JSON.

use std::io;

use serde_json::{Map, Value, json};
use stats_documents::import::{Counts, ImportReport, LineKind, Listed};
use stats_documents::{ImportEnding, OpenImport};

use super::table::{Side, Table, count, plural};
use super::{Failure, terminal};

/// For people: lines by kind, what was refused, passed over, left out or kept back.
pub(super) fn show(report: &ImportReport) -> Result<(), Failure> {
    let mut output = terminal::page();
    table(report).write(&mut output)?;
    refused(report, &mut output)?;
    unread(report, &mut output)?;
    kept(report, &mut output)?;
    left_out(report, &mut output)?;
    lost(report, &mut output)?;
    if report.interrupted {
        interrupted(report, &mut output)?;
    }
    output.flush()?;
    Ok(())
}

fn refused(report: &ImportReport, output: &mut terminal::Page) -> io::Result<()> {
    let total = report.total();
    if total.refused.is_empty() {
        return Ok(());
    }
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
    Ok(())
}

/// Files that were not read, or not to their end.
fn unread(report: &ImportReport, output: &mut terminal::Page) -> io::Result<()> {
    if !report.file_errors.is_empty() {
        writeln!(output)?;
        writeln!(output, "Files that could not be read to their end:")?;
        for error in &report.file_errors {
            let lines = plural(error.lines, "line", "lines");
            writeln!(output, "  {}, after {lines}: {}", error.file, error.message)?;
        }
        more(&report.file_errors, output)?;
    }
    if !report.skipped.is_empty() {
        writeln!(output)?;
        writeln!(output, "Files that were not read:")?;
        for skipped in &report.skipped {
            writeln!(output, "  {}: {}", skipped.file, skipped.why)?;
        }
        more(&report.skipped, output)?;
    }
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

/// Lines of other installations.
fn left_out(report: &ImportReport, output: &mut terminal::Page) -> io::Result<()> {
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
    Ok(())
}

/// The kinds of which something was lost, and what waits for them.
fn lost(report: &ImportReport, output: &mut terminal::Page) -> io::Result<()> {
    if report.lost.is_empty() {
        return Ok(());
    }
    let kinds: Vec<String> = report.lost.iter().map(ToString::to_string).collect();
    let kinds = kinds.join(", ");
    writeln!(output)?;
    writeln!(output, "Something of {kinds} was lost: bookmarks of these kinds are not taken,")?;
    writeln!(output, "and responses made from what changed wait for an import without loss.")
}

/// What stays of an import that was interrupted, and what does not.
fn interrupted(report: &ImportReport, output: &mut terminal::Page) -> io::Result<()> {
    writeln!(output)?;
    writeln!(output, "Interrupted: what is counted here stays.")?;
    let kept_back = report.total().kept_back;
    if kept_back > 0 {
        let lines = plural(kept_back, "line", "lines");
        writeln!(output, "{lines} of bookmarks, events and communities do not: they come last.")?;
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
    let kinds: Map<String, Value> =
        report.kinds.iter().map(|(kind, counts)| (kind.to_string(), as_counts(counts))).collect();
    let refusals = list(&report.refusals, |line| {
        let reason = line.reason.to_string();
        json!({"file": line.file, "line": line.line, "reason": reason, "detail": line.detail})
    });
    let file_errors = list(
        &report.file_errors,
        |error| json!({"file": error.file, "lines": error.lines, "message": error.message}),
    );
    let still_running = list(
        &report.still_running,
        |import| json!({"began": import.began().to_string(), "process": process(import)}),
    );
    json!({
        "total": as_counts(&report.total()),
        "kinds": kinds,
        "refusals": refusals,
        "file_errors": file_errors,
        "more_file_errors": report.file_errors.more,
        "files": report.files,
        "bytes": report.plain_bytes,
        "skipped_files": list(&report.skipped, |it| json!(it.file)),
        "skipped_because": list(&report.skipped, |it| json!({"file": it.file, "why": it.why})),
        "more_skipped_files": report.skipped.more,
        "not_replaced":
            list(&report.kept, |it| json!({"kind": it.kind.to_string(), "id": it.id})),
        "lost": list(&report.lost, |kind| json!(kind.to_string())),
        "other_prefixes": report.other_prefixes.lines,
        "more_other_prefixes": report.other_prefixes.more,
        "mixed_prefixes": report.mixed_prefixes,
        "still_running": still_running,
        "interrupted": report.interrupted,
    })
}

fn as_counts(counts: &Counts) -> Value {
    let refused: Map<String, Value> =
        counts.refused.iter().map(|(reason, lines)| (reason.to_string(), json!(lines))).collect();
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
}

fn list<'a, T: 'a>(
    items: impl IntoIterator<Item = &'a T>,
    as_json: impl Fn(&T) -> Value,
) -> Vec<Value> {
    items.into_iter().map(as_json).collect()
}

fn process(import: &OpenImport) -> Option<u32> {
    match import.ending {
        ImportEnding::Running(process) => process,
        _ => None,
    }
}
