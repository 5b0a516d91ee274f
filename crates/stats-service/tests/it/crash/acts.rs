//! What processes do, one thing each, as the program does it.

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use stats_jobs::ledger::{JobOutcome, Keep, Ledger, Progress, Run as Record, RunId, RunState};
use stats_jobs::ledger::{Trigger, Worker as Alive};
use stats_jobs::{
    Failure, Producer, Serializer, TaskFailure, TaskKind, TaskMessage, Tasks, Worker,
    WorkerOptions, WorkerParts,
};
use stats_model::StandingClock;
use stats_service::{
    CachedResponseService, Communities, CommunityName, Look, Pool, Request, Run, ServiceError,
    Stop, Summary, chain,
};
use stats_testkit::{corpus, wait};

use super::place::{Parts, Place, clock};

/// So many communities there are, and so many tasks.
pub(super) const COMMUNITIES: u32 = 2;
const TASK: &str = "make";

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Act {
    /// `cache generate`: one run.
    Generate,
    /// `run`: it looks, and makes what has to be made, until nothing is left to be seen.
    Keep,
    /// `cache generate --async`, and a worker that performs what was sent.
    Work,
}

impl Act {
    pub(super) const ALL: [Self; 3] = [Self::Generate, Self::Keep, Self::Work];

    pub(super) fn perform(self, place: &Place, parts: &Parts) -> Result<(), ServiceError> {
        match self {
            Self::Generate => generate(parts),
            Self::Keep => keep(parts),
            Self::Work => {
                work(place, parts);
                Ok(())
            }
        }
    }
}

fn generate(parts: &Parts) -> Result<(), ServiceError> {
    recorded(parts.ledger.as_ref(), |run| parts.service.create(&Request::default(), run))
}

fn keep(parts: &Parts) -> Result<(), ServiceError> {
    let (mut keeper, now) = (parts.keeper(), clock().now());
    parts.ledger.alive(&Alive::this_process("keeping", "scheduler", now)).unwrap();
    loop {
        match keeper.look(false)? {
            Look::Quiet => break,
            Look::Nothing(_) => {}
            Look::Work(work) => {
                if let Some(holder) = keeper.locked_by()? {
                    return Err(ServiceError::Locked(Some(holder)));
                }
                recorded(parts.ledger.as_ref(), |run| keeper.make(&work, run))?;
            }
        }
    }
    parts.ledger.gone("keeping").unwrap();
    Ok(())
}

/// A run that the ledger is told of, as the recorder of the program does.
fn recorded(
    ledger: &dyn Ledger,
    work: impl FnOnce(&mut Run<'_>) -> Result<Summary, ServiceError>,
) -> Result<(), ServiceError> {
    let now = clock().now();
    // The names of runs are made of the time, which stands still here.
    let id = RunId::new(&StandingClock(jiff::Timestamp::now()));
    ledger.begin(&Record::begin(id.clone(), Trigger::Command, "test", json!({}), now)).unwrap();
    let mut outcomes = Vec::new();
    let mut progress = |at: &stats_service::Progress<'_>| {
        outcomes.push(JobOutcome {
            job: at.cell.to_string(),
            outcome: at.outcome.name().to_owned(),
            detail: at.outcome.reason(),
            at: now,
            duration_ms: 0,
            bytes: at.outcome.bytes(),
        });
    };
    let (stop, progress) = (Stop::default(), &mut progress);
    let run = &mut Run { hands: &Pool, workers: 2, most: None, stop, progress };
    let done = work(run);
    let count = outcomes.len() as u64;
    ledger.progress(&id, &Progress::new(now, count, count, &outcomes)).unwrap();
    let state = match &done {
        Ok(summary) if summary.interrupted => RunState::Interrupted,
        Ok(summary) if summary.failed + summary.held + summary.incomplete > 0 => RunState::Partly,
        Ok(_) => RunState::Done,
        Err(_) => RunState::Failed,
    };
    let error = done.as_ref().err().map(|error| chain(error));
    ledger.end(&id, now, state, error.as_deref()).unwrap();
    ledger.trim(&Keep::default(), now).unwrap();
    done.map(drop)
}

/// The ids of tasks that were certainly sent.
pub(super) fn sent(place: &Place) -> Vec<String> {
    let told = std::fs::read_to_string(place.file("sent")).unwrap_or_default();
    told.lines().map(str::to_owned).collect()
}

/// Sends what was not sent yet, a task for each community, and performs tasks until all of these have
/// come to their end.
fn work(place: &Place, parts: &Parts) {
    let producer = Producer::new(Arc::clone(&parts.queue), Serializer::Json);
    let sent = sent(place);
    let mut told = OpenOptions::new().create(true).append(true).open(place.file("sent")).unwrap();
    let ids: Vec<String> = (0..COMMUNITIES).map(|number| format!("task-{number}")).collect();
    for (number, id) in (0..).zip(&ids).filter(|(_, id)| !sent.contains(id)) {
        let mut task = TaskMessage::new(id.clone(), TASK);
        task.arguments.push(json!(corpus::community(number)));
        producer.send(&task).unwrap();
        writeln!(told, "{id}").unwrap();
        parts.points.pass("after", "queue.send_told");
    }
    let worker = start(parts);
    wait::until("all tasks come to their end", || {
        ids.iter().all(|id| {
            let result = parts.results.read(id).unwrap();
            result.is_some_and(|result| result.state.is_final())
        })
    });
    let stopped = worker.stop(Duration::from_secs(10));
    assert!(stopped.unfinished.is_empty(), "{stopped:?}");
}

fn start(parts: &Parts) -> Worker {
    let (service, ledger) = (Arc::clone(&parts.service), Arc::clone(&parts.ledger));
    // One file of a ledger in one process: whoever writes waits for the other.
    let turn = Mutex::new(());
    let make = move |task: &TaskMessage, _: &_| {
        let turn = turn.lock().unwrap();
        let made = recorded(ledger.as_ref(), |run| make_all_of(&service, task, run));
        drop(turn);
        made.map(|()| json!("made"))
            .map_err(|error| TaskFailure::from(Failure::new("RuntimeError", chain(&error))))
    };
    let worker_parts = WorkerParts {
        results: Some(Arc::clone(&parts.results)),
        ..WorkerParts::new(
            Arc::clone(&parts.queue),
            Tasks::new().with(TASK, TaskKind::new(make).acknowledged_late()),
        )
    };
    let options = WorkerOptions {
        slots: 2,
        wait: Duration::from_millis(50),
        tick: Duration::from_millis(5),
        first_pause: Duration::from_millis(10),
        ..WorkerOptions::default()
    };
    Worker::start(worker_parts, options)
}

/// What the task that makes several responses does: without the lock, over what was seen only.
fn make_all_of(
    service: &CachedResponseService,
    task: &TaskMessage,
    run: &mut Run<'_>,
) -> Result<Summary, ServiceError> {
    let name = task.arguments.first().and_then(Value::as_str).unwrap_or_default();
    let communities = Communities::Named(vec![CommunityName::Any(name.to_owned())]);
    let plan = service.plan(&Request { communities, ..Request::default() })?;
    Ok(service.execute(&plan, run))
}
