//! Which imports run: each has a file of its own beside the archive, locked by the operating system
//! until its process ends, however that ends.
//!
//! Whoever begins an import makes and locks its file before others see that it is open: both happen
//! in one transaction. Files that nobody holds are left by imports that were broken off; they are
//! removed within a transaction too, hence never between being made and being locked. Programs
//! that are started meanwhile do not inherit the lock; a copy of the archive is not locked.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::failure::Result;
use crate::{ImportEnding, SourceError, SourceErrorKind};

/// What is held as long as an import runs.
pub(super) struct Held {
    path: PathBuf,
    /// Locked until it is closed.
    file: File,
}

impl Held {
    /// Holds the import with this number; `None` when somebody has the file, be it only to look.
    pub(super) fn take(archive: &Path, number: i64) -> Result<Option<Self>> {
        let path = beside(archive, number);
        Self::try_take(archive, &path).map_err(|cause| {
            let kind = match cause.kind() {
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    SourceErrorKind::Refused
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => SourceErrorKind::Full,
                _ => SourceErrorKind::Unreachable,
            };
            let doing = format!("lock {}, by which others see that an import runs", path.display());
            SourceError::caused_by(kind, doing, cause)
        })
    }

    fn try_take(archive: &Path, path: &Path) -> io::Result<Option<Self>> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Who may not look sees less, and so does who finds no number.
        drop(share(&file, archive));
        drop(file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())));
        Ok(Some(Self { path: path.to_owned(), file }))
    }

    /// The import has ended, and everybody sees that: its number is never given to another one.
    pub(super) fn let_go(self) {
        drop(std::fs::remove_file(&self.path));
        drop(self.file);
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Whoever may read the archive may look whether the import runs, as with the files that SQLite
/// keeps beside it.
fn share(file: &File, archive: &Path) -> io::Result<()> {
    let like = archive.metadata()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        // Only an administrator gives files away.
        drop(fchown(file, Some(like.uid()), Some(like.gid())));
    }
    file.set_permissions(like.permissions())
}

/// How the import with this number ended, of which is written down only that it did not.
pub(super) fn ending(archive: &Path, number: i64) -> ImportEnding {
    let file = match File::open(beside(archive, number)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return ImportEnding::BrokenOff,
        Err(_) => return ImportEnding::NotYet,
    };
    // A shared lock is in nobody's way who only looks. It ends with the file.
    match file.try_lock_shared() {
        Ok(()) => ImportEnding::BrokenOff,
        Err(TryLockError::WouldBlock) => ImportEnding::Running(process_in(&file)),
        Err(TryLockError::Error(_)) => ImportEnding::NotYet,
    }
}

/// The number of the process that holds a file, if it wrote one.
fn process_in(file: &File) -> Option<u32> {
    let mut word = String::new();
    file.take(16).read_to_string(&mut word).ok()?;
    word.parse().ok()
}

/// Removes the files of imports that are not open (any more), unless somebody holds one. Best
/// effort: they are in nobody's way.
pub(super) fn tidy(archive: &Path, open: &BTreeSet<i64>) {
    let archive = resolved(archive);
    let (Some(folder), Some(name)) = (archive.parent(), archive.file_name()) else { return };
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let begin = format!("{}{INFIX}", name.to_string_lossy());
    for entry in entries.flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_prefix(&begin)?.parse().ok());
        let Some(number) = number.filter(|number| !open.contains(number)) else { continue };
        if ending(&archive, number) == ImportEnding::BrokenOff {
            drop(std::fs::remove_file(entry.path()));
        }
    }
}

const INFIX: &str = ".import-";

fn beside(archive: &Path, number: i64) -> PathBuf {
    let mut path = resolved(archive).into_os_string();
    path.push(format!("{INFIX}{number}"));
    path.into()
}

/// Everybody looks in one place, whatever link leads to the archive.
fn resolved(archive: &Path) -> PathBuf {
    archive.canonicalize().unwrap_or_else(|_| archive.to_owned())
}
