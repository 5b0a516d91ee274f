//! Finding files, opening them, and seeing how they are compressed.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::report::FileError;

/// Where lines come from.
pub enum Input {
    /// A file, or a folder with everything below it.
    Path(PathBuf),
    /// Anything that can be read, compressed or not; `name` stands for it in messages.
    Reader {
        /// For example `standard input`.
        name: String,
        /// Read on a thread of its own.
        reader: Box<dyn Read + Send>,
    },
}

/// One thing to read.
pub(crate) struct Found {
    pub(crate) name: String,
    /// Found in a folder, not named by the caller: it may be something else than an export.
    pub(crate) in_folder: bool,
    pub(crate) size: Option<u64>,
    pub(crate) from: From,
}

pub(crate) enum From {
    File(PathBuf),
    Reader(Box<dyn Read + Send>),
}

/// All files that are meant by `inputs`, in the order of reading: as named, and within a folder by
/// path.
pub(crate) fn find(inputs: Vec<Input>) -> (Vec<Found>, Vec<FileError>) {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        match input {
            Input::Reader { name, reader } => {
                found.push(Found {
                    name,
                    in_folder: false,
                    size: None,
                    from: From::Reader(reader),
                });
            }
            Input::Path(path) if path.is_dir() => walk(&path, &mut found, &mut errors),
            Input::Path(path) => found.push(file(path, false)),
        }
    }
    (found, errors)
}

fn file(path: PathBuf, in_folder: bool) -> Found {
    let size = path.metadata().ok().filter(std::fs::Metadata::is_file).map(|it| it.len());
    Found { name: path.display().to_string(), in_folder, size, from: From::File(path) }
}

/// Hidden files, other endings and links to folders are passed over.
fn walk(folder: &Path, found: &mut Vec<Found>, errors: &mut Vec<FileError>) {
    let entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.collect::<io::Result<Vec<std::fs::DirEntry>>>());
    let mut entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            errors.push(FileError {
                file: folder.display().to_string(),
                lines: 0,
                bytes: 0,
                message: error.to_string(),
            });
            return;
        }
    };
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            walk(&path, found, errors);
        } else if has_known_ending(&name) && path.is_file() {
            found.push(file(path, true));
        }
    }
}

fn has_known_ending(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let plain =
        [".gz", ".zst"].iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
    [".ndjson", ".jsonl", ".json"].iter().any(|ending| plain.ends_with(ending))
}

/// Opens what was found; bytes read from it are added to `read`.
pub(crate) fn open(from: From, read: &Arc<AtomicU64>) -> io::Result<Box<dyn Read>> {
    let raw: Box<dyn Read> = match from {
        From::File(path) => Box::new(File::open(path)?),
        From::Reader(reader) => reader,
    };
    decompressed(Counted { raw, read: read.clone() })
}

/// Sees by its first bytes, not by its name, how a file is compressed.
fn decompressed(mut raw: Counted) -> io::Result<Box<dyn Read>> {
    let mut head = Vec::with_capacity(8);
    raw.by_ref().take(6).read_to_end(&mut head)?;
    let unsupported = |what: &str| {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!("compressed with {what}, which is not supported: decompress it first"),
        ))
    };
    let magic = head.clone();
    let whole = Cursor::new(head).chain(raw);
    match magic.as_slice() {
        [0x1f, 0x8b, ..] => {
            let reader = BufReader::with_capacity(READ_BYTES, whole);
            Ok(Box::new(flate2::bufread::MultiGzDecoder::new(reader)))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Box::new(zstd::stream::read::Decoder::new(whole)?)),
        [0xfd, b'7', b'z', b'X', b'Z', 0] => unsupported("xz"),
        [b'B', b'Z', b'h', ..] => unsupported("bzip2"),
        [b'P', b'K', 3, 4, ..] => unsupported("zip"),
        _ => Ok(Box::new(whole)),
    }
}

const READ_BYTES: usize = 256 * 1024;

/// Counts what is read, for the progress bar.
struct Counted {
    raw: Box<dyn Read>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.raw.read(buffer)?;
        self.read.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}
