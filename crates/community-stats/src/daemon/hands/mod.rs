//! Who makes the tasks of this scheduler: workers, wherever they are, to whom they go by the queue; and
//! its own threads, if it is not there to plan alone.

mod away;
mod ports;
mod todo;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use stats_jobs::Producer;
use stats_jobs::ledger::{Ledger, Worker};
use stats_service::{Hands, Job, ShelfReport, ShelfTask};

use self::away::{Away, Came};
pub(super) use self::ports::Ports;
use self::todo::{Taken, Todo};
use super::recorder::Recorder;
use crate::app::{App, AppError, Jobs};
use crate::config::ConfigError;

/// So often somebody looks for what came of tasks.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Whoever gave no sign for so long is not there any more.
const SILENT: Duration = Duration::from_secs(30);
/// So long a run that has to stop waits for what is just being made elsewhere.
const LAST_WAIT: Duration = Duration::from_secs(3);
/// So often a task is given to somebody who does not live to tell what came of it.
const TRIES: u32 = 3;

/// Shares the tasks of runs with every worker that is alive.
pub(crate) struct Shared {
    ports: Ports,
    /// The sign of life of this process, which counts for nobody.
    me: String,
    /// Whether threads of this process make tasks, too.
    here: bool,
    /// How many tasks a worker makes at the same time.
    at_once: usize,
}

impl Shared {
    /// What the settings say of queue and results, for the process that `recorder` signs for.
    ///
    /// # Errors
    /// When the settings of the broker do not work, or do not say where results go, and when there is no
    /// ledger: nothing would tell who is alive, and what came of tasks.
    pub(crate) fn start(
        app: &App,
        ledger: Option<Arc<dyn Ledger>>,
        recorder: &Recorder,
        here: bool,
    ) -> Result<Self, AppError> {
        let ledger = match ledger {
            Some(ledger) => ledger,
            None => app.ledger_to_write()?,
        };
        let Jobs { queue, results, serializer, .. } = app.jobs()?;
        let Some(results) = results else {
            let text = "nothing says where results are kept, so work cannot be shared";
            return Err(ConfigError::new(text).with_hint("set broker.result_backend").into());
        };
        let producer = Producer::new(queue, serializer);
        let ports = Ports { producer, results, ledger, clock: app.shared_clock() };
        let at_once = usize::from(app.settings().celery.tasks_at_once.get());
        Ok(Self::new(ports, recorder.name().unwrap_or_default(), here, at_once))
    }

    /// One for the process that signs as `me`.
    pub(super) const fn new(ports: Ports, me: String, here: bool, at_once: usize) -> Self {
        Self { ports, me, here, at_once }
    }

    /// Whether anybody is there to make something.
    pub(crate) fn has_hands(&self) -> bool {
        self.here || !self.alive().is_empty()
    }

    /// The workers elsewhere that are alive, as far as they sign in the ledger.
    fn alive(&self) -> Vec<Worker> {
        let now = self.ports.clock.now();
        let mut workers = self.ports.ledger.workers().unwrap_or_default();
        workers.retain(|it| it.role != "scheduler" && it.id != self.me && !it.is_lost(now, SILENT));
        workers
    }

    /// Makes tasks here until none is left, or none may be begun.
    fn make_here(&self, job: &Job<'_>, todo: &Todo, made: &mpsc::Sender<ShelfReport>) {
        while let Some(task) = todo.next_here(&|| job.should_stop()) {
            if made.send(job.make(&task)).is_err() {
                return;
            }
        }
    }

    /// Gives out tasks and takes in what comes of them, until all is told or the run has to stop.
    fn share(
        &self,
        job: &Job<'_>,
        todo: &Todo,
        made: &mpsc::Receiver<ShelfReport>,
        sharing: &mut Sharing<'_>,
    ) {
        let mut away = Away::new(&self.ports, &self.me, self.here);
        let mut stopped = None;
        while sharing.left > 0 {
            match made.recv_timeout(LOOK_EVERY) {
                Ok(report) => sharing.take(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => self.ports.clock.sleep(LOOK_EVERY),
            }
            made.try_iter().for_each(|report| sharing.take(report));
            for came in away.look() {
                if matches!(came, Came::Over(_)) {
                    job.look();
                }
                self.settle(came, todo, sharing);
            }
            if job.should_stop() {
                let now = self.ports.clock.monotonic();
                let since = *stopped.get_or_insert(now);
                if job.is_lost() || away.is_empty() || now.saturating_sub(since) >= LAST_WAIT {
                    break;
                }
                continue;
            }
            for came in away.look_after(&|| self.alive()) {
                self.settle(came, todo, sharing);
            }
            if away.alive() == 0 && !self.here && away.is_empty() {
                sharing
                    .warn("no worker is alive any more: what is left is made once one is".into());
                break;
            }
            away.send(todo, away.alive() * 2 * self.at_once, &|task| job.errand(task));
        }
        sharing.warnings.extend(away.end());
    }

    /// What becomes of a task that comes back.
    fn settle(&self, came: Came, todo: &Todo, sharing: &mut Sharing<'_>) {
        match came {
            Came::Made(report) => sharing.take(report),
            Came::Waits(task) if self.here => todo.keep_here(task.task),
            Came::Waits(task) => todo.give_back(task),
            Came::Lost(task) | Came::Over(task) if task.tries < TRIES => todo.give_back(task),
            Came::Lost(task) | Came::Over(task) if self.here => todo.keep_here(task.task),
            Came::Lost(task) | Came::Over(task) => {
                let why = format!(
                    "{TRIES} workers that were to make it were lost, or know another lock than the run"
                );
                sharing.take(task.task.failed(&why));
            }
            Came::Refused(task, why) => {
                if self.here {
                    sharing.warn(why);
                    todo.keep_here(task.task);
                } else {
                    sharing.take(task.task.failed(&why));
                }
            }
        }
    }
}

impl Hands for Shared {
    fn make_all(
        &self,
        job: &Job<'_>,
        tasks: VecDeque<ShelfTask>,
        tell: &mut dyn FnMut(ShelfReport),
    ) -> Vec<String> {
        let mut sharing = Sharing { left: tasks.len(), tell, warnings: Vec::new() };
        let threads = if self.here { job.workers().min(tasks.len()) } else { 0 };
        let todo = Todo::new(tasks.into_iter().map(Taken::new));
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, todo) = (sender.clone(), &todo);
                scope.spawn(move || self.make_here(job, todo, &sender));
            }
            drop(sender);
            self.share(job, &todo, &receiver, &mut sharing);
            todo.close();
            receiver.iter().for_each(|report| sharing.take(report));
        });
        sharing.warnings
    }
}

/// What was told of a run so far.
struct Sharing<'a> {
    /// Of how many tasks nothing was told yet.
    left: usize,
    tell: &'a mut dyn FnMut(ShelfReport),
    warnings: Vec<String>,
}

impl Sharing<'_> {
    fn take(&mut self, report: ShelfReport) {
        self.left = self.left.saturating_sub(1);
        (self.tell)(report);
    }

    /// Each warning once.
    fn warn(&mut self, text: String) {
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }
}
