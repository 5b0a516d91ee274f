//! The lock of a store that is a file: one of the operating system, which ends with the process
//! that holds it, however that ends.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use stats_model::{Clock, SystemClock};
use uuid::Uuid;

use super::bulk::{BulkLock, Lease, LockEntry};
use super::holder::{Ends, LockHolder, Who};
use crate::{CacheError, CacheErrorKind};

/// Whoever asks who holds a lock may hold it for a moment: so often the lock is tried before it
/// counts as taken.
const TRIES: u32 = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Nobody says more about himself than this.
const LONGEST_WORD: u64 = 4096;

/// A lock that lies beside a file: `cache.db.lock`. Whoever holds it is the only one to run in bulk.
#[derive(Clone)]
pub struct FileLock {
    path: PathBuf,
    clock: Arc<dyn Clock>,
}

impl FileLock {
    /// The lock of the store at `file`.
    #[must_use]
    pub fn beside(file: &Path) -> Self {
        let mut path = file.as_os_str().to_owned();
        path.push(".lock");
        Self { path: path.into(), clock: Arc::new(SystemClock) }
    }

    /// Waits by `clock` for whoever only asks who holds the lock; otherwise by the system's.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ..self }
    }

    /// Where the lock lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn try_acquire(&self, now: Timestamp) -> io::Result<Option<HeldFileLock>> {
        for _ in 0..TRIES {
            let mut file = self.open()?;
            match file.try_lock() {
                // Somebody took the file away between opening and locking it: what was locked is
                // nobody's lock any more.
                Ok(()) if identity(&file.metadata()?) != self.identity() => continue,
                Ok(()) => {
                    file.set_len(0)?;
                    let (path, lost) = (self.path.clone(), AtomicBool::new(false));
                    let token = Uuid::new_v4().to_string();
                    let (told, who) = (Some(token.clone()), Who::this_process(now));
                    file.write_all(&serde_json::to_vec(&Word { token: told, who })?)?;
                    return Ok(Some(HeldFileLock { path, file, token, lost }));
                }
                Err(TryLockError::WouldBlock) => self.clock.sleep(BETWEEN_TRIES),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(None)
    }

    fn find_holder(&self) -> io::Result<Option<LockHolder>> {
        let file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        match file.try_lock_shared() {
            // Released with the file; a killed process leaves its word behind.
            Ok(()) => return Ok(None),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut word = Vec::new();
        (&file).take(LONGEST_WORD).read_to_end(&mut word)?;
        let word: Option<Word> = serde_json::from_slice(&word).ok();
        let (token, who) = word.map(|word| (word.token, word.who)).unzip();
        Ok(Some(LockHolder { token: token.flatten(), who, ends: Ends::WithItsProcess }))
    }

    fn open(&self) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&self.path)
    }

    fn identity(&self) -> Option<Identity> {
        self.path.metadata().ok().and_then(|metadata| identity(&metadata))
    }

    fn failed(&self, doing: &str, error: io::Error) -> CacheError {
        let kind = match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                CacheErrorKind::Refused
            }
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CacheErrorKind::Full,
            _ => CacheErrorKind::Unreachable,
        };
        let doing = format!("{doing} the lock {}", self.path.display());
        CacheError::caused_by(kind, doing, error)
    }
}

impl fmt::Debug for FileLock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileLock").field("path", &self.path).finish_non_exhaustive()
    }
}

impl BulkLock for FileLock {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// It cannot be taken when the file cannot be made, or its file system has no locks.
    fn acquire(&self, now: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        let taken = self.try_acquire(now).map_err(|error| self.failed("taking", error))?;
        Ok(taken.map(|held| Box::new(held) as Box<dyn Lease>))
    }

    fn join(&self, token: &str) -> Result<Option<Box<dyn Lease>>, CacheError> {
        let (lock, token) = (self.clone(), token.to_owned());
        let lease = JoinedFileLock { lock, token, lost: AtomicBool::new(false) };
        Ok(lease.still_held()?.then(|| Box::new(lease) as Box<dyn Lease>))
    }

    fn holder(&self) -> Result<Option<LockHolder>, CacheError> {
        self.find_holder().map_err(|error| self.failed("reading", error))
    }

    /// Takes the file away: what its holder has locked is nobody's lock any more.
    fn take_away(
        &self,
        may: &dyn Fn(&LockHolder) -> bool,
    ) -> Result<Option<LockHolder>, CacheError> {
        let Some(holder) = self.holder()? else { return Ok(None) };
        if may(&holder) {
            match std::fs::remove_file(&self.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(self.failed("taking away", error));
                }
                _ => {}
            }
        }
        Ok(Some(holder))
    }
}

/// What a holder says of itself. Programs that know no tokens leave them out.
#[derive(Serialize, Deserialize)]
struct Word {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(flatten)]
    who: Who,
}

/// A [`FileLock`] that was taken.
struct HeldFileLock {
    path: PathBuf,
    file: File,
    token: String,
    lost: AtomicBool,
}

impl HeldFileLock {
    /// What is left of the file holds nobody's name. Where that fails, the lock is free all the same.
    fn leave_no_word(&self) {
        drop(self.file.set_len(0).and_then(|()| (&self.file).rewind()));
    }
}

/// The operating system keeps it as long as the process lives: there is nothing to renew.
impl Lease for HeldFileLock {
    fn token(&self) -> &str {
        &self.token
    }

    fn entry(&self) -> Option<LockEntry> {
        None
    }

    fn renew(&self) -> Result<bool, CacheError> {
        self.still_held()
    }

    /// Whether nobody took the file away.
    fn still_held(&self) -> Result<bool, CacheError> {
        let ours = self.file.metadata().and_then(|ours| match self.path.metadata() {
            Ok(there) => Ok(identity(&ours) == identity(&there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        });
        let held = ours.map_err(|error| {
            let doing = format!("reading the lock {}", self.path.display());
            CacheError::caused_by(CacheErrorKind::Unreachable, doing, error)
        })?;
        if !held {
            self.lost.store(true, Ordering::Relaxed);
        }
        Ok(held && !self.lost.load(Ordering::Relaxed))
    }

    /// For ever, or not at all when it is lost.
    fn lease_left(&self) -> Duration {
        if self.lost.load(Ordering::Relaxed) { Duration::ZERO } else { Duration::MAX }
    }

    fn release(&self) -> Result<bool, CacheError> {
        let held = self.still_held()?;
        if !self.lost.swap(true, Ordering::Relaxed) {
            self.leave_no_word();
            self.file.unlock().map_err(|error| {
                let doing = format!("releasing the lock {}", self.path.display());
                CacheError::caused_by(CacheErrorKind::Unreachable, doing, error)
            })?;
        }
        Ok(held)
    }
}

impl Drop for HeldFileLock {
    fn drop(&mut self) {
        if !self.lost.load(Ordering::Relaxed) {
            self.leave_no_word();
        }
    }
}

/// A [`FileLock`] that the run took which is worked for.
struct JoinedFileLock {
    lock: FileLock,
    token: String,
    lost: AtomicBool,
}

/// As long as the lock is held, and whoever holds it says that he is that run.
impl Lease for JoinedFileLock {
    fn token(&self) -> &str {
        &self.token
    }

    fn entry(&self) -> Option<LockEntry> {
        None
    }

    fn renew(&self) -> Result<bool, CacheError> {
        self.still_held()
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        let holder = self.lock.holder()?;
        let held = holder.is_some_and(|holder| holder.token.as_deref() == Some(&self.token));
        self.lost.fetch_or(!held, Ordering::Relaxed);
        Ok(!self.lost.load(Ordering::Relaxed))
    }

    /// As long as nobody found out that it is lost.
    fn lease_left(&self) -> Duration {
        if self.lost.load(Ordering::Relaxed) { Duration::ZERO } else { Duration::MAX }
    }

    fn release(&self) -> Result<bool, CacheError> {
        let held = self.still_held();
        self.lost.store(true, Ordering::Relaxed);
        held
    }
}

/// Device and number of a file.
type Identity = (u64, u64);

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems do not tell")]
fn identity(metadata: &std::fs::Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> Option<Identity> {
    None
}

#[cfg(test)]
mod tests {
    use stats_model::ManualClock;

    use super::*;

    fn lock(folder: &tempfile::TempDir) -> FileLock {
        let clock = Arc::new(ManualClock::new(NOW));
        FileLock::beside(&folder.path().join("cache.db")).with_clock(clock)
    }

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn one_takes_it_and_others_see_who() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(&folder);
        assert_eq!(lock.holder().unwrap(), None);
        let held = lock.acquire(NOW).unwrap().unwrap();
        assert!(lock.acquire(NOW).unwrap().is_none());
        let holder = lock.holder().unwrap().unwrap();
        assert_eq!(holder.who, Some(Who::this_process(NOW)));
        assert!(held.still_held().unwrap());
        assert!(held.release().unwrap());
        assert_eq!(lock.holder().unwrap(), None);
        drop(lock.acquire(NOW).unwrap().unwrap());
        assert!(lock.acquire(NOW).unwrap().is_some(), "a dropped lock is free");
    }

    #[test]
    fn a_lock_that_was_taken_away_is_lost_for_good() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(&folder);
        let held = lock.acquire(NOW).unwrap().unwrap();
        assert!(lock.take_away(&|_| false).unwrap().is_some());
        assert!(held.still_held().unwrap());
        assert!(lock.take_away(&|_| true).unwrap().is_some());
        assert_eq!(lock.take_away(&|_| true).unwrap(), None);
        let thief = lock.acquire(NOW).unwrap().unwrap();
        assert!(!held.still_held().unwrap());
        assert_eq!(held.lease_left(), Duration::ZERO);
        assert!(!held.release().unwrap());
        assert!(thief.still_held().unwrap());
        assert_eq!(lock.holder().unwrap().unwrap().who, Some(Who::this_process(NOW)));
    }

    #[test]
    fn the_word_of_a_killed_process_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let lock = lock(&folder);
        std::fs::write(lock.path(), br#"{"host":"x","process":1,"since":"1970-01-01T00:00:00Z"}"#)
            .unwrap();
        assert_eq!(lock.holder().unwrap(), None);
        assert!(lock.acquire(NOW).unwrap().is_some());
    }
}
