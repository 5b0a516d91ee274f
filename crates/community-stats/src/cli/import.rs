//! `import`: exported documents into the archive.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use stats_documents::import::{
    Advance, Counts, HOW_TO_EXPORT, ImportOptions, ImportReport, Input, LineKind, Listed,
    Progress as Watch, import, means_something,
};
use stats_documents::{ArchiveOptions, ImportEnding, OpenImport};

use super::progress::{Progress, Unit};
use super::table::{Side, Table, count, plural};
use super::{Ending, Exit, Failure, Global, interrupt, terminal};

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Files, folders, or `-` for standard input: export lines {"_index", "_id", "_source"},
    /// answers of `_search`, arrays of hits or lines of `_bulk`; plain, compressed (gzip, zstd,
    /// bzip2, xz) or packed (tar, zip).
    #[arg(required_unless_present = "accept_loss", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The index of documents that come without one.
    #[arg(long, value_name = "NAME", value_parser = index_name)]
    index: Option<String>,
    /// Documents, communities and bookmarks replace those in the archive even when they are older.
    #[arg(long)]
    replace: bool,
    /// What is lost counts as not there, now and in imports that were broken off, though not in
    /// those that run: responses are made without it.
    #[arg(long)]
    accept_loss: bool,
    /// So many bytes of documents are written at once, and held in memory before.
    #[arg(long, value_name = "BYTES", default_value_t = ArchiveOptions::default().batch_bytes)]
    batch: u64,
}

impl Import {
    pub(super) fn run(&self, global: &Global) -> Ending {
        for path in &self.paths {
            check(path)?;
        }
        let app = global.app()?;
        let prefix = Some(app.settings().source.index_prefix.clone());
        let options = ImportOptions {
            prefix: prefix.filter(|prefix| !prefix.is_empty()),
            index: self.index.clone(),
            replace: self.replace,
            accept_loss: self.accept_loss,
            cancel: interrupt::flag(),
            ..ImportOptions::default()
        };
        let archive = app.archive_with(ArchiveOptions {
            batch_bytes: self.batch,
            ..ArchiveOptions::default()
        })?;
        let inputs = self.paths.iter().map(|path| input(path)).collect();
        let mut watcher = Watcher::new(global);
        let imported = import(inputs, &archive, &options, &mut watcher);
        watcher.progress.end();
        let (report, cause) = match imported {
            Ok(report) => (report, None),
            Err(error) => (*error.report, Some(error.cause)),
        };
        if global.json {
            terminal::print_json(&as_json(&report))?;
        } else {
            show(&report)?;
        }
        match cause {
            Some(cause) => Err(cause.into()),
            None => self.ending(&report),
        }
    }

    fn ending(&self, report: &ImportReport) -> Ending {
        for import in &report.still_running {
            terminal::warn(&format!("{import}: nothing of it was settled"));
        }
        if report.interrupted {
            Ok(Exit::Interrupted)
        } else if !report.mixed_prefixes.is_empty() {
            Err(mixed(report))
        } else if report.is_empty() && !self.paths.is_empty() {
            Err(nothing(report))
        } else if !report.still_running.is_empty() {
            terminal::hint(STILL_RUNNING);
            Ok(Exit::Partly)
        } else if report.is_complete() {
            Ok(Exit::Done)
        } else {
            if !report.lost.is_empty() {
                terminal::hint(LOST);
            }
            Ok(Exit::Partly)
        }
    }
}

const LOST: &str = "mend what was refused and import it again; \
    if it cannot be mended, the same command with --accept-loss takes the rest for all there is";

const STILL_RUNNING: &str = "wait for it to end, or end it; \
    then, if something is left of it, the same command with --accept-loss again";

/// The index that documents are said to be of.
fn index_name(text: &str) -> Result<String, String> {
    if means_something(text) {
        Ok(text.to_owned())
    } else {
        Err("not an index of documents, bookmarks, events or communities; \
             for example stats-community-usage-delta-2024"
            .to_owned())
    }
}

/// Refuses what cannot be read before anything is.
fn check(path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Ok(());
    }
    match path.metadata() {
        Ok(_) => Ok(()),
        Err(error) => {
            let message = format!("reading {}: {error}; nothing was imported", path.display());
            Err(Failure::new(Exit::Failed, message))
        }
    }
}

/// Documents of several installations.
fn mixed(report: &ImportReport) -> Failure {
    let names = quoted(report.mixed_prefixes.iter());
    let written = report.total().new + report.total().replaced;
    let rest = match written {
        0 => "nothing was imported".to_owned(),
        written => format!("the import ended there, after {}", plural(written, "line", "lines")),
    };
    Failure::new(
        Exit::Failed,
        format!(
            "documents of several installations, which must not be mixed: \
             their index names begin with {names}; {rest}"
        ),
    )
    .hint(
        "say which one is meant: source.index_prefix in the settings, \
         COMMUNITY_STATS_SOURCE_INDEX_PREFIX in the environment, or a data folder for each",
    )
}

/// Prefixes, as far as a message bears them.
fn quoted<'a>(mut prefixes: impl Iterator<Item = &'a String>) -> String {
    const MOST: usize = 10;
    let names: Vec<String> =
        prefixes.by_ref().take(MOST).map(|prefix| format!("'{prefix}'")).collect();
    let more = if prefixes.next().is_some() { " and more" } else { "" };
    names.join(", ") + more
}

/// Nothing that means anything.
fn nothing(report: &ImportReport) -> Failure {
    let why = if let Some(error) = report.file_errors.first() {
        format!("{}: {}", error.file, error.message)
    } else if !report.other_prefixes.is_empty() {
        let names = quoted(report.other_prefixes.lines.keys());
        format!("all lines are of installations with other prefixes: {names}")
    } else if report.total().lines > 0 {
        "every line was refused".to_owned()
    } else if report.files == 0 && report.skipped.is_empty() {
        "no file was found".to_owned()
    } else if let [skipped] = &report.skipped[..]
        && report.files == 0
    {
        format!("{}: {}", skipped.file, skipped.why)
    } else if report.files == 0 {
        "no file holds export lines".to_owned()
    } else {
        "there is nothing in it".to_owned()
    };
    Failure::new(Exit::Failed, format!("nothing was imported: {why}")).hint(HOW_TO_EXPORT)
}

fn input(path: &Path) -> Input {
    if path == Path::new("-") {
        Input::Reader { name: "standard input".to_owned(), reader: Box::new(io::stdin()) }
    } else {
        Input::Path(path.to_owned())
    }
}

/// Shows how far an import is.
pub(super) struct Watcher {
    pub(super) progress: Progress,
    total: Option<u64>,
    file: String,
}

impl Watcher {
    pub(super) fn new(global: &Global) -> Self {
        Self {
            progress: Progress::new(global, Unit::Bytes, None),
            total: None,
            file: String::new(),
        }
    }
}

impl Watch for Watcher {
    fn found(&mut self, _: u64, bytes: Option<u64>) {
        self.total = bytes;
    }

    fn file(&mut self, name: &str) {
        name.clone_into(&mut self.file);
    }

    fn advanced(&mut self, so_far: Advance) {
        let message = format!("{} {}", plural(so_far.lines, "line", "lines"), self.file);
        self.progress.show(so_far.read_bytes, self.total, message);
    }
}

fn show(report: &ImportReport) -> Result<(), Failure> {
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

fn as_json(report: &ImportReport) -> Value {
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
