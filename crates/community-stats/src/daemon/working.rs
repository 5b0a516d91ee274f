//! Performing the tasks of a queue, as a worker of Celery does.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use stats_jobs::{Notice, Queue, Worker, WorkerOptions, WorkerParts, worker_name};
use stats_service::CachedResponseService;
use tracing::{info, warn};

use super::asking::kept;
use super::notify;
use super::recorder::Recorder;
use super::signals::{Signal, Signals};
use super::tasks::{self, Bench};
use crate::app::{App, AppError, Jobs};
use crate::shown::shown;

/// So often a worker alone looks around.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// So often one that is at work says that it lives.
const SIGN_EVERY: Duration = Duration::from_secs(2);
/// So often in a row nothing has to be seen that is left to do.
const IDLE_LOOKS: u32 = 3;
/// So long a task may go on after somebody asked to end.
const ENDING: Duration = Duration::from_secs(10);

/// A worker, and the queue whose tasks it performs.
pub(crate) struct Working {
    worker: Option<Worker>,
    queue: Arc<dyn Queue>,
    bench: Arc<Bench>,
}

impl Working {
    /// Begins to perform tasks, on threads of its own. The broker need not be there yet.
    ///
    /// # Errors
    /// When the settings of the broker do not work.
    pub(crate) fn start(
        app: &App,
        service: Arc<CachedResponseService>,
        recorder: Arc<Recorder>,
        workers: usize,
    ) -> Result<Self, AppError> {
        let Jobs { queue, results, broadcast, .. } = app.jobs()?;
        let celery = &app.settings().celery;
        let bench = Arc::new(Bench {
            service,
            recorder,
            workers,
            upstream_results: celery.upstream_results,
            active: AtomicUsize::new(0),
        });
        let parts = WorkerParts {
            results,
            broadcast,
            clock: app.shared_clock(),
            notices: Box::new(log),
            ..WorkerParts::new(Arc::clone(&queue), tasks::all(&bench))
        };
        let options = WorkerOptions {
            name: worker_name(&format!("community-stats-{}", std::process::id())),
            slots: usize::from(celery.tasks_at_once.get()),
            ..WorkerOptions::default()
        };
        info!(queue = %queue.name(), place = %shown(queue.place()), "working begins");
        Ok(Self { worker: Some(Worker::start(parts, options)), queue, bench })
    }

    /// Whether somebody asked it to stop, by Celery's remote control.
    pub(crate) fn is_stopping(&self) -> bool {
        self.worker.as_ref().is_none_or(Worker::is_stopping)
    }

    /// Whether nothing waits and nothing is performed, as far as can be told.
    pub(crate) fn is_idle(&self) -> bool {
        self.bench.active.load(Ordering::Relaxed) == 0
            && self.queue.length().is_ok_and(|it| it == 0)
    }

    /// Takes nothing new, and waits for what is performed, but not for long: the rest is given back.
    pub(crate) fn end(mut self) {
        if let Some(worker) = self.worker.take() {
            let stopped = worker.stop(ENDING);
            info!(given_back = stopped.unfinished.len(), "working ends");
        }
    }
}

/// Performs tasks until somebody asks to end, or, `until_empty`, until none is left.
///
/// # Errors
/// When settings, source, store, ledger or broker do not work.
pub(crate) fn work(
    app: &App,
    workers: usize,
    until_empty: bool,
    signals: &Signals,
) -> Result<(), AppError> {
    let service = Arc::new(app.service_to_write()?);
    let (ledger, keep) = (app.ledger_to_write()?, kept(&app.settings().run));
    let recorder = Recorder::new(Some(ledger), app.shared_clock(), keep, signals.ending());
    let recorder = Arc::new(recorder.with_worker("worker"));
    notify::ready();
    loop {
        let working = Working::start(app, Arc::clone(&service), Arc::clone(&recorder), workers)?;
        let asked = work_until(&working, &recorder, until_empty, signals);
        // Whoever sends something from here on sees that nobody is here.
        recorder.leave();
        let queue = Arc::clone(&working.queue);
        working.end();
        // And whoever sent something before is not left alone.
        if asked || !until_empty || queue.length().is_ok_and(|length| length == 0) {
            break;
        }
    }
    notify::stopping();
    Ok(())
}

/// Performs tasks until somebody asks to end (true), or until none is left.
fn work_until(
    working: &Working,
    recorder: &Recorder,
    until_empty: bool,
    signals: &Signals,
) -> bool {
    let (mut looks_idle, mut signed) = (0, Instant::now());
    while looks_idle < IDLE_LOOKS && !working.is_stopping() {
        if working.bench.active.load(Ordering::Relaxed) == 0 {
            recorder.sign("");
        } else if signed.elapsed() >= SIGN_EVERY {
            recorder.sign_again();
            signed = Instant::now();
        }
        match signals.wait(LOOK_EVERY) {
            Some(Signal::End) => return true,
            Some(Signal::Reload) => warn!("a worker alone reads no settings anew: start it again"),
            None => {}
        }
        // What was just taken from the queue is not performed for a moment yet.
        looks_idle = if until_empty && working.is_idle() { looks_idle + 1 } else { 0 };
    }
    working.is_stopping()
}

fn log(notice: &Notice) {
    match notice {
        Notice::Started { .. } | Notice::Succeeded { .. } => info!("{}", shown(notice.to_string())),
        notice => warn!("{}", shown(notice.to_string())),
    }
}
