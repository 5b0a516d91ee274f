//! A damaged file that can be made again is set aside: renamed, never deleted, with what SQLite keeps
//! beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use stats_model::{Fault, FaultKind, chain};

use crate::place::file_identity;
use crate::read::with_suffix;

/// What begins every SQLite file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the application id is.
const APPLICATION_ID: std::ops::Range<usize> = 68..72;
/// So many bits may be others before a file is taken for somebody else's.
const TOLERATED: u32 = 2;

/// A file that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// Where it lies now.
    pub path: PathBuf,
    /// What was wrong with it.
    pub why: String,
}

/// A file that holds nothing which cannot be made again.
#[derive(Debug)]
pub struct Remade<'a> {
    /// Where it lies.
    pub path: &'a Path,
    /// What people call it, without an article.
    pub name: &'a str,
    /// `PRAGMA application_id`: nobody else's file is set aside.
    pub application_id: i32,
    /// Becomes part of the name under which a damaged one then lies.
    pub stamp: &'a str,
}

impl Remade<'_> {
    /// Opens it. When it turns out to be damaged, or was marked as such, it is set aside, unless another
    /// process was faster, and opened again: `open` makes what is missing.
    ///
    /// # Errors
    /// Of `open`, and when the file cannot be renamed.
    pub fn open<T, Own: Copy + 'static>(
        &self,
        open: impl Fn() -> Result<T, Fault<Own>>,
    ) -> Result<(T, Option<Aside>), Fault<Own>>
    where
        Fault<Own>: std::error::Error,
    {
        let found = file_identity(self.path);
        let opened = match found.and_then(|_| marked_damaged(self.path)) {
            Some(why) => {
                let text = format!("the {} {} is damaged: {why}", self.name, self.path.display());
                Err(Fault::new(FaultKind::Damaged, text))
            }
            None => open(),
        };
        let error = match opened {
            Ok(opened) => return Ok((opened, None)),
            Err(error) if matches!(error.kind(), FaultKind::Damaged) => error,
            Err(error) => return Err(error),
        };
        let mut aside = None;
        if found.is_some() && file_identity(self.path) == found {
            if !is_like_ours(self.path, self.application_id) {
                return Err(error);
            }
            let renamed = set_aside(self.path, self.stamp, chain(&error));
            aside = Some(renamed.map_err(|cause| {
                let path = self.path.display();
                let doing = format!("setting the damaged {} {path} aside", self.name);
                Fault::caused_by(FaultKind::Refused, doing, cause)
            })?);
        }
        Ok((open()?, aside))
    }
}

/// Whether what lies at `path` is, or was before it was damaged, a database with this application
/// id: nobody else's file may be set aside.
fn is_like_ours(path: &Path, application_id: i32) -> bool {
    // Opening a pipe would wait for whoever writes to it.
    if !path.metadata().is_ok_and(|found| found.is_file()) {
        return false;
    }
    let mut head = Vec::new();
    let read = fs::File::open(path)
        .and_then(|file| io::Read::read_to_end(&mut io::Read::take(file, 72), &mut head));
    if read.is_err() || head.is_empty() {
        return false;
    }
    if differing_bits(&head, MAGIC) > TOLERATED {
        return false;
    }
    // A shorter piece of a header is nobody's data.
    head.get(APPLICATION_ID)
        .is_none_or(|found| differing_bits(found, &application_id.to_be_bytes()) <= TOLERATED)
}

fn differing_bits(one: &[u8], two: &[u8]) -> u32 {
    one.iter().zip(two).map(|(one, two)| (one ^ two).count_ones()).sum()
}

/// Renames the database at `path`; `stamp` tells it from others that lie aside.
///
/// # Errors
/// When it cannot be renamed. What SQLite keeps beside it is renamed first: with another file it would
/// be taken for part of that.
fn set_aside(path: &Path, stamp: &str, why: String) -> io::Result<Aside> {
    let name = (1_u32..)
        .map(|number| match number {
            1 => with_suffix(path, &format!(".damaged-{stamp}")),
            _ => with_suffix(path, &format!(".damaged-{stamp}-{number}")),
        })
        .find(|name| !name.exists())
        .unwrap_or_else(|| with_suffix(path, ".damaged"));
    // Whoever comes next must not take the file that is made here for the damaged one.
    match fs::remove_file(mark(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    for suffix in ["-wal", "-shm"] {
        match fs::rename(with_suffix(path, suffix), with_suffix(&name, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(path, &name)?;
    Ok(Aside { path: name, why })
}

/// Has the next process that may write set the file aside. Best effort: where nothing can be written,
/// whoever opens it finds the damage again.
pub fn mark_damaged(path: &Path, why: &str) {
    drop(fs::write(mark(path), why));
}

/// What was said when the file was marked, if it was.
fn marked_damaged(path: &Path) -> Option<String> {
    let why = fs::read(mark(path)).ok()?;
    Some(String::from_utf8_lossy(&why).into_owned())
}

fn mark(path: &Path) -> PathBuf {
    with_suffix(path, ".is-damaged")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: i32 = 0x4353_6361;

    #[test]
    fn only_what_was_ours_is_like_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (a)").unwrap();
        drop(connection);
        assert!(!is_like_ours(&path, ID), "a database of another program");
        let mut bytes = fs::read(&path).unwrap();
        bytes[APPLICATION_ID].copy_from_slice(&ID.to_be_bytes());
        for bit in 0..APPLICATION_ID.end * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, damaged).unwrap();
            assert!(is_like_ours(&path, ID), "bit {bit}");
        }
        for length in 1..100 {
            fs::write(&path, &bytes[..length]).unwrap();
            assert!(is_like_ours(&path, ID), "{length} bytes");
        }
        fs::write(&path, "some notes, no database").unwrap();
        assert!(!is_like_ours(&path, ID));
    }

    #[test]
    fn what_is_set_aside_keeps_its_log_and_its_place_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache.db");
        for (round, expected) in ["cache.db.damaged-x", "cache.db.damaged-x-2"].iter().enumerate() {
            fs::write(&path, format!("{round}")).unwrap();
            fs::write(with_suffix(&path, "-wal"), "log").unwrap();
            mark_damaged(&path, "why");
            assert_eq!(marked_damaged(&path).as_deref(), Some("why"));
            let aside = set_aside(&path, "x", "why".to_owned()).unwrap();
            assert_eq!(aside.path, folder.path().join(expected));
            assert_eq!(fs::read(with_suffix(&aside.path, "-wal")).unwrap(), b"log");
            assert_eq!(fs::read(&aside.path).unwrap(), format!("{round}").as_bytes());
            assert_eq!(marked_damaged(&path), None);
            assert!(!path.exists() && !with_suffix(&path, "-wal").exists());
        }
    }
}
