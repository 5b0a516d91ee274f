//! A worker from its start to its end.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use stats_model::{Clock, SystemClock};

use super::books::{Job, Phase, Settlement};
use super::keeper::tell_of_worker;
use super::notice::Notice;
use super::options::WorkerOptions;
use super::shared::Shared;
use super::tasks::Tasks;
use super::{commands, intake, keeper, mailbox};
use crate::{Broadcast, Queue, Results};

/// So long its own threads are waited for.
const AT_LEAST: Duration = Duration::from_secs(2);

/// What a worker works with.
pub struct WorkerParts {
    /// Where tasks come from. Nobody else's tasks should go there: they are rejected.
    pub queue: Arc<dyn Queue>,
    /// Where results go; nowhere if there is no place.
    pub results: Option<Arc<dyn Results>>,
    /// How Celery's tools see the worker and talk to it; not at all without.
    pub broadcast: Option<Arc<dyn Broadcast>>,
    /// What is performed.
    pub tasks: Tasks,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Hears what the worker has to say, on any of its threads.
    pub notices: Box<dyn Fn(&Notice) + Send + Sync>,
}

impl WorkerParts {
    /// Only what is needed: no results, seen by nobody, the system's clock, nobody listens.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, tasks: Tasks) -> Self {
        Self {
            queue,
            results: None,
            broadcast: None,
            tasks,
            clock: Arc::new(SystemClock),
            notices: Box::new(|_| {}),
        }
    }
}

/// A worker that performs the tasks of a queue until it is stopped.
///
/// As Celery's workers do, it takes no more messages than it can perform, but for those whose time has
/// not come; what it cannot perform, it rejects. A broker that goes away is asked again and again, with
/// growing pauses; what is in hand is performed meanwhile. Dropped without being stopped, it goes on.
pub struct Worker {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The ids of tasks that did not come to their end. Their threads still run; those that are
    /// acknowledged late wait in the queue again.
    pub unfinished: Vec<String>,
}

impl Worker {
    /// Starts a worker on threads of its own. The broker need not be there.
    #[must_use]
    pub fn start(parts: WorkerParts, options: WorkerOptions) -> Self {
        let WorkerParts { queue, results, broadcast, tasks, clock, notices } = parts;
        let shared = Shared::new(queue, results, broadcast, tasks, options, clock, notices);
        let shared = Arc::new(shared);
        let rooms: [fn(&Arc<Shared>); 3] = [intake::run, keeper::run, mailbox::run];
        let threads = rooms.map(|run| {
            let shared = shared.clone();
            thread::spawn(move || {
                let watch = Watch(&shared);
                run(&shared);
                drop(watch);
            })
        });
        Self { shared, threads: threads.into() }
    }

    /// Whether the worker takes no more messages: somebody asked it to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.shared.phase() != Phase::Working
    }

    /// Waits until somebody asks the worker to stop, for `time` at most; whether somebody did.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        !self.shared.pause(time, Phase::Draining)
    }

    /// Takes no more messages, gives back what was not begun, and asks what is being performed to come
    /// to an end; [`stop`](Self::stop) has to follow.
    pub fn begin_to_stop(&self) {
        self.shared.begin_to_stop();
    }

    /// Has tasks with these ids not be performed, for three hours. With `terminate`, those that are
    /// being performed are given up: nobody waits for them any more, and they are
    /// [asked to stop](super::StopReason::Revoked).
    pub fn revoke(&self, ids: &[String], terminate: bool) {
        commands::revoke(&self.shared, ids, terminate);
    }

    /// The same, and waits for the end of what is being performed, for `within` at most. What then
    /// still goes on is given back, if it is acknowledged late.
    #[must_use]
    pub fn stop(self, within: Duration) -> Stopped {
        self.begin_to_stop();
        let end = Instant::now() + within;
        let mut books = self.shared.books();
        while !books.jobs.is_empty() || !self.threads[0].is_finished() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            books = self.shared.wait(books, left.min(self.shared.options.tick));
        }
        drop(books);
        let unfinished = self.give_back_unfinished();
        self.shared.enter(Phase::Ended);
        // What cannot be said now comes again by itself.
        drop(self.shared.settle_the_rest());
        tell_of_worker(&self.shared, "worker-offline");
        self.shared.announcer.stop(AT_LEAST);
        self.wait_for_threads(end.max(Instant::now() + AT_LEAST));
        Stopped { unfinished }
    }

    /// Gives back what is still being performed; the ids of it.
    fn give_back_unfinished(&self) -> Vec<String> {
        let mut books = self.shared.books();
        let going = |(number, job): (&u64, &Job)| (!job.is_ending).then_some(*number);
        let going: Vec<u64> = books.jobs.iter().filter_map(going).collect();
        let jobs: Vec<Job> = going.iter().filter_map(|it| books.jobs.remove(it)).collect();
        books.abandoned += jobs.len();
        drop(books);
        let mut unfinished = Vec::new();
        for job in jobs {
            unfinished.push(job.received.task.id.clone());
            if let Some(tag) = job.tag {
                self.shared.settle(&job.received, tag, Settlement::GiveBack);
            }
        }
        unfinished
    }

    /// Those of its own, and those of tasks that only have to say what became of them. One that waits
    /// for a broker that does not answer is left behind.
    fn wait_for_threads(&self, until: Instant) {
        let ended = || self.threads.iter().all(JoinHandle::is_finished);
        while Instant::now() < until && !(ended() && self.shared.books().jobs.is_empty()) {
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Has the worker stop when one of its own threads panics: whoever waits for it has to hear of that.
struct Watch<'a>(&'a Shared);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.begin_to_stop();
        }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Worker").field("name", &self.shared.options.name).finish_non_exhaustive()
    }
}
