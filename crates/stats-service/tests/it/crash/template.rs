//! Old responses and new documents, to begin with each time.

use std::fs;
use std::time::Duration;

use redis::Commands;
use stats_documents::import::{ImportOptions, Input, import};
use stats_documents::{Archive, ArchiveOptions};
use stats_testkit::services::Redis;
use stats_testkit::{corpus, wait};
use tempfile::TempDir;

use super::Bodies;
use super::acts::{Act, COMMUNITIES};
use super::aftermath::bodies;
use super::place::{LEASE, Place, copy_files};
use super::points::Points;

const KINDS: [&str; 4] = ["record_delta", "record_snapshot", "usage_delta", "usage_snapshot"];
const DAYS: u32 = 3;

/// What every process begins with, and what may come of it.
pub(super) struct Template {
    folder: TempDir,
    server: Option<&'static Redis>,
    /// The database with the old responses.
    redis: Option<String>,
    pub(super) old: Bodies,
    pub(super) new: Bodies,
}

impl Template {
    /// With the responses in a file, or in databases of a server.
    pub(super) fn new(server: Option<&'static Redis>) -> Self {
        let (folder, redis) = (TempDir::new().unwrap(), server.map(Redis::database));
        let (old, new) = Default::default();
        let mut template = Self { folder, server, redis, old, new };
        let place =
            Place { data: template.folder.path().to_owned(), redis: template.redis.clone() };
        let documents = documents();
        add(&place, &documents);
        template.old = generated(&place);
        add(&place, &documents.replace("\"total_events\":1", "\"total_events\":9"));
        if let Some(url) = &template.redis {
            leave_marks(url);
        }
        let done = Lane::new(&template);
        done.set(&template, false);
        template.new = generated(&done.place);
        let (old, new) = (&template.old, &template.new);
        assert!(old.len() == 16 && old.keys().eq(new.keys()) && old != new);
        template
    }

    /// Whether others can write to the same place, so that locks outlive whoever holds them.
    pub(super) const fn is_shared(&self) -> bool {
        self.server.is_some()
    }
}

/// Where processes are killed, one after the other.
pub(super) struct Lane {
    /// Lives as long as the place.
    _folder: TempDir,
    pub(super) place: Place,
}

impl Lane {
    pub(super) fn new(template: &Template) -> Self {
        let (folder, redis) = (TempDir::new().unwrap(), template.server.map(Redis::database));
        let place = Place { data: folder.path().join("data"), redis };
        Self { _folder: folder, place }
    }

    /// Begins with the template, and `anew` without any response.
    pub(super) fn set(&self, template: &Template, anew: bool) {
        let _ = fs::remove_dir_all(&self.place.data);
        fs::create_dir(&self.place.data).unwrap();
        copy_files(template.folder.path(), &self.place.data);
        if anew && !template.is_shared() {
            fs::remove_file(self.place.file("cache.db")).unwrap();
        }
        let (Some(from), Some(to)) = (&template.redis, &self.place.redis) else { return };
        let mut connection = connection(to);
        let _: () = redis::cmd("FLUSHDB").query(&mut connection).unwrap();
        if anew {
            leave_marks(to);
        } else {
            copy_keys(from, to);
        }
    }

    /// Nothing is left to do, and nothing says for long that somebody still generates: where nothing had
    /// to be made any more, the lock and the marks of whoever was killed end by themselves.
    pub(super) fn check_marks(&self, what: &str, act: Act) {
        let Some(url) = &self.place.redis else { return };
        let mut connection = connection(url);
        wait::within(LEASE + Duration::from_secs(5), "the lock ends", || {
            !connection.exists::<_, bool>("cache::lock:generation").unwrap()
        });
        if act == Act::Work {
            return;
        }
        for number in 0..COMMUNITIES {
            let community = corpus::community(number);
            let first: String = connection.get(format!("{community}_first_run")).unwrap();
            assert_eq!(first, "completed", "{what}");
            let marked = connection.exists(format!("{community}_agg_updated_2025"));
            assert_eq!(marked, Ok(false), "{what}");
            let ends: i64 = connection.pttl(format!("{community}_cache_2025")).unwrap();
            let most = if act == Act::Keep { 60_000 } else { -2 };
            assert!(ends == -2 || (0..=most).contains(&ends), "{what}: a mark for {ends} ms");
        }
    }
}

fn documents() -> String {
    (0..COMMUNITIES).map(|number| corpus::export(&KINDS, 1, DAYS, number)).collect()
}

fn add(place: &Place, documents: &str) {
    let file = TempDir::new().unwrap();
    let path = file.path().join("documents.ndjson");
    fs::write(&path, documents).unwrap();
    let archive = Archive::open(place.file("archive.db"), ArchiveOptions::default()).unwrap();
    import(vec![Input::Path(path)], &archive, &ImportOptions::default(), &mut ()).unwrap();
}

fn generated(place: &Place) -> Bodies {
    let parts = place.open(&Points::default());
    Act::Generate.perform(place, &parts).unwrap();
    bodies(&parts)
}

/// What Python's side leaves: communities whose first run goes on, and years that were aggregated.
fn leave_marks(url: &str) {
    let mut connection = connection(url);
    for number in 0..COMMUNITIES {
        let community = corpus::community(number);
        let _: () = connection.set(format!("{community}_first_run"), "in_progress").unwrap();
        let marked = format!("{community}_agg_updated_2025");
        let _: () = connection.set(marked, "2025-12-31T11:00:00.000").unwrap();
    }
}

fn copy_keys(from: &str, to: &str) {
    let number = to.rsplit('/').next().unwrap();
    let mut connection = connection(from);
    let keys: Vec<Vec<u8>> = connection.keys("*").unwrap();
    let mut copies = redis::pipe();
    for key in keys {
        copies.cmd("COPY").arg(&key).arg(&key).arg("DB").arg(number).ignore();
    }
    let _: () = copies.query(&mut connection).unwrap();
}

fn connection(url: &str) -> redis::Connection {
    redis::Client::open(url).unwrap().get_connection().unwrap()
}
