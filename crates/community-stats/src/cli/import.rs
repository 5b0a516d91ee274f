//! `import`: exported documents into the archive.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use stats_documents::import::{
    Advance, Counts, ImportOptions, ImportReport, Input, Progress as Watch, import,
};

use super::progress::{Progress, Unit};
use super::table::{Side, Table, count, plural};
use super::{Ending, Exit, Failure, Global, interrupt, terminal};

/// Arguments of `import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Files, folders, or `-` for standard input: export lines {"_index", "_id", "_source"},
    /// plain, gzip or zstd.
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
}

impl Import {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let archive = global.app()?.archive()?;
        let options = ImportOptions { cancel: interrupt::flag(), ..ImportOptions::default() };
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
            None => Ok(exit(&report)),
        }
    }
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

fn exit(report: &ImportReport) -> Exit {
    if report.interrupted {
        Exit::Interrupted
    } else if report.is_complete() {
        Exit::Done
    } else {
        Exit::Partly
    }
}

fn show(report: &ImportReport) -> Result<(), Failure> {
    let mut output = terminal::output();
    table(report).write(&mut output)?;
    let total = report.total();
    if !total.refused.is_empty() {
        writeln!(output, "\nRefused lines:")?;
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
        writeln!(output, "\nFiles that could not be read to their end:")?;
        for error in &report.file_errors {
            let lines = plural(error.lines, "line", "lines");
            writeln!(output, "  {}, after {lines}: {}", error.file, error.message)?;
        }
    }
    if !report.skipped.is_empty() {
        writeln!(output, "\nFiles without export lines, left out:")?;
        for file in &report.skipped {
            writeln!(output, "  {file}")?;
        }
    }
    if report.interrupted {
        writeln!(output, "\nInterrupted: what is counted here stays.")?;
    }
    output.flush()?;
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
        "files": report.files,
        "bytes": report.plain_bytes,
        "skipped_files": report.skipped,
        "interrupted": report.interrupted,
    })
}
