//! Finding files. Every file of a folder is read, or named with the reason why not.

use std::fs::{DirEntry, FileType};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use super::listed::Listed;
use super::report::FileError;

/// Where lines come from.
pub enum Input {
    /// A file, or a folder with everything below it.
    Path(PathBuf),
    /// Anything that can be read, compressed, packed or not; `name` stands for it in messages.
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
    /// It is not read, and why.
    Nowhere(&'static str),
}

/// Why hidden files are not read.
pub(crate) const HIDDEN: &str = "a hidden file";

/// All files that are meant by `inputs`, in the order of reading: as named, and within a folder by
/// path.
pub(crate) fn find(inputs: Vec<Input>) -> (Vec<Found>, Listed<FileError>) {
    let (mut found, mut errors) = (Vec::new(), Listed::default());
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

fn walk(folder: &Path, found: &mut Vec<Found>, errors: &mut Listed<FileError>) {
    let entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.collect::<io::Result<Vec<DirEntry>>>());
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
    entries.sort_by_key(DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        // What cannot be looked at says so again when it is opened.
        let kind = entry.file_type().ok();
        let is_folder = kind.is_some_and(|kind| kind.is_dir());
        match why_not(hidden, kind, &path) {
            Some(why) => {
                let name = path.display().to_string();
                let from = From::Nowhere(why);
                found.push(Found { name, in_folder: true, size: Some(0), from });
            }
            None if is_folder => walk(&path, found, errors),
            None => found.push(file(path, true)),
        }
    }
}

/// Why something in a folder is not read. A link is what it leads to, but a folder is read only
/// where it lies.
fn why_not(hidden: bool, kind: Option<FileType>, path: &Path) -> Option<&'static str> {
    let kind = kind?;
    if hidden {
        return Some(if kind.is_dir() { "a hidden folder" } else { HIDDEN });
    }
    let behind = if kind.is_symlink() { path.metadata().ok()?.file_type() } else { kind };
    match behind {
        _ if kind.is_symlink() && behind.is_dir() => Some("a link to a folder"),
        _ if behind.is_fifo() => Some("a pipe"),
        _ if behind.is_socket() => Some("a socket"),
        _ if behind.is_block_device() || behind.is_char_device() => Some("a device"),
        _ => None,
    }
}
