//! Queues in a file: the contract, and what is their own.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stats_jobs::contract::{Harness, message};
use stats_jobs::{EmbeddedBroker, EmbeddedOptions, EmbeddedQueue, Queue, QueueErrorKind};
use stats_model::{Clock, ManualClock, SystemClock};
use stats_testkit::wait;
use tempfile::TempDir;

struct EmbeddedHarness {
    folder: TempDir,
    clock: Arc<ManualClock>,
    queue: EmbeddedQueue,
}

impl EmbeddedHarness {
    fn start() -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::new("2025-06-15T12:34:56.789Z".parse().unwrap()));
        let queue = open(&folder, clock.clone()).queue("stats-cache");
        Some(Self { folder, clock, queue })
    }

    fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.folder.path().join("jobs.db")).unwrap()
    }
}

fn open(folder: &TempDir, clock: Arc<dyn Clock>) -> EmbeddedBroker {
    let path = folder.path().join("jobs.db");
    EmbeddedBroker::open(path, EmbeddedOptions::default(), clock).unwrap()
}

impl Harness for EmbeddedHarness {
    fn queue(&self) -> &dyn Queue {
        &self.queue
    }

    fn other(&self) -> Box<dyn Queue> {
        Box::new(open(&self.folder, self.clock.clone()).queue("stats-cache"))
    }

    fn elsewhere(&self) -> Box<dyn Queue> {
        Box::new(open(&self.folder, self.clock.clone()).queue("celery"))
    }

    fn clock(&self) -> Option<&ManualClock> {
        Some(&self.clock)
    }

    fn has_priorities(&self) -> bool {
        true
    }

    fn send_garbage(&self) -> bool {
        let sql = "INSERT INTO messages (queue, priority, due, head, body)
            VALUES ('stats-cache', 0, 0, '{', x'00')";
        self.raw().execute(sql, []).unwrap();
        true
    }
}

mod contract {
    stats_jobs::queue_contract!(super::EmbeddedHarness::start);
}

#[test]
fn a_message_with_an_eta_is_not_delivered_before_its_time() {
    let harness = EmbeddedHarness::start().unwrap();
    let eta = harness.clock.now() + SignedDuration::from_secs(60);
    let mut later = message(1);
    later.headers.insert("eta".to_owned(), eta.to_string().into());
    harness.queue.send(&later).unwrap();
    harness.queue.send(&message(2)).unwrap();
    let first = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    assert_eq!(first.content.unwrap(), message(2));
    assert_eq!(harness.queue.receive(Duration::ZERO).unwrap(), None);
    harness.clock.advance(SignedDuration::from_secs(60));
    let second = harness.queue.receive(Duration::ZERO).unwrap().unwrap();
    assert_eq!(second.content.unwrap(), later);
}

#[test]
#[cfg(unix)]
fn the_files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;

    let harness = EmbeddedHarness::start().unwrap();
    harness.queue.send(&message(1)).unwrap();
    for file in std::fs::read_dir(harness.folder.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[test]
fn files_that_are_something_else_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("jobs.db");
    let open = || {
        let clock = Arc::new(SystemClock);
        EmbeddedBroker::open(&path, EmbeddedOptions::default(), clock).unwrap_err().kind()
    };
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE messages (a)").unwrap();
    assert_eq!(open(), QueueErrorKind::Damaged);
    connection.pragma_update(None, "application_id", 0x4353_6a62).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    assert_eq!(open(), QueueErrorKind::NewerFormat);
}

const FOLDER: &str = "STATS_JOBS_TEST_FOLDER";

/// What the killed process below does: takes a message, sends one, says so and waits for its end.
#[test]
#[ignore = "is run as a process of its own by the test below"]
fn takes_one_and_sends_one_and_waits() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let path = std::path::PathBuf::from(folder);
    let options = EmbeddedOptions::default();
    let broker = EmbeddedBroker::open(path.join("jobs.db"), options, Arc::new(SystemClock));
    let queue = broker.unwrap().queue("stats-cache");
    queue.receive(Duration::from_secs(20)).unwrap().unwrap();
    queue.send(&message(2)).unwrap();
    std::fs::write(path.join("done"), "").unwrap();
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn what_a_killed_process_had_or_sent_is_not_lost() {
    let folder = TempDir::new().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp::now()));
    let queue = open(&folder, clock.clone()).queue("stats-cache");
    queue.send(&message(1)).unwrap();
    let mut process = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "embedded::takes_one_and_sends_one_and_waits"])
        .env(FOLDER, folder.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    wait::until("the process has done it", || folder.path().join("done").exists());
    process.kill().unwrap();
    process.wait().unwrap();
    let sent = queue.receive(Duration::ZERO).unwrap().unwrap();
    assert_eq!(sent.content.unwrap(), message(2));
    assert_eq!(queue.receive(Duration::ZERO).unwrap(), None);
    clock.advance(SignedDuration::from_secs(3_600));
    // Ours comes again, too: its lease is over as well.
    let mut again: Vec<_> = (0..2)
        .map(|_| queue.receive(Duration::ZERO).unwrap().unwrap())
        .map(|delivery| (delivery.redelivered, delivery.content.unwrap()))
        .collect();
    again.sort_by_key(|(_, message)| message.text("id").unwrap().to_owned());
    assert_eq!(again, [(true, message(1)), (true, message(2))]);
}
