//! Importing exports of indices into the archive.
//!
//! An export is a file of lines `{"_index", "_id", "_source"}`, as elasticdump and others write it
//! (source-documents specification, section 4.5); unknown keys are ignored. What people have
//! instead is read too: answers of `_search`, one or several pages of them; arrays of hits; lines of
//! `_bulk`; documents without anything around them, if [`ImportOptions::index`] says whose they
//! are; each on one line or over several, as UTF-8 or UTF-16. Answers that are not all of a search,
//! by the different hits of its pages, are an error of their file.
//!
//! *Which files.* A file may be compressed with gzip, zstd, bzip2 or xz, or be a tar or zip archive,
//! also one in the other; that is seen by its content. A file that is named is read, whatever it is
//! called, a pipe as a stream. Of a folder, and of an archive, everything is read in the order of
//! paths, or named in the report: hidden files, links to folders, pipes and devices, and texts that
//! hold nothing of the above (descriptions and mappings that dumps leave beside the data) are
//! passed over. What is packed in a way that is not known, or holds documents of which nobody says
//! whose they are, is an error; so is a text that holds nothing of the above, or nothing at all,
//! where its name or something in it says that it should.
//!
//! *Idempotence.* What a line brings replaces what has the same kind and `_id`; the last line
//! wins. Running an import again changes nothing.
//!
//! *Refused lines* never stop an import; they are counted by reason, the first ones told with file
//! and line. Nor does a damaged file: what came before the damage is imported, the rest of the
//! file is not, the other files are.
//!
//! *Threads.* One thread reads, decompresses and cuts pieces of about 1 MiB, workers read the lines
//! and compress the documents, the calling thread writes. The pieces are written in the order in
//! which they were read, so the result does not depend on the number of threads. Memory is bounded
//! by the longest allowed line, not by the input; of the pages of a search, each hit costs a hash.
//!
//! *Interruption.* Documents are committed in batches of about
//! [`ArchiveOptions::batch_bytes`](crate::ArchiveOptions). Whatever happens in between, the archive
//! holds all of a batch or nothing, and knows that an import is open that changed these shelves:
//! [`DocumentSource::unsettled`](crate::DocumentSource::unsettled). Communities, bookmarks and
//! events come with the transaction that ends the import, bookmarks only for kinds of which nothing
//! was lost. An import that was broken off is over once everything that it wrote came again.
//!
//! *Whose documents.* Index names begin with the prefix of an installation. Documents of two
//! installations are never mixed: see [`ImportOptions::prefix`].

mod answers;
mod bulk;
mod bytes;
mod containers;
mod documents;
mod file_names;
mod files;
mod formats;
mod forms;
mod index_names;
mod lines;
mod listed;
mod pieces;
mod prefixes;
mod report;
mod texts;
mod utf16;
mod values;
mod worker;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use stats_series::DocumentKind;

pub use documents::{Form, Found, Left, each_document};
pub use files::Input;
pub use listed::{Listed, MOST_LISTED, OtherPrefixes};
pub use report::{
    Advance, Counts, FileError, ImportReport, KeptDocument, LineKind, Progress, Reason,
    RefusedLine, SkippedFile,
};

use self::lines::{Item, Reading, Refusal};
use self::pieces::{Cutter, Piece};
use self::prefixes::Prefixes;
use self::texts::Texts;
use self::worker::{Batch, Worked, Worker, too_long};
use crate::archive::{Archive, ArchiveWriter, ImportEnd, Put};
use crate::{SourceError, SourceErrorKind};

/// How documents are exported in a form that can be imported.
pub const HOW_TO_EXPORT: &str = "export whole indices, one hit a line with _index, _id and _source, \
    as elasticdump --type=data does";

/// Whether an index of this name holds anything that can be imported.
#[must_use]
pub fn means_something(index: &str) -> bool {
    index_names::read_index(index).is_ok()
}

/// How to import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Longer lines are refused, in bytes. The largest document that an index accepts has about
    /// 5 MB.
    pub line_limit: usize,
    /// Threads that read lines; 0: one for each processor, at most 4.
    pub threads: usize,
    /// So many refused lines are told in detail.
    pub refusals: usize,
    /// The prefix of the index names of the installation that is meant; lines of others are left
    /// out. `None`: there may be one only, in the input and in the archive.
    pub prefix: Option<String>,
    /// The index of lines that are nothing but a source.
    pub index: Option<String>,
    /// Documents replace those in the archive also when they were computed earlier, or lost
    /// fractions of numbers.
    pub replace: bool,
    /// What is lost counts as not there: bookmarks are taken all the same, and what imports left
    /// that were broken off counts as all there is. Of imports that still run nothing is settled:
    /// see [`ImportReport::still_running`].
    pub accept_loss: bool,
    /// Set it to `true` from anywhere to end the import: what was committed stays.
    pub cancel: Arc<AtomicBool>,
}

impl Default for ImportOptions {
    /// Lines of 16 MiB, as many threads as processors, 20 refusals in detail.
    fn default() -> Self {
        Self {
            line_limit: 16 * 1024 * 1024,
            threads: 0,
            refusals: 20,
            prefix: None,
            index: None,
            replace: false,
            accept_loss: false,
            cancel: Arc::default(),
        }
    }
}

/// An import that ended because the archive could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the import ended early")]
pub struct ImportError {
    /// Why.
    #[source]
    pub cause: SourceError,
    /// What was committed before.
    pub report: Box<ImportReport>,
}

/// Imports everything that `inputs` hold, in their order. See the [module](self) for the rules.
///
/// # Errors
/// Only when the archive cannot be written; everything else is in the report.
pub fn import(
    inputs: Vec<Input>,
    archive: &Archive,
    options: &ImportOptions,
    progress: &mut dyn Progress,
) -> Result<ImportReport, ImportError> {
    let (found, file_errors) = files::find(inputs);
    let sizes: Option<Vec<u64>> = found.iter().map(|file| file.size).collect();
    progress.found(found.len() as u64, sizes.map(|sizes| sizes.iter().sum()));
    let report = ImportReport { file_errors, ..ImportReport::default() };
    let opened = archive.writer().and_then(|writer| Ok((writer, archive.index_prefix()?)));
    let (writer, in_archive) = match opened {
        Ok((writer, in_archive)) => (writer.with_whole_batches(), in_archive),
        Err(cause) => return Err(ImportError { cause, report: Box::new(report) }),
    };
    let read = Arc::new(AtomicU64::new(0));
    let line = AssemblyLine::start(found, archive, options, &read);
    let mut importer = Importer {
        writer,
        options,
        progress,
        batch_bytes: archive.options().batch_bytes,
        pending: Pending::default(),
        waiting: BTreeMap::new(),
        prefixes: Prefixes::new(options.prefix.clone(), in_archive),
        begun: false,
        report,
        file: File::default(),
        so_far: Advance::default(),
    };
    match importer.run(&line, &read) {
        Ok(()) => Ok(importer.report),
        Err(cause) => {
            importer.keep_back(|_| true);
            Err(ImportError { cause, report: Box::new(importer.report) })
        }
    }
}

/// The threads that prepare what the importer writes. They end by themselves when the importer
/// goes away, except for a reader that waits for its input.
struct AssemblyLine {
    workers: Vec<Receiver<Worked>>,
}

/// So many pieces wait at each end of a worker.
const WAITING: usize = 1;

impl AssemblyLine {
    fn start(
        found: Vec<files::Found>,
        archive: &Archive,
        options: &ImportOptions,
        read: &Arc<AtomicU64>,
    ) -> Self {
        let threads = match options.threads {
            0 => thread::available_parallelism().map_or(1, usize::from).min(4),
            threads => threads,
        };
        let (mut to_workers, mut workers) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (to_worker, pieces) = sync_channel(WAITING);
            let (done, from_worker) = sync_channel(WAITING);
            let worker = Worker {
                pieces,
                done,
                packer: archive.packer(),
                reading: Reading {
                    index: options.index.clone(),
                    prefix: options.prefix.clone(),
                    ..Reading::default()
                },
                line_limit: options.line_limit,
                refusals: options.refusals,
                cancel: options.cancel.clone(),
            };
            thread::spawn(move || worker.run());
            to_workers.push(to_worker);
            workers.push(from_worker);
        }
        let cutter = Cutter {
            workers: to_workers,
            sent: 0,
            texts: Texts {
                index: options.index.clone(),
                line_limit: options.line_limit,
                bare: options.index.is_some(),
            },
            cancel: options.cancel.clone(),
            read: read.clone(),
        };
        thread::spawn(move || cutter.run(found));
        Self { workers }
    }
}

/// The end of the line: writes what the workers made, in the order of reading.
struct Importer<'a> {
    writer: ArchiveWriter<'a>,
    options: &'a ImportOptions,
    progress: &'a mut dyn Progress,
    batch_bytes: u64,
    pending: Pending,
    /// What waits for the end of the import: communities, events, and bookmarks by kind.
    waiting: BTreeMap<(LineKind, Option<DocumentKind>), Counts>,
    prefixes: Prefixes,
    /// Whether the import is written down in the archive.
    begun: bool,
    report: ImportReport,
    file: File,
    so_far: Advance,
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

impl Importer<'_> {
    fn run(&mut self, line: &AssemblyLine, read: &AtomicU64) -> Result<(), SourceError> {
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
        for ((kind, of), counts) in std::mem::take(&mut self.waiting) {
            let counts = if is_kept_back(of) { counts.kept_back() } else { counts };
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
                    return Err(SourceError::new(SourceErrorKind::Inconsistent, doing));
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

    /// Writes one batch, and counts it when it is committed.
    fn write_pending(&mut self) -> Result<(), SourceError> {
        let Pending { items, report: mut done, .. } = std::mem::take(&mut self.pending);
        if !items.is_empty() {
            self.begin()?;
        }
        let mut waiting: BTreeMap<_, Counts> = BTreeMap::new();
        for item in &items {
            let put = put(&mut self.writer, item)?;
            match item {
                Item::Document(document) => {
                    done.kinds.entry(item.kind()).or_default().put(put);
                    if matches!(put, Put::Older | Put::NumberForms)
                        && self.report.kept.len() < self.options.refusals
                    {
                        let (kind, id) = (document.kind, document.id.clone());
                        self.report.kept.push(KeptDocument { kind, id, why: put });
                    }
                }
                Item::Bookmark { kind, .. } => {
                    waiting.entry((LineKind::Bookmarks, Some(*kind))).or_default().put(put);
                }
                Item::Community(_) | Item::Event { .. } => {
                    waiting.entry((item.kind(), None)).or_default().put(put);
                }
            }
        }
        self.writer.commit()?;
        for (key, counts) in waiting {
            self.waiting.entry(key).or_default().add(&counts);
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
        Item::Community(community) => writer.put_community(community),
        Item::Bookmark { id, kind, community, bookmark } => {
            writer.put_bookmark(id, *kind, community, *bookmark)
        }
        Item::Event { id, event } => writer.put_event(id, event),
    }
}
