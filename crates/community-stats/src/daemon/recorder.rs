//! A run under the eyes of the ledger: who asked for what, how far it is, what came of every cell.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use stats_jobs::ledger::{
    JobOutcome, Keep, Ledger, LedgerError, Progress, Run, RunId, RunState, Trigger, Wish, Worker,
};
use stats_model::Clock;
use stats_service::{Outcome, ServiceError, Stop, Summary, chain};
use tracing::{debug, info, warn};

use super::notify;
use crate::shown::shown;

/// So often whoever works looks whether it shall end.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// So often it gives a sign of life.
const SIGN_EVERY: Duration = Duration::from_secs(2);
/// So many outcomes are written down together at most.
const BATCH: usize = 1000;

/// Writes runs down. Where the ledger does not work, runs go on, and somebody is told.
pub(crate) struct Recorder {
    ledger: Option<Arc<dyn Ledger>>,
    clock: Arc<dyn Clock>,
    keep: Keep,
    /// What ends whatever runs.
    ending: Arc<AtomicBool>,
    /// This process, as others see it; `None` for one that ends soon anyway.
    me: Option<Mutex<Worker>>,
}

/// What a run is about.
pub(crate) struct Asked {
    pub(crate) trigger: Trigger,
    pub(crate) asked_by: String,
    /// What was asked for, so that it can be asked for again.
    pub(crate) request: Value,
    /// The run that it goes on with.
    pub(crate) resumes: Option<RunId>,
    pub(crate) planned: u64,
    /// How long it may last; `None`: as long as it takes.
    pub(crate) limit: Option<Duration>,
    /// Tells whether somebody else wants it to end.
    pub(crate) ends: Option<Ends>,
}

/// Whether something has to end.
pub(crate) type Ends = Box<dyn Fn() -> bool + Send + Sync>;

/// A run that goes on.
struct Running<'a> {
    recorder: &'a Recorder,
    id: RunId,
    flag: Arc<AtomicBool>,
    cancelled: AtomicBool,
    planned: AtomicU64,
    done: AtomicU64,
    outcomes: Mutex<Vec<JobOutcome>>,
    deadline: Option<Instant>,
    ends: Option<Ends>,
}

impl Recorder {
    /// One that writes into `ledger`, if there is one, and keeps so much of the past. Runs end when
    /// `ending` becomes true.
    pub(crate) fn new(
        ledger: Option<Arc<dyn Ledger>>,
        clock: Arc<dyn Clock>,
        keep: Keep,
        ending: Arc<AtomicBool>,
    ) -> Self {
        Self { ledger, clock, keep, ending, me: None }
    }

    /// The same, and others see that this process is there, and what for.
    pub(crate) fn with_worker(mut self, role: &str) -> Self {
        let now = self.clock.now();
        let id = RunId::new(self.clock.as_ref());
        self.me = Some(Mutex::new(Worker::this_process(format!("{role}-{id}"), role, now)));
        self
    }

    /// The name under which it signs, if it does.
    pub(crate) fn name(&self) -> Option<String> {
        let me = self.me.as_ref()?;
        Some(me.lock().unwrap_or_else(PoisonError::into_inner).id.clone())
    }

    /// Gives a sign of life: it still does what it did.
    pub(crate) fn sign_again(&self) {
        let Some(me) = &self.me else { return };
        let doing = me.lock().unwrap_or_else(PoisonError::into_inner).doing.clone();
        self.sign(&doing);
    }

    /// Gives a sign of life, and says what this process does.
    pub(crate) fn sign(&self, doing: &str) {
        let Some(me) = &self.me else { return };
        let me = {
            let mut me = me.lock().unwrap_or_else(PoisonError::into_inner);
            me.last_sign = self.clock.now();
            doing.clone_into(&mut me.doing);
            me.clone()
        };
        self.note(|ledger| ledger.alive(&me));
        notify::alive(if doing.is_empty() { "waiting" } else { doing });
    }

    /// That this process leaves.
    pub(crate) fn leave(&self) {
        if let Some(id) = self.name() {
            self.note(|ledger| ledger.gone(&id));
        }
    }

    /// Whether somebody asked whatever runs to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::Relaxed)
    }

    /// The ledger.
    fn ledger(&self) -> Option<&dyn Ledger> {
        self.ledger.as_deref()
    }

    /// Carries out a run and writes it down; gives its name, too.
    ///
    /// # Errors
    /// Those of the work.
    pub(crate) fn record(
        &self,
        asked: Asked,
        work: impl FnOnce(
            &Stop,
            &mut dyn FnMut(&stats_service::Progress<'_>),
        ) -> Result<Summary, ServiceError>,
    ) -> Result<(RunId, Summary), ServiceError> {
        let begun = Instant::now();
        let (id, planned) = (self.begin(&asked), asked.planned);
        info!(run = %id, trigger = %asked.trigger, planned, "run begins");
        let running = Running {
            recorder: self,
            id: id.clone(),
            flag: Arc::default(),
            cancelled: AtomicBool::new(false),
            planned: AtomicU64::new(planned),
            done: AtomicU64::new(0),
            outcomes: Mutex::default(),
            deadline: asked.limit.and_then(|limit| begun.checked_add(limit)),
            ends: asked.ends,
        };
        running.sign();
        let done = running.watched(work);
        running.tell();
        let (state, error) = ended(&done, running.cancelled.load(Ordering::Relaxed));
        self.note(|ledger| ledger.end(&id, self.clock.now(), state, error.as_deref()));
        self.note(|ledger| ledger.trim(&self.keep, self.clock.now()).map(drop));
        log_end(&id, state, &done, begun.elapsed());
        done.map(|summary| (id, summary))
    }

    fn begin(&self, asked: &Asked) -> RunId {
        let mut id = RunId::new(self.clock.as_ref());
        self.note(|ledger| {
            let now = self.clock.now();
            let mut run =
                Run::begin(id.clone(), asked.trigger, &asked.asked_by, asked.request.clone(), now);
            (run.planned, run.resumes) = (asked.planned, asked.resumes.clone());
            let begun = ledger.begin(&run);
            if begun.as_ref().is_err_and(|error| {
                error.kind()
                    == stats_jobs::ledger::LedgerErrorKind::Own(stats_jobs::ledger::OfRun::Exists)
            }) {
                id = RunId::new(self.clock.as_ref());
                return ledger.begin(&Run { id: id.clone(), ..run });
            }
            begun
        });
        id
    }

    /// Writes something down; what goes wrong is told, and nothing else comes of it.
    pub(crate) fn note(&self, write: impl FnOnce(&dyn Ledger) -> Result<(), LedgerError>) {
        if let Some(ledger) = self.ledger()
            && let Err(error) = write(ledger)
        {
            warn!(error = %shown(chain(&error)), "not written down");
        }
    }
}

impl Running<'_> {
    /// Does the work while another thread looks after it.
    fn watched(
        &self,
        work: impl FnOnce(
            &Stop,
            &mut dyn FnMut(&stats_service::Progress<'_>),
        ) -> Result<Summary, ServiceError>,
    ) -> Result<Summary, ServiceError> {
        let (done, wait) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || self.look_after(&wait));
            let mut progress = |at: &stats_service::Progress<'_>| self.take(at);
            let result = work(&Stop::when(Arc::clone(&self.flag)), &mut progress);
            drop(done);
            result
        })
    }

    fn look_after(&self, wait: &mpsc::Receiver<()>) {
        let mut told = Instant::now();
        while wait.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            let late = self.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            let wanted = self.ends.as_ref().is_some_and(|ends| ends());
            if late || wanted || self.recorder.ending.load(Ordering::Relaxed) {
                self.flag.store(true, Ordering::Relaxed);
            }
            if told.elapsed() >= SIGN_EVERY {
                self.tell();
                self.sign();
                told = Instant::now();
            }
        }
    }

    fn take(&self, at: &stats_service::Progress<'_>) {
        self.planned.store(at.total, Ordering::Relaxed);
        self.done.store(at.done, Ordering::Relaxed);
        let outcome = JobOutcome {
            job: at.cell.to_string(),
            outcome: at.outcome.name().to_owned(),
            detail: at.outcome.reason(),
            at: self.recorder.clock.now(),
            duration_ms: u64::try_from(at.took.as_millis()).unwrap_or(u64::MAX),
            bytes: at.outcome.bytes(),
        };
        log_outcome(&self.id, at, &outcome);
        let mut outcomes = self.outcomes();
        outcomes.push(outcome);
        if outcomes.len() >= BATCH {
            drop(outcomes);
            self.tell();
        }
    }

    /// Writes down what happened since the last time, and hears what is wished.
    fn tell(&self) {
        let outcomes = std::mem::take(&mut *self.outcomes());
        let (planned, done) =
            (self.planned.load(Ordering::Relaxed), self.done.load(Ordering::Relaxed));
        self.recorder.note(|ledger| {
            let now = self.recorder.clock.now();
            let wish = ledger.progress(&self.id, &Progress::new(now, planned, done, &outcomes))?;
            if wish == Wish::Cancel {
                self.cancelled.store(true, Ordering::Relaxed);
                self.flag.store(true, Ordering::Relaxed);
            }
            Ok(())
        });
    }

    fn sign(&self) {
        let (done, planned) = (&self.done, &self.planned);
        let (done, planned) = (done.load(Ordering::Relaxed), planned.load(Ordering::Relaxed));
        self.recorder.sign(&format!("run {}: {done} of {planned}", self.id));
    }

    fn outcomes(&self) -> MutexGuard<'_, Vec<JobOutcome>> {
        self.outcomes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a run ended, and why if something went wrong.
fn ended(done: &Result<Summary, ServiceError>, cancelled: bool) -> (RunState, Option<String>) {
    match done {
        _ if cancelled => (RunState::Cancelled, None),
        Err(error @ ServiceError::Interrupted) => (RunState::Interrupted, Some(chain(error))),
        Err(error) => (RunState::Failed, Some(chain(error))),
        Ok(summary) if summary.lock_lost => {
            (RunState::Interrupted, Some("the lock of bulk runs was lost".to_owned()))
        }
        Ok(summary) if summary.interrupted => (RunState::Interrupted, None),
        Ok(summary) if summary.failed + summary.held + summary.incomplete > 0 => {
            (RunState::Partly, None)
        }
        Ok(_) => (RunState::Done, None),
    }
}

fn log_outcome(id: &RunId, at: &stats_service::Progress<'_>, outcome: &JobOutcome) {
    let JobOutcome { job, outcome: name, detail, duration_ms, bytes, .. } = outcome;
    match at.outcome {
        Outcome::Failed(_) => {
            warn!(run = %id, cell = %shown(job), error = %shown(detail), "response failed");
        }
        _ => debug!(
            run = %id, cell = %shown(job), outcome = %name, reason = %shown(detail), ms = duration_ms,
            bytes, "response"
        ),
    }
}

fn log_end(id: &RunId, state: RunState, done: &Result<Summary, ServiceError>, took: Duration) {
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match done {
        Ok(summary) => {
            let Summary { success, failed, skipped, incomplete, held, documents, .. } = summary;
            info!(
                run = %id, state = %state, stored = success, failed, kept = skipped,
                waiting = incomplete, held, documents, bytes = summary.response_bytes, ms, "run ended"
            );
            for warning in &summary.warnings {
                warn!(run = %id, "{}", shown(warning));
            }
        }
        Err(error) => {
            warn!(run = %id, state = %state, error = %shown(chain(error)), ms, "run ended");
        }
    }
}
