//! What lies where a database is wanted, found out without opening it: opening a FIFO waits for
//! ever, and closing any file of a database takes the locks of this process on it away.

use std::fmt;
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use stats_model::FaultKind;

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

impl PlaceError {
    /// What can be done about it.
    #[must_use]
    pub const fn kind<Own>(&self) -> FaultKind<Own> {
        match self {
            Self::NoFile(..) | Self::NoAccess(_) => FaultKind::Refused,
            Self::Failed(..) => FaultKind::Unreachable,
        }
    }
}

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

/// Makes an empty file that only its owner may read, unless there is one. SQLite gives its `-wal`
/// and `-shm` files the same rights.
///
/// # Errors
/// What the file system says.
pub fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Takes the rights of others to a file away. One of another owner keeps its rights, and opening it
/// says what is wrong.
#[cfg(unix)]
pub fn close_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if path.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o077 != 0) {
        drop(std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)));
    }
}

/// Takes the rights of others to a file away, where there are such.
#[cfg(not(unix))]
pub fn close_to_others(_: &Path) {}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_file_is_made_for_its_owner_and_one_that_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        assert_eq!(place(&path).unwrap(), Place::Nothing);
        make_private(&path).unwrap();
        assert_eq!((mode(&path), place(&path).unwrap()), (0o600, Place::File(0)));
        fs::write(&path, "something").unwrap();
        make_private(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"something");
        let nowhere = make_private(&folder.path().join("none/a.db")).unwrap_err();
        assert_eq!(FaultKind::<()>::of_file(&nowhere), FaultKind::Unreachable);
    }

    #[test]
    fn only_files_are_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        fs::write(&path, "").unwrap();
        for (open, closed) in [(0o644, 0o600), (0o640, 0o600), (0o400, 0o400)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            close_to_others(&path);
            assert_eq!(mode(&path), closed);
        }
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        close_to_others(folder.path());
        assert_eq!(mode(folder.path()), 0o755);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = place(folder.path()).unwrap_err();
        assert_eq!(error.kind(), FaultKind::<()>::Refused);
        assert!(error.to_string().contains("is a folder, not a file"), "{error}");
    }
}
