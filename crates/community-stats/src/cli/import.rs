//! `import`: exported documents into the archive.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use stats_documents::ArchiveOptions;
use stats_documents::import::{
    Advance, HOW_TO_EXPORT, ImportOptions, ImportReport, Input, Progress as Watch, import,
    means_something,
};

use super::imported::{as_json, show};
use super::progress::{Progress, Unit};
use super::table::plural;
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
