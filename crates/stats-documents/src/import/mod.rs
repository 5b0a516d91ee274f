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
//! *Idempotence.* What a line brings replaces what has the same kind and `_id`, unless that was
//! computed or changed later, or is a bookmark of a later day: see [`ImportOptions::replace`]. Where
//! nothing tells, the last line wins. Running an import again changes nothing.
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
//! [`Documents::unsettled`](crate::Documents::unsettled). Communities, bookmarks and
//! events come with the transaction that ends the import, bookmarks only for kinds of which nothing
//! was lost. An import that was broken off is over once everything that it wrote came again.
//!
//! *Whose documents.* Index names begin with the prefix of an installation. Documents of two
//! installations are never mixed: see [`ImportOptions::prefix`].

mod answers;
mod assembly;
mod bulk;
mod bytes;
mod containers;
mod documents;
mod file_names;
mod files;
mod formats;
mod forms;
mod importer;
mod index_names;
mod lines;
mod listed;
mod options;
mod pieces;
mod prefixes;
mod report;
mod texts;
mod told;
mod utf16;
mod values;
mod worker;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

pub use documents::{Form, Found, Left, each_document};
pub use files::Input;
pub use listed::{Listed, MOST_LISTED, OtherPrefixes};
pub use options::ImportOptions;
pub use report::{
    Advance, Counts, FileError, ImportReport, KeptDocument, LineKind, Progress, Reason,
    RefusedLine, SkippedFile,
};

pub use told::HOW_TO_EXPORT;

use self::assembly::AssemblyLine;
use self::importer::Importer;
use self::prefixes::Prefixes;
use crate::SourceError;
use crate::archive::Archive;

/// Whether an index of this name holds anything that can be imported.
#[must_use]
pub fn means_something(index: &str) -> bool {
    index_names::read_index(index).is_ok()
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
    let prefixes = Prefixes::new(options.prefix.clone(), in_archive);
    let batch_bytes = archive.options().batch_bytes;
    let mut importer = Importer::new(writer, options, progress, prefixes, report, batch_bytes);
    match importer.run(&line, &read) {
        Ok(()) => Ok(importer.into_report()),
        Err(cause) => Err(ImportError { cause, report: Box::new(importer.into_report()) }),
    }
}
