//! The end of the line: what the workers made is written, in the order of reading.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use stats_model::DocumentKind;

use super::assembly::AssemblyLine;
use super::lines::{Item, Refusal};
use super::options::ImportOptions;
use super::pieces::Piece;
use super::prefixes::Prefixes;
use super::report::{
    Advance, Counts, FileError, ImportReport, KeptDocument, LineKind, Progress, RefusedLine,
};
use super::worker::{Batch, Worked, too_long};
use crate::archive::{ArchiveWriter, ImportEnd, Put};
use crate::{Amiss, SourceError, SourceErrorKind};

/// Writes what the workers made.
pub(super) struct Importer<'a> {
    writer: ArchiveWriter<'a>,
    options: &'a ImportOptions,
    progress: &'a mut dyn Progress,
    batch_bytes: u64,
    pending: Pending,
    /// What waits for the end of the import: communities, events, and bookmarks by kind.
    waiting: BTreeMap<(LineKind, Option<DocumentKind>), Waiting>,
    prefixes: Prefixes,
    /// Whether the import is written down in the archive.
    begun: bool,
    report: ImportReport,
    file: File,
    so_far: Advance,
}

/// What some of the lines did that wait for the end of the import.
#[derive(Default)]
struct Waiting {
    counts: Counts,
    /// The first that did not replace what was there, with their ids.
    kept: Vec<(String, Put)>,
}

/// What was read, but is not written yet; the report counts it with the commit.
#[derive(Default)]
struct Pending {
    items: Vec<Item>,
    report: ImportReport,
    lines: u64,
    since: Option<Instant>,
}

/// The file that is being read.
#[derive(Default)]
struct File {
    name: String,
    lines: u64,
    bytes: u64,
}

/// How often the cancel flag is looked at while nothing comes.
const PATIENCE: Duration = Duration::from_millis(100);
/// What a slow input brought is committed after so long.
const SLOW: Duration = Duration::from_secs(2);
/// Small things are many: a batch ends after so many lines too.
const BATCH_LINES: u64 = 50_000;

impl<'a> Importer<'a> {
    pub(super) fn new(
        writer: ArchiveWriter<'a>,
        options: &'a ImportOptions,
        progress: &'a mut dyn Progress,
        prefixes: Prefixes,
        report: ImportReport,
        batch_bytes: u64,
    ) -> Self {
        Self {
            writer,
            options,
            progress,
            batch_bytes,
            pending: Pending::default(),
            waiting: BTreeMap::new(),
            prefixes,
            begun: false,
            report,
            file: File::default(),
            so_far: Advance::default(),
        }
    }

    /// What was done. What still waits never becomes visible.
    pub(super) fn into_report(mut self) -> ImportReport {
        self.keep_back(|_| true);
        self.report
    }

    pub(super) fn run(&mut self, line: &AssemblyLine, read: &AtomicU64) -> Result<(), SourceError> {
        for worker in line.workers.iter().cycle() {
            match self.wait_for(worker)? {
                Some(Worked::Lines(batch)) => self.lines(batch),
                Some(Worked::Other(Piece::Finished)) => break,
                Some(Worked::Other(piece)) => self.other(piece),
                None => {
                    self.report.interrupted = true;
                    self.keep_back(|_| true);
                    return Ok(());
                }
            }
            if let Some(prefixes) = self.prefixes.ambiguous() {
                self.report.mixed_prefixes = prefixes.clone();
                self.keep_back(|_| true);
                return Ok(());
            }
            if self.pending.report.plain_bytes >= self.batch_bytes
                || self.pending.lines >= BATCH_LINES
            {
                self.write_pending()?;
            }
            self.so_far.read_bytes = read.load(Ordering::Relaxed);
            self.progress.advanced(self.so_far);
        }
        self.write_pending()?;
        self.end()
    }

    /// Ends an import that was read to its end: what waited becomes visible, but for the bookmarks
    /// of kinds of which something was lost.
    fn end(&mut self) -> Result<(), SourceError> {
        if !self.options.accept_loss {
            self.report.lost = self.report.lost_kinds();
        }
        if !self.begun && !self.options.accept_loss {
            return Ok(());
        }
        self.begin()?;
        let running = self.writer.end_import(&ImportEnd {
            lost: self.report.lost.clone(),
            accept_loss: self.options.accept_loss,
            prefix: self.prefixes.settled(),
        })?;
        if self.options.accept_loss {
            self.report.still_running = running;
        }
        let lost = self.report.lost.clone();
        self.keep_back(|kind| kind.is_some_and(|kind| lost.contains(&kind)));
        Ok(())
    }

    /// Counts what waited: as kept back, or as what it did.
    fn keep_back(&mut self, is_kept_back: impl Fn(Option<DocumentKind>) -> bool) {
        for ((kind, of), Waiting { counts, kept }) in std::mem::take(&mut self.waiting) {
            let counts = if is_kept_back(of) {
                counts.kept_back()
            } else {
                kept.into_iter().for_each(|(id, why)| self.tell_kept(kind, &id, why));
                counts
            };
            self.report.kinds.entry(kind).or_default().add(&counts);
        }
    }

    /// Writes the import down, before anything of it.
    fn begin(&mut self) -> Result<(), SourceError> {
        if !self.begun {
            self.writer.begin_import(self.options.replace)?;
            self.begun = true;
        }
        Ok(())
    }

    /// The next piece; nothing when the import was cancelled.
    fn wait_for(&mut self, worker: &Receiver<Worked>) -> Result<Option<Worked>, SourceError> {
        loop {
            if self.options.cancel.load(Ordering::Relaxed) {
                return Ok(None);
            }
            match worker.recv_timeout(PATIENCE) {
                Ok(worked) => return Ok(Some(worked)),
                Err(RecvTimeoutError::Timeout) => {
                    if self.pending.since.is_some_and(|since| since.elapsed() >= SLOW) {
                        self.write_pending()?;
                    }
                }
                // Cancelled, and the worker saw it first; or it broke down.
                Err(RecvTimeoutError::Disconnected) => {
                    if self.options.cancel.load(Ordering::Relaxed) {
                        return Ok(None);
                    }
                    let doing = "read all lines: a thread of the import broke down";
                    return Err(SourceError::new(SourceErrorKind::Own(Amiss::Inconsistent), doing));
                }
            }
        }
    }

    fn lines(&mut self, batch: Batch) {
        let pending = &mut self.pending;
        pending.since.get_or_insert_with(Instant::now);
        pending.items.extend(batch.items);
        pending.report.plain_bytes += batch.bytes;
        pending.lines += batch.lines;
        for prefix in &batch.prefixes {
            self.prefixes.found(prefix);
        }
        self.report.other_prefixes.add_all(&batch.others);
        for ((kind, reason), lines) in batch.refused {
            pending.report.kinds.entry(kind).or_default().refuse(reason, lines);
        }
        for (place, refusal) in batch.refusals {
            self.tell(self.file.lines + place + 1, refusal);
        }
        self.file.lines += batch.lines;
        self.file.bytes += batch.bytes;
        self.so_far.lines += batch.lines;
        self.so_far.plain_bytes += batch.bytes;
    }

    fn other(&mut self, piece: Piece) {
        match piece {
            Piece::Begin(name) => {
                self.progress.file(&name);
                self.file = File { name, ..File::default() };
                self.report.files += 1;
            }
            Piece::End(Some(error)) => self.report.file_errors.push(FileError {
                file: std::mem::take(&mut self.file.name),
                lines: self.file.lines,
                bytes: self.file.bytes,
                message: error.to_string(),
            }),
            Piece::Skipped(file) => self.report.skipped.push(file),
            Piece::TooLong => {
                let refusal = too_long(self.options.line_limit);
                let counts = self.pending.report.kinds.entry(refusal.kind).or_default();
                counts.refuse(refusal.reason, 1);
                self.file.lines += 1;
                self.so_far.lines += 1;
                self.tell(self.file.lines, refusal);
            }
            Piece::End(None) | Piece::Lines(_) | Piece::Finished => {}
        }
    }

    /// Keeps a refusal, if it is one of the first.
    fn tell(&mut self, line: u64, refusal: Refusal) {
        let told = self.report.refusals.len() + self.pending.report.refusals.len();
        if told < self.options.refusals {
            self.pending.report.refusals.push(RefusedLine {
                file: self.file.name.clone(),
                line,
                reason: refusal.reason,
                detail: refusal.detail,
            });
        }
    }

    /// Keeps what was not put, if it is one of the first.
    fn tell_kept(&mut self, kind: LineKind, id: &str, why: Put) {
        if self.report.kept.len() < self.options.refusals {
            self.report.kept.push(KeptDocument { kind, id: id.to_owned(), why });
        }
    }

    /// Writes one batch, and counts it when it is committed.
    fn write_pending(&mut self) -> Result<(), SourceError> {
        let Pending { items, report: mut done, .. } = std::mem::take(&mut self.pending);
        if !items.is_empty() {
            self.begin()?;
        }
        let mut waiting: Vec<(_, &str, Put)> = Vec::new();
        for item in &items {
            let (kind, put) = (item.kind(), put(&mut self.writer, item)?);
            match item {
                Item::Document(document) => {
                    done.kinds.entry(kind).or_default().put(put);
                    if put.kept() {
                        self.tell_kept(kind, &document.id, put);
                    }
                }
                Item::Bookmark { id, kind: of, .. } => waiting.push(((kind, Some(*of)), id, put)),
                Item::Community(community, _) => waiting.push(((kind, None), &community.id, put)),
                Item::Event { id, .. } => waiting.push(((kind, None), id, put)),
            }
        }
        self.writer.commit()?;
        for (key, id, put) in waiting {
            let waiting = self.waiting.entry(key).or_default();
            waiting.counts.put(put);
            if put.kept() && waiting.kept.len() < self.options.refusals {
                waiting.kept.push((id.to_owned(), put));
            }
        }
        self.report.plain_bytes += done.plain_bytes;
        self.report.refusals.append(&mut done.refusals);
        for (kind, counts) in done.kinds {
            self.report.kinds.entry(kind).or_default().add(&counts);
        }
        Ok(())
    }
}

fn put(writer: &mut ArchiveWriter<'_>, item: &Item) -> Result<Put, SourceError> {
    match item {
        Item::Document(document) => writer.put_packed(document),
        Item::Community(community, version) => writer.put_community_version(community, *version),
        Item::Bookmark { id, kind, community, bookmark } => {
            writer.put_bookmark(id, *kind, community, *bookmark)
        }
        Item::Event { id, event } => writer.put_event(id, event),
    }
}
