//! The data folder and the files in it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use stats_cache::{
    BulkLock, CacheError, CacheErrorKind, CacheStore, FileLock, LockLost, SqliteOptions,
    SqliteStore,
};
use stats_documents::{Amiss, Archive, ArchiveOptions, SourceErrorKind};
use stats_model::{Clock, SystemClock};
use stats_service::chain;

use super::aggregation;
use super::check::{Check, State, bytes, plural};
use crate::config::{Settings, SourceKind, StoreKind};

/// With less room than this, a run of any size fails.
const TOO_LITTLE: u64 = 64 << 20;
/// With less room than this, somebody should know.
const LITTLE: u64 = 1 << 30;

pub(super) fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let mut checks = vec![folder(settings), room(settings)];
    checks.push(match settings.source.kind {
        SourceKind::Archive => archive(settings),
        SourceKind::Opensearch => mirror(settings),
    });
    checks.extend(contents(settings, clock));
    if settings.cache.store == StoreKind::Sqlite {
        checks.push(store(settings));
        checks.extend(notes(settings));
        checks.extend(lock(settings));
    }
    checks
}

/// Who runs in bulk on the store that is a file, if anybody does.
fn lock(settings: &Settings) -> Option<Check> {
    let name = "lock";
    if !settings.lock.enabled {
        let remedy = "two runs may do the same work at once; set `lock.enabled`";
        return Some(Check::warning(name, "the lock of bulk runs is switched off", remedy));
    }
    let lock = FileLock::beside(&settings.cache.file_path(&settings.data));
    let place = lock.path().display();
    match lock.holder() {
        Ok(None) => None,
        Ok(Some(holder)) => Some(Check::warning(
            name,
            format!("{place} is {holder}"),
            "a bulk run is under way; wait for it",
        )),
        Err(error) => {
            let remedy = "let the user of this process read it";
            Some(Check::warning(name, chain(&error), remedy))
        }
    }
}

fn folder(settings: &Settings) -> Check {
    let (name, folder) = ("data folder", settings.data.dir.as_path());
    let shown = folder.display().to_string();
    let choose = "choose another with --data-dir or `data.dir`";
    match fs::metadata(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return not_there(folder),
        Err(error) => {
            let remedy = format!("let the user of this process enter it, or {choose}");
            return Check::failed(name, format!("{shown}: {error}"), remedy);
        }
        Ok(found) if !found.is_dir() => {
            return Check::failed(name, format!("{shown} is no folder"), choose);
        }
        Ok(_) => {}
    }
    if let Err(error) = try_to_write(folder) {
        let remedy = format!("let the user of this process write there, or {choose}");
        return Check::failed(name, format!("{shown} cannot be written to: {error}"), remedy);
    }
    match open_to_others(folder) {
        Some(mode) => Check::warning(
            name,
            format!("{shown} is open to other users (mode {mode:o})"),
            format!("chmod 700 {shown}"),
        ),
        None => Check::ok(name, shown),
    }
}

/// It is made by the first command that writes, if that is possible.
fn not_there(folder: &Path) -> Check {
    let (name, shown) = ("data folder", folder.display());
    let parent = existing(folder);
    match try_to_write(&parent) {
        Ok(()) => Check::ok(name, format!("{shown} is not there yet; it is made when needed")),
        Err(error) => Check::failed(
            name,
            format!("{shown} is not there and cannot be made in {}: {error}", parent.display()),
            format!("make {shown} for the user of this process, or choose another with --data-dir"),
        ),
    }
}

fn room(settings: &Settings) -> Check {
    let (name, folder) = ("free space", existing(&settings.data.dir));
    let found = match rustix::fs::statvfs(&folder) {
        Ok(found) => found,
        Err(error) => {
            let detail = format!("{}: {error}", folder.display());
            return Check::warning(name, detail, "look at the file system yourself");
        }
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let detail = format!("{} free at {}", bytes(free), folder.display());
    if free < TOO_LITTLE {
        return Check::failed(name, detail, "make room; nothing can be stored");
    }
    if free < LITTLE {
        return Check::warning(name, detail, "make room before it runs out");
    }
    let mirror = settings.mirror.path(&settings.data);
    let mirror = fs::metadata(mirror).map_or(0, |found| found.len());
    let may_grow = settings.mirror.max_size.0.saturating_sub(mirror);
    if settings.source.kind == SourceKind::Opensearch && free < may_grow {
        let detail = format!("{detail}; the mirror may grow by {}", bytes(may_grow));
        return Check::warning(name, detail, "make room or lower `mirror.max_size`");
    }
    Check::ok(name, detail)
}

fn archive(settings: &Settings) -> Check {
    let path = settings.data.archive_path();
    opened("archive", &path).unwrap_or_else(|| {
        Check::of(
            State::Unreachable,
            "archive",
            format!("there is none at {}", path.display()),
            "import documents first: community-stats import PATH",
        )
    })
}

/// What can be made of the archive, or of a mirror that stands in for the index; nothing where it
/// cannot be read, as that was told already.
fn contents(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let path = match settings.source.kind {
        SourceKind::Archive => settings.data.archive_path(),
        SourceKind::Opensearch if settings.mirror.offline => settings.mirror.path(&settings.data),
        SourceKind::Opensearch => return Vec::new(),
    };
    let Ok(archive) = Archive::open_read_only(path, ArchiveOptions::default()) else {
        return Vec::new();
    };
    let stats = archive.stats();
    stats.map_or_else(
        |_| Vec::new(),
        |stats| aggregation::of_archive(&archive, &stats, settings, clock),
    )
}

/// What the last runs left to tell; nothing where there is no store that can be read.
fn notes(settings: &Settings) -> Option<Check> {
    let path = settings.cache.file_path(&settings.data);
    let clock = Arc::new(SystemClock);
    let store = SqliteStore::open_read_only(&path, SqliteOptions::default(), clock).ok()?;
    aggregation::notes(&store).ok().flatten()
}

fn mirror(settings: &Settings) -> Check {
    let path = settings.mirror.path(&settings.data);
    let Some(check) = opened("mirror", &path) else {
        let shown = path.display();
        if settings.mirror.offline {
            return Check::of(
                State::Unreachable,
                "mirror",
                format!("there is none at {shown}, and the cluster is not asked"),
                "switch `mirror.offline` off and run `community-stats sync`",
            );
        }
        return Check::ok("mirror", format!("{shown} is not there yet; it is made when needed"));
    };
    match open_to_others(&path).filter(|_| check.state == State::Ok) {
        Some(mode) => {
            let detail = format!("{}; other users may read it (mode {mode:o})", check.detail);
            let remedy = format!("chmod 600 {}", path.display());
            Check { state: State::Warning, detail, remedy: Some(remedy), ..check }
        }
        None => check,
    }
}

/// `None` when there is no file.
fn opened(name: &str, path: &Path) -> Option<Check> {
    let asked = Instant::now();
    let stats = Archive::open_read_only(path, ArchiveOptions::default())
        .and_then(|archive| Ok((archive.stats()?, archive.quick_check()?)));
    let error = match stats {
        Ok((_, found)) if !found.is_empty() => {
            let remedy = match name {
                "mirror" => "the next run that writes sets it aside and fetches everything again",
                _ => "restore it from a copy, or move it away and import again",
            };
            return Some(Check::failed(name, damage(path, &found), remedy));
        }
        Ok((stats, _)) => {
            let documents = plural(stats.documents.values().sum(), "document", "documents");
            let detail = format!(
                "{}: {documents} on {}, {}, {}",
                path.display(),
                plural(stats.shelves, "shelf", "shelves"),
                plural(stats.communities, "community", "communities"),
                bytes(stats.file_bytes),
            );
            return Some(Check::ok(name, detail).took(asked.elapsed()));
        }
        Err(error) => error,
    };
    let (state, remedy) = match error.kind() {
        SourceErrorKind::Own(Amiss::NotFound) if name == "archive" && path.exists() => {
            (State::Unreachable, "import documents again: community-stats import PATH")
        }
        SourceErrorKind::Own(Amiss::NotFound) => return None,
        SourceErrorKind::Full => (State::Failed, "make room"),
        SourceErrorKind::NewerFormat => {
            (State::Failed, "a newer community-stats wrote it; install that version or a later one")
        }
        SourceErrorKind::Damaged if name == "mirror" => {
            (State::Failed, "the next run that writes sets it aside and fetches everything again")
        }
        SourceErrorKind::Damaged => {
            (State::Failed, "restore it from a copy, or move it away and import again")
        }
        SourceErrorKind::Busy => (State::Warning, "try again when the other process is done"),
        SourceErrorKind::Unreachable => {
            (State::Unreachable, "let the user of this process read it")
        }
        _ => (State::Failed, "let the user of this process read and write it"),
    };
    Some(Check::of(state, name, chain(&error), remedy))
}

fn store(settings: &Settings) -> Check {
    let (name, path) = ("store", settings.cache.file_path(&settings.data));
    if path.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let detail = format!("{} is not there yet; it is made when needed", path.display());
        return Check::ok(name, detail);
    }
    if SqliteStore::is_unmade(&path) {
        let detail = format!("{} is empty; it is filled when needed", path.display());
        return Check::ok(name, detail);
    }
    let asked = Instant::now();
    let clock = Arc::new(SystemClock);
    let opened = SqliteStore::open_read_only(&path, SqliteOptions::default(), clock);
    let found = |store: SqliteStore| -> Result<_, CacheError> {
        Ok((store.summary()?, store.quick_check()?))
    };
    match opened.and_then(found) {
        Ok((_, found)) if !found.is_empty() => Check::failed(name, damage(&path, &found), AGAIN),
        Ok((summary, _)) => {
            let detail = format!(
                "{}: {}, {} of them expired, {}",
                path.display(),
                plural(summary.entries + summary.expired, "entry", "entries"),
                summary.expired,
                bytes(summary.stored_bytes),
            );
            let version = summary.store.split(',').next().unwrap_or_default();
            Check::ok(name, detail).version(version).took(asked.elapsed())
        }
        Err(error) => unusable_store(name, &error),
    }
}

fn unusable_store(name: &str, error: &CacheError) -> Check {
    let (state, remedy) = match error.kind() {
        CacheErrorKind::NewerFormat => {
            (State::Failed, "a newer community-stats wrote it; install that version or a later one")
        }
        CacheErrorKind::Damaged => (State::Failed, AGAIN),
        CacheErrorKind::Busy | CacheErrorKind::Own(LockLost) => {
            (State::Warning, "try again when the other process is done")
        }
        CacheErrorKind::Full => (State::Failed, "make room"),
        CacheErrorKind::Unreachable => {
            (State::Unreachable, "let the user of this process read and write it")
        }
        CacheErrorKind::Refused => {
            (State::Failed, "let the user of this process read and write it")
        }
    };
    Check::of(state, name, chain(error), remedy)
}

const AGAIN: &str = "the next `cache generate` sets it aside and makes every response again; what \
                     belongs to another program has to be moved away, or another place named";

/// What SQLite finds wrong with a file.
fn damage(path: &Path, found: &[String]) -> String {
    format!("{} is damaged: {}", path.display(), found.join("; "))
}

/// The nearest folder above that exists.
fn existing(folder: &Path) -> PathBuf {
    let exists = folder.ancestors().find(|folder| folder.is_dir());
    exists.map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Only writing shows whether one may: rights, read-only file systems and quotas all count.
fn try_to_write(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!(".community-stats-doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&file)?;
    fs::remove_file(file)
}

/// The mode of what users other than the owner may read or write.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<u32> {
    None
}
