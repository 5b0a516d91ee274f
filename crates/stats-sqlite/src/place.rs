//! What lies where a database is wanted, found out without opening it: opening a FIFO waits for
//! ever, and closing any file of a database takes the locks of this process on it away.

use std::fmt;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

/// Device and number of a file. No other file has them as long as it is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIdentity(u64, u64);

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A file of this many bytes.
    File(u64),
    /// Nothing, in a folder that can be looked into.
    Nothing,
}

/// Why nothing can be said or done about a path.
#[derive(Debug)]
pub enum PlaceError {
    /// Something else than a file is there.
    NoFile(PathBuf, &'static str),
    /// This user may not look there.
    NoAccess(PathBuf),
    /// The file system does not answer.
    Failed(PathBuf, io::Error),
}

impl fmt::Display for PlaceError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile(path, what) => {
                let path = path.display();
                write!(out, "{path} is {what}, not a file: name another place, or move it away")
            }
            Self::NoAccess(path) => {
                let path = path.display();
                write!(
                    out,
                    "this user may not enter the folder of {path}: let it, or run as the user \
                     that the folder belongs to"
                )
            }
            Self::Failed(path, error) => write!(out, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for PlaceError {}

/// What lies at `path`, links followed.
///
/// # Errors
/// When something lies there that is no file, and when the folder cannot be looked into: then nobody
/// knows whether there is anything.
pub fn place(path: &Path) -> Result<Place, PlaceError> {
    match path.metadata() {
        Ok(found) if found.is_file() => Ok(Place::File(found.len())),
        Ok(found) => Err(PlaceError::NoFile(path.to_owned(), what_it_is(&found))),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound => Ok(Place::Nothing),
            io::ErrorKind::PermissionDenied => Err(PlaceError::NoAccess(path.to_owned())),
            _ => Err(PlaceError::Failed(path.to_owned(), error)),
        },
    }
}

#[cfg(unix)]
fn what_it_is(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(not(unix))]
fn what_it_is(found: &Metadata) -> &'static str {
    if found.is_dir() { "a folder" } else { "a device" }
}

/// Which file lies at `path`; `None` when there is none, and where that cannot be told.
#[cfg(unix)]
#[must_use]
pub fn file_identity(path: &Path) -> Option<FileIdentity> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|found| FileIdentity(found.dev(), found.ino()))
}

/// Which file lies at `path`; `None` when there is none, and where that cannot be told.
#[cfg(not(unix))]
#[must_use]
pub fn file_identity(_: &Path) -> Option<FileIdentity> {
    None
}
