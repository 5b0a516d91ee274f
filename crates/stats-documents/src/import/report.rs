//! What an import did, and how it tells its progress.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use stats_model::DocumentKind;

use super::listed::{Listed, OtherPrefixes};
use crate::OpenImport;
use crate::archive::Put;

/// What a line is about, as far as its index name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LineKind {
    /// A daily document.
    Documents(DocumentKind),
    /// A bookmark.
    Bookmarks,
    /// A community event.
    Events,
    /// A community.
    Communities,
    /// Anything else, and lines whose index name could not be read.
    Other,
}

impl fmt::Display for LineKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Documents(kind) => fmt::Display::fmt(kind, formatter),
            Self::Bookmarks => formatter.write_str("bookmarks"),
            Self::Events => formatter.write_str("community events"),
            Self::Communities => formatter.write_str("communities"),
            Self::Other => formatter.write_str("other"),
        }
    }
}

/// Why a line was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// The line is not one complete JSON object.
    NotJson,
    /// The line is not UTF-8.
    InvalidUtf8,
    /// The line is longer than [`ImportOptions::line_limit`](super::ImportOptions).
    LineTooLong,
    /// No `_index`: not a line of an export.
    MissingIndex,
    /// An action of the bulk interface that brings no whole document (`delete`, `update`).
    BulkAction,
    /// No `_id`.
    MissingId,
    /// No `_source`, or one that is not an object.
    MissingSource,
    /// A variant of the record kinds that counts by another date (`-created`, `-published`), which
    /// must never be mixed with `-added`.
    OtherDateBasis,
    /// An index that is known but not needed.
    IndexNotUsed,
    /// An index name that means nothing to us.
    UnknownIndex,
    /// A document of another kind than its index says.
    OtherKind,
    /// No day field.
    NoDay,
    /// A day field that holds no date.
    DayNotADate,
    /// Another day than the one at the end of the `_id`.
    OtherDay,
    /// No `community_id`.
    NoCommunity,
    /// A bookmark of an aggregation that is not used.
    OtherAggregation,
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotJson => "not JSON",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::LineTooLong => "line too long",
            Self::MissingIndex => "no _index",
            Self::BulkAction => "bulk action without a document",
            Self::MissingId => "no _id",
            Self::MissingSource => "no _source",
            Self::OtherDateBasis => "counts by another date",
            Self::IndexNotUsed => "index not used",
            Self::UnknownIndex => "unknown index",
            Self::OtherKind => "not a document of this kind",
            Self::NoDay => "no day",
            Self::DayNotADate => "day is not a date",
            Self::OtherDay => "day is not that of the _id",
            Self::NoCommunity => "no community_id",
            Self::OtherAggregation => "bookmark not used",
        })
    }
}

impl Reason {
    /// Whether a line that is refused for it may have been a document of any kind.
    const fn hides_a_line(self) -> bool {
        !matches!(
            self,
            Self::OtherDateBasis | Self::IndexNotUsed | Self::UnknownIndex | Self::OtherAggregation
        )
    }
}

/// One refused line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedLine {
    /// The file as it was named or found.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// Why.
    pub reason: Reason,
    /// What exactly was wrong; may be empty.
    pub detail: String,
}

/// A file that could not be read, or not to its end. What came before is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    /// The file as it was named or found.
    pub file: String,
    /// So many lines came before; 0 when it could not be opened.
    pub lines: u64,
    /// So many plain bytes came before.
    pub bytes: u64,
    /// What the system or the decompression said.
    pub message: String,
}

/// Counts of one kind of lines; the parts make up `lines`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// All lines that are not empty.
    pub lines: u64,
    /// Not in the archive before.
    pub new: u64,
    /// In the archive with another content.
    pub replaced: u64,
    /// In the archive with the same content.
    pub unchanged: u64,
    /// In the archive as a document that was computed later, as a community that was changed
    /// later, or as a bookmark of a later day, which stays.
    pub older: u64,
    /// In the archive with fractions of numbers that this one lost (`3072.0`, `3072`), which stay.
    pub number_forms: u64,
    /// Read, but kept back, since something of its kind was lost or the import was broken off:
    /// nobody sees it.
    pub kept_back: u64,
    /// Refused lines by reason.
    pub refused: BTreeMap<Reason, u64>,
}

impl Counts {
    /// All refused lines.
    #[must_use]
    pub fn refused_lines(&self) -> u64 {
        self.refused.values().sum()
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.lines += other.lines;
        self.new += other.new;
        self.replaced += other.replaced;
        self.unchanged += other.unchanged;
        self.older += other.older;
        self.number_forms += other.number_forms;
        self.kept_back += other.kept_back;
        for (reason, lines) in &other.refused {
            *self.refused.entry(*reason).or_default() += lines;
        }
    }

    pub(super) fn put(&mut self, put: Put) {
        self.lines += 1;
        match put {
            Put::New => self.new += 1,
            Put::Replaced => self.replaced += 1,
            Put::Unchanged => self.unchanged += 1,
            Put::Older => self.older += 1,
            Put::NumberForms => self.number_forms += 1,
        }
    }

    /// The same lines, none of which anybody sees.
    pub(super) fn kept_back(&self) -> Self {
        Self { lines: self.lines, kept_back: self.lines, ..Self::default() }
    }

    pub(super) fn refuse(&mut self, reason: Reason, lines: u64) {
        self.lines += lines;
        *self.refused.entry(reason).or_default() += lines;
    }
}

/// A document, community or bookmark that did not replace the one in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptDocument {
    /// What it is.
    pub kind: LineKind,
    /// Its `_id`.
    pub id: String,
    /// [`Put::Older`] or [`Put::NumberForms`].
    pub why: Put,
}

/// A file that was found, but not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedFile {
    /// The file as it was found.
    pub file: String,
    /// Why, in a few words.
    pub why: String,
}

/// What an import did. It counts only what was committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// By kind of line; kinds that did not occur are absent.
    pub kinds: BTreeMap<LineKind, Counts>,
    /// The first refused lines, in the order of reading.
    pub refusals: Vec<RefusedLine>,
    /// Files that could not be read to their end.
    pub file_errors: Listed<FileError>,
    /// Files of folders and archives that hold no export, hence were not read.
    pub skipped: Listed<SkippedFile>,
    /// The first documents that did not replace those in the archive.
    pub kept: Vec<KeptDocument>,
    /// The kinds of which lines or files were lost: their bookmarks were kept back, and the
    /// responses of the shelves that the import changed wait until one loses nothing.
    pub lost: BTreeSet<DocumentKind>,
    /// Lines of other installations, left out.
    pub other_prefixes: OtherPrefixes,
    /// Several installations whose documents must not be mixed, by prefix; then the import ended
    /// where that was seen, and there may be more than these. Empty: there is one.
    pub mixed_prefixes: BTreeSet<String>,
    /// Other imports that run, or of which nothing tells whether they do:
    /// [`ImportOptions::accept_loss`](super::ImportOptions::accept_loss) settled nothing of them.
    pub still_running: Vec<OpenImport>,
    /// Files read, to their end or not.
    pub files: u64,
    /// Bytes of the lines.
    pub plain_bytes: u64,
    /// Whether the import was interrupted; what is counted here stays.
    pub interrupted: bool,
}

impl ImportReport {
    /// The sum of all kinds.
    #[must_use]
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        for counts in self.kinds.values() {
            total.add(counts);
        }
        total
    }

    /// Whether there was nothing to import: no line that means anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kinds.values().all(|counts| counts.lines == counts.refused_lines())
    }

    /// The kinds of which something may be missing: a line of the kind was refused, or anything
    /// that may have been of any kind was.
    pub(super) fn lost_kinds(&self) -> BTreeSet<DocumentKind> {
        let unreadable =
            |counts: &Counts| counts.refused.keys().any(|reason| reason.hides_a_line());
        let misnamed = |counts: &Counts| counts.refused.contains_key(&Reason::OtherKind);
        if !self.file_errors.is_empty()
            || self.kinds.get(&LineKind::Other).is_some_and(unreadable)
            || self.kinds.values().any(misnamed)
        {
            return DocumentKind::ALL.into_iter().collect();
        }
        let lost = self.kinds.iter().filter(|(_, counts)| !counts.refused.is_empty());
        lost.filter_map(|(kind, _)| match kind {
            LineKind::Documents(kind) => Some(*kind),
            _ => None,
        })
        .collect()
    }

    /// Whether everything that was to be imported was: nothing refused, no file error, not
    /// interrupted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.interrupted
            && self.mixed_prefixes.is_empty()
            && self.file_errors.is_empty()
            && self.kinds.values().all(|counts| counts.refused.is_empty())
    }
}

/// How far an import is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Advance {
    /// Bytes read of the files as they are, compressed or not.
    pub read_bytes: u64,
    /// Plain bytes of the lines looked at.
    pub plain_bytes: u64,
    /// Lines looked at.
    pub lines: u64,
}

/// Is told how an import goes, on the thread that called it. All methods may be left out.
pub trait Progress {
    /// Before the first line: how many inputs there are, and their bytes as they are on disk;
    /// `None` when the size of one is not known.
    fn found(&mut self, inputs: u64, bytes: Option<u64>) {
        let _ = (inputs, bytes);
    }

    /// A file begins.
    fn file(&mut self, name: &str) {
        let _ = name;
    }

    /// More lines were looked at; called at most once per MiB or so.
    fn advanced(&mut self, so_far: Advance) {
        let _ = so_far;
    }
}

/// Tells nobody.
impl Progress for () {}
