//! The loop: it looks when it is time to, makes what has to be made, and hears what is asked of it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use stats_jobs::ledger::Trigger;
use stats_jobs::schedule::Due;
use stats_service::{Hands, Keeper, Look, Pool, Run, ServiceError, Summary, Work, chain};
use tracing::{debug, info, trace, warn};

use super::asking::{asked_by, kept};
use super::hands::Shared;
use super::notify;
use super::recorder::{Asked, Recorder};
use super::signals::{Signal, Signals};
use super::trigger::trigger;
use super::working::Working;
use crate::app::{App, AppError};
use crate::shown::shown;

/// What a process that cannot do anything says that it does, before the reason.
pub(crate) const IN_VAIN: &str = "nothing can be done: ";

/// What a process says that it does while another one is at work.
const WAITING: &str = "waiting until another run ends";

/// So often others see that this process is there.
const SIGN_EVERY: Duration = Duration::from_secs(5);

/// So often whoever waits for the lock or for a worker looks whether that is over.
const LOOK_WHILE_WAITING: Duration = Duration::from_secs(1);

/// How much one run does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many shelves are read at the same time.
    pub(crate) workers: usize,
    /// How many responses are made at most; `None`: all.
    pub(crate) most: Option<u64>,
    /// How long it may last; `None`: as long as it takes.
    pub(crate) limit: Option<Duration>,
}

/// What a process that keeps the matrix does besides, and who makes what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It makes all of it itself.
    Alone,
    /// It makes nothing itself: workers do.
    Scheduler,
    /// It makes it with the workers that are alive, and performs the tasks of the queue.
    Both,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Alone | Self::Scheduler => "scheduler",
            Self::Both => "both",
        }
    }
}

/// Keeps the matrix true until it is asked to end.
pub(crate) struct Keeping {
    app: App,
    keeper: Keeper,
    recorder: Arc<Recorder>,
    /// What performs tasks beside it, if anything does.
    working: Option<Working>,
    role: Role,
    /// The workers that make what has to be made, where those do.
    shared: Option<Shared>,
    limits: Limits,
    /// When the source was looked at last, by a clock that nobody sets.
    looked: Duration,
    schedule: Option<Due>,
    /// What went wrong the last time; told once.
    trouble: Option<String>,
    /// What it waits for, though something has to be made.
    waits: Option<WaitsFor>,
}

/// What keeps a process from beginning a run. It is looked at often: whoever waits takes over at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WaitsFor {
    /// Somebody else holds the lock.
    Lock,
    /// No worker is alive.
    Hands,
}

/// What one look came to.
#[derive(Debug)]
pub(crate) enum Turn {
    /// Nothing has to be made.
    Nothing,
    /// This was made.
    Made(Box<Summary>),
}

impl Keeping {
    /// Begins; looks at nothing yet.
    ///
    /// # Errors
    /// When settings, source, store or ledger do not work.
    pub(crate) fn start(
        app: App,
        limits: Limits,
        role: Role,
        signals: &Signals,
    ) -> Result<Self, AppError> {
        let keeper = app.keeper()?;
        let settings = &app.settings().run;
        let now = app.clock().now();
        let ledger = app.ledger_to_write().inspect_err(|error| {
            warn!(error = %shown(chain(error)), "runs are not written down");
        });
        let ledger = ledger.ok();
        let recorder =
            Recorder::new(ledger.clone(), app.shared_clock(), kept(settings), signals.ending());
        let schedule = settings.schedule.0.clone().map(|schedule| Due::new(schedule, now));
        let recorder = Arc::new(recorder.with_worker(role.name()));
        let shared = match role {
            Role::Alone => None,
            Role::Scheduler => Some(Shared::start(&app, ledger, &recorder, false)?),
            Role::Both => Shared::start(&app, ledger, &recorder, true)
                .inspect_err(|error| info!(reason = %shown(chain(error)), "work is not shared"))
                .ok(),
        };
        let working = match role {
            Role::Alone | Role::Scheduler => None,
            Role::Both => {
                let service = Arc::new(app.service_to_write()?);
                let working = Working::start(&app, service, Arc::clone(&recorder), limits.workers);
                working
                    .inspect_err(|error| {
                        warn!(error = %shown(chain(error)), "no task is performed");
                    })
                    .ok()
            }
        };
        Ok(Self {
            app,
            keeper,
            recorder,
            working,
            role,
            shared,
            limits,
            looked: Duration::ZERO,
            schedule,
            trouble: None,
            waits: None,
        })
    }

    /// The matrix as it was seen last.
    pub(crate) const fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// Whether somebody asked to end.
    pub(crate) fn is_ending(&self) -> bool {
        self.recorder.is_ending()
    }

    /// Looks at everything once, and makes what has to be made.
    ///
    /// # Errors
    /// When source, store or lock do not work, or somebody else holds the lock.
    pub(crate) fn once(&mut self, asked: Trigger) -> Result<Turn, ServiceError> {
        let ended = self.turn(Some(asked));
        self.recorder.leave();
        ended
    }

    /// Goes on until somebody asks to end. `reload` gives the program under settings that were read
    /// anew.
    pub(crate) fn go_on(
        &mut self,
        signals: &Signals,
        reload: &dyn Fn() -> Result<(App, Limits), String>,
    ) {
        info!(interval = ?self.app.settings().run.interval, schedule = %self.planned(), "keeping begins");
        notify::ready();
        self.watch();
        loop {
            let now = self.app.clock().now();
            let scheduled = self.schedule.as_mut().and_then(|due| due.ask(now));
            if let Some(firing) = scheduled {
                if firing.missed > 0 {
                    warn!(missed = firing.missed, "runs of the schedule fell into another one");
                }
                self.try_turn(Some(Trigger::Schedule));
            } else if self.until_look().is_zero() || self.may_begin() {
                self.watch();
            }
            self.recorder.sign(&self.doing());
            if self.working.as_ref().is_some_and(Working::is_stopping) {
                break;
            }
            match signals.wait(self.pause()) {
                Some(Signal::End) => break,
                Some(Signal::Reload) => self.reload(signals, reload),
                None => {}
            }
        }
        notify::stopping();
        if let Some(working) = self.working.take() {
            working.end();
        }
        self.recorder.leave();
        info!("keeping ends");
    }

    /// What others see that it does.
    fn doing(&self) -> String {
        match (&self.trouble, self.waits) {
            (Some(text), _) => format!("{IN_VAIN}{text}"),
            (None, Some(WaitsFor::Lock)) => WAITING.to_owned(),
            (None, _) => String::new(),
        }
    }

    fn planned(&self) -> String {
        self.schedule.as_ref().map_or_else(String::new, |due| due.schedule().to_string())
    }

    fn pause(&self) -> Duration {
        let now = self.app.clock().now();
        let schedule = self.schedule.as_ref().map_or(Duration::MAX, |due| due.wait(now));
        let sign = notify::signs_every().map_or(SIGN_EVERY, |signs| signs.min(SIGN_EVERY));
        let wait = if self.waits.is_some() { LOOK_WHILE_WAITING } else { Duration::MAX };
        self.until_look().min(schedule).min(sign).min(wait)
    }

    /// How long it is until the source is looked at again. However long a run takes, the looks that fall
    /// into it become one.
    fn until_look(&self) -> Duration {
        let gone_by = self.app.clock().monotonic().saturating_sub(self.looked);
        self.app.settings().run.interval.saturating_sub(gone_by)
    }

    fn watch(&mut self) {
        self.looked = self.app.clock().monotonic();
        self.try_turn(None);
    }

    /// A turn of which a failure is told once, however often it comes.
    fn try_turn(&mut self, asked: Option<Trigger>) {
        match self.turn(asked) {
            Ok(_) => {
                self.waits = None;
                if self.trouble.take().is_some() {
                    info!("source and store answer again");
                }
            }
            Err(ServiceError::Locked(holder)) => {
                self.trouble = None;
                if self.waits.replace(WaitsFor::Lock) != Some(WaitsFor::Lock) {
                    let holder = holder.unwrap_or_default();
                    info!(holder = %shown(holder), "{WAITING}");
                }
            }
            Err(error) => {
                let no_hands = matches!(error, ServiceError::NoHands);
                self.waits = no_hands.then_some(WaitsFor::Hands);
                let text = chain(&error);
                if self.trouble.as_ref() != Some(&text) {
                    warn!(error = %shown(&text), "nothing could be done");
                    self.trouble = Some(text);
                }
            }
        }
    }

    /// Whether what it waited for is there.
    fn may_begin(&self) -> bool {
        match self.waits {
            None => false,
            Some(WaitsFor::Lock) => self.keeper.locked_by().is_ok_and(|holder| holder.is_none()),
            Some(WaitsFor::Hands) => self.shared.as_ref().is_some_and(Shared::has_hands),
        }
    }

    fn turn(&mut self, asked: Option<Trigger>) -> Result<Turn, ServiceError> {
        if self.is_ending() {
            return Ok(Turn::Nothing);
        }
        let look = self.keeper.look(asked.is_some())?;
        for warning in self.keeper.take_warnings() {
            warn!("{}", shown(warning));
        }
        match look {
            Look::Quiet => trace!("nothing moved"),
            Look::Nothing(occasion) => debug!(%occasion, "nothing has to be made"),
            Look::Work(_) if self.is_ending() => {}
            Look::Work(work) => {
                return self.make(&work, trigger(work.occasion, asked.unwrap_or(Trigger::Watch)));
            }
        }
        Ok(Turn::Nothing)
    }

    fn make(&mut self, work: &Work, trigger: Trigger) -> Result<Turn, ServiceError> {
        if let Some(holder) = self.keeper.locked_by()? {
            return Err(ServiceError::Locked(Some(holder)));
        }
        if self.shared.as_ref().is_some_and(|shared| !shared.has_hands()) {
            return Err(ServiceError::NoHands);
        }
        let asked = Asked {
            trigger,
            asked_by: asked_by(),
            request: json!(work.request()),
            resumes: None,
            planned: work.cells,
            limit: self.limits.limit,
            ends: None,
        };
        let (keeper, Limits { workers, most, .. }) = (&mut self.keeper, self.limits);
        let hands = self.shared.as_ref().map_or(&Pool as &dyn Hands, |shared| shared);
        let made = self.recorder.record(asked, |stop, progress| {
            keeper.make(work, &mut Run { hands, workers, most, stop: stop.clone(), progress })
        });
        made.map(|(_, summary)| Turn::Made(Box::new(summary)))
    }

    /// Goes on under other settings, or under the same ones where the others do not work.
    fn reload(&mut self, signals: &Signals, reload: &dyn Fn() -> Result<(App, Limits), String>) {
        notify::reloading();
        let started = reload().and_then(|(app, limits)| {
            Self::start(app, limits, self.role, signals).map_err(|error| chain(&error))
        });
        match started {
            Ok(started) => {
                let before = std::mem::replace(self, started);
                if let Some(working) = before.working {
                    working.end();
                }
                before.recorder.leave();
                info!("settings were read anew");
                self.watch();
            }
            Err(error) => warn!(error = %shown(error), "settings stay as they were"),
        }
        notify::ready();
    }
}
