//! The processes of a simulation: schedulers and workers, each of them begun anew after it was killed.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, atomic::AtomicBool};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use stats_documents::Source;
use stats_jobs::ledger::{Keep, Ledger, Trigger};
use stats_jobs::{
    Delivery, Producer, Queue, Results, Serializer, TaskControl, TaskFailure, TaskMessage,
    TaskResult, TaskState,
};
use stats_model::Clock;
use stats_service::{
    CachedResponseService, Hands, KeepRules, Keeper, Look, Pool, RememberedDirectory, Request, Run,
    ServiceError, ServiceSettings, Work,
};

use super::lock::{SimLock, SimRegistry};
use super::messages::{SimLedger, SimQueue, SimResults, host};
use super::ports::{Port, SimClock};
use super::source::SimSource;
use super::store::SimStore;
use super::truth::{CATEGORIES, CONFIGURATIONS, LAYOUTS};
use super::world::{Process, World};
use crate::daemon::hands::{Ports, Shared};
use crate::daemon::recorder::{Asked, Recorder};
use crate::daemon::tasks::{Bench, make_shelf};

/// How the schedulers of a simulation work.
#[derive(Debug, Clone, Copy)]
pub(super) struct Way {
    /// Whether workers make what has to be made; otherwise the scheduler does.
    pub(super) shares: bool,
    /// Whether everything is compared now and then; otherwise nothing may be forgotten in between.
    pub(super) compares: bool,
    /// How many responses a run makes at most.
    pub(super) most: Option<u64>,
}

/// So often a scheduler looks.
const INTERVAL: Duration = Duration::from_secs(30);
/// How many attempts a response has.
const ATTEMPTS: u32 = 5;
/// So long a worker waits for a message.
const WAIT: Duration = Duration::from_secs(20);

/// What a process is made of.
struct Parts {
    port: Port,
    clock: Arc<dyn Clock>,
    service: Arc<CachedResponseService>,
    directory: Arc<RememberedDirectory>,
    ledger: Arc<dyn Ledger>,
    recorder: Arc<Recorder>,
}

impl Parts {
    fn new(world: &Arc<World>, me: Process) -> Self {
        let port = Port { world: Arc::clone(world), me };
        let setup = world.look().state.setup;
        let clock: Arc<dyn Clock> = Arc::new(SimClock(port.clone()));
        let source = Arc::new(SimSource(port.clone()));
        let directory = Arc::new(RememberedDirectory::new(Arc::clone(&source) as _));
        let store = Arc::new(SimStore { port: port.clone(), fence: None });
        let settings = ServiceSettings {
            lifetime: Some(SignedDuration::from_hours(2)),
            categories: CATEGORIES.to_vec(),
            optimize: setup.optimize,
            series: CONFIGURATIONS[setup.configuration].clone(),
            layouts: LAYOUTS.clone(),
            attempts: ATTEMPTS,
            ..ServiceSettings::default()
        };
        let places = Source { documents: source, directory: Arc::clone(&directory) as _ };
        let service = CachedResponseService::new(
            places,
            Arc::clone(&store) as _,
            Arc::clone(&clock),
            settings,
        )
        .with_lock(Some(Arc::new(SimLock(port.clone()))))
        .with_registry(Some(Arc::new(SimRegistry(port.clone()))))
        .with_notebook(Some(store));
        let ledger: Arc<dyn Ledger> = Arc::new(SimLedger(port.clone()));
        let ending = Arc::new(AtomicBool::new(false));
        let recorder =
            Recorder::new(Some(Arc::clone(&ledger)), Arc::clone(&clock), Keep::default(), ending);
        let (service, recorder) = (Arc::new(service), Arc::new(recorder));
        Self { port, clock, service, directory, ledger, recorder }
    }
}

/// A process that keeps the matrix, until it is killed.
pub(super) fn scheduler(world: &Arc<World>, me: Process, way: Way) {
    let parts = Parts::new(world, me);
    let mut rules = KeepRules::default();
    if !way.compares {
        rules.beat = SignedDuration::from_hours(48);
    }
    let directory = Arc::clone(&parts.directory);
    let mut keeper = Keeper::new(Arc::clone(&parts.service), directory, rules);
    let shared = way.shares.then(|| {
        let ports = Ports {
            producer: Producer::new(Arc::new(SimQueue(parts.port.clone())), Serializer::Json),
            results: Arc::new(SimResults(parts.port.clone())),
            ledger: Arc::clone(&parts.ledger),
            clock: Arc::clone(&parts.clock),
        };
        Shared::new(ports, format!("scheduler-{}", me.place), false, 1)
    });
    while !parts.port.is_dead() {
        let done = turn(&parts, &mut keeper, shared.as_ref(), way);
        if let Err(error) = done {
            world.look().note(&format!("{}.{} could not: {error}", me.place, me.life));
        }
        retry(&parts);
        parts.clock.sleep(INTERVAL);
    }
}

/// One look, and what follows from it.
fn turn(
    parts: &Parts,
    keeper: &mut Keeper,
    shared: Option<&Shared>,
    way: Way,
) -> Result<(), ServiceError> {
    let Look::Work(work) = keeper.look(false)? else { return Ok(()) };
    if keeper.locked_by()?.is_some() || shared.is_some_and(|shared| !shared.has_hands()) {
        return Ok(());
    }
    let hands = shared.map_or(&Pool as &dyn Hands, |shared| shared);
    let made = parts.recorder.record(asked(&work), |stop, progress| {
        let stop = stop.clone();
        keeper.make(&work, &mut Run { hands, workers: 1, most: way.most, stop, progress })
    });
    made.map(drop)
}

fn asked(work: &Work) -> Asked {
    Asked {
        trigger: Trigger::Watch,
        asked_by: "a simulation".to_owned(),
        request: json!(work.request()),
        resumes: None,
        planned: work.cells,
        limit: None,
        ends: None,
    }
}

/// What an operator does once all is well again and something was given up: it is tried again.
fn retry(parts: &Parts) {
    let given_up = {
        let core = parts.port.world.look();
        core.is_quiet()
            && core.state.memory.notes.values().any(|note| note.attempts >= ATTEMPTS)
            && !core.is_dead(parts.port.me)
    };
    if given_up {
        let progress = &mut |_: &stats_service::Progress<'_>| ();
        let stop = stats_service::Stop::default();
        let run = &mut Run { hands: &Pool, workers: 1, most: None, stop, progress };
        drop(parts.service.create(&Request::default(), run));
    }
}

/// A process that makes what others plan, until it is killed.
pub(super) fn worker(world: &Arc<World>, me: Process) {
    let parts = Parts::new(world, me);
    let (queue, results) = (SimQueue(parts.port.clone()), SimResults(parts.port.clone()));
    let bench = Bench {
        service: Arc::clone(&parts.service),
        recorder: Arc::clone(&parts.recorder),
        workers: 1,
        upstream_results: false,
        active: AtomicUsize::new(0),
    };
    while !parts.port.is_dead() {
        match queue.receive(WAIT) {
            Ok(Some(delivery)) => perform(world, &bench, me, &delivery, &queue, &results),
            Ok(None) => {}
            Err(_) => parts.clock.sleep(WAIT),
        }
    }
}

/// Performs one message, and acknowledges it late.
fn perform(
    world: &World,
    bench: &Bench,
    me: Process,
    delivery: &Delivery,
    queue: &dyn Queue,
    results: &dyn Results,
) {
    let task = delivery.content.as_ref().ok().and_then(|message| TaskMessage::read(message).ok());
    let Some(task) = task else { return drop(queue.reject(&delivery.tag)) };
    let result = |state, result: Value| TaskResult {
        id: task.id.clone(),
        state,
        result,
        traceback: None,
        done: None,
        group: None,
        parent: None,
    };
    let name = format!("worker@{}", host(me.place));
    let started = json!({"pid": me.place, "hostname": name});
    drop(results.store(&result(TaskState::Started, started)));
    let performed = make_shelf(bench, &task, &TaskControl::new());
    let told = match performed {
        Ok(value) => {
            world.look().state.counts.errands += 1;
            results.store(&result(TaskState::Success, value))
        }
        Err(TaskFailure::Failed(failure)) => {
            results.store(&result(TaskState::Failure, failure.to_value()))
        }
        Err(_) => return drop(queue.give_back(&delivery.tag)),
    };
    if told.is_ok() {
        drop(queue.acknowledge(&delivery.tag));
    }
}
