//! The queue and what comes of its tasks, and who is alive, as a process sees them. Messages may be lost,
//! doubled, and late.

use std::time::Duration;

use jiff::Timestamp;
use stats_jobs::ledger::{
    Keep, Ledger, LedgerError, Lookup, OutcomePage, Progress, Run, RunFilter, RunId, RunState,
    Trimmed, Wish, Worker,
};
use stats_jobs::{
    Delivery, Gone, Message, Queue, QueueError, QueueErrorKind, Results, Tag, TaskResult, TaskState,
};

use super::ports::Port;
use super::state::{LEASE, Waiting};
use super::world::{Core, Fate, Risk};

/// The places of workers; those of schedulers are before.
pub(super) const WORKERS: std::ops::Range<usize> = 2..4;

pub(super) struct SimQueue(pub(super) Port);

const SEND: Risk = Risk { point: "queue send", fails: 5, unknown: 5 };
const TAKE: Risk = Risk { point: "queue take", fails: 5, unknown: 5 };
const RESULT: Risk = Risk { point: "results", fails: 3, unknown: 3 };

fn silent() -> QueueError {
    QueueError::new(QueueErrorKind::Unreachable, "the broker does not answer")
}

fn ask<T>(port: &Port, risk: Risk, answer: impl FnOnce(&mut Core) -> T) -> Result<T, QueueError> {
    let Some((mut core, fate)) = port.call(risk) else { return Err(silent()) };
    if fate == Fate::Fails {
        return Err(silent());
    }
    let answer = answer(&mut core);
    if fate == Fate::Unknown { Err(silent()) } else { Ok(answer) }
}

fn put(core: &mut Core, message: &Message) {
    let (mut copies, mut late) = (1, Duration::ZERO);
    if !core.is_quiet() {
        copies = match core.random.below(40) {
            0 => 0,
            1 => 2,
            _ => 1,
        };
        if core.random.in_a_thousand(50) {
            late = core.random.between(Duration::from_secs(1), Duration::from_secs(120));
        }
    }
    core.note(&format!("a message is there {copies} times, {late:?} late"));
    for _ in 0..copies {
        core.state.messages += 1;
        let (number, message, from) = (core.state.messages, message.clone(), core.now + late);
        core.state.queue.push_back(Waiting { number, message, from, redelivered: false });
    }
}

impl SimQueue {
    /// Does something to a message that is in our hand.
    fn settle(&self, tag: &Tag, settle: impl FnOnce(&mut Core, usize)) -> Result<(), QueueError> {
        ask(&self.0, TAKE, |core| {
            let now = core.now;
            let is = |it: &Waiting| it.number.to_string() == tag.as_str() && it.from > now;
            match core.state.queue.iter().position(is) {
                Some(at) => {
                    settle(core, at);
                    Ok(())
                }
                None => Err(QueueError::new(QueueErrorKind::Own(Gone), "it is in nobody's hand")),
            }
        })?
    }
}

impl Queue for SimQueue {
    fn name(&self) -> &str {
        "simulated"
    }

    fn place(&self) -> String {
        "nowhere".to_owned()
    }

    fn send(&self, message: &Message) -> Result<(), QueueError> {
        ask(&self.0, SEND, |core| put(core, message))
    }

    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError> {
        let take = |core: &mut Core| {
            let now = core.now;
            let at = core.state.queue.iter().position(|it| it.from <= now)?;
            let waiting = &mut core.state.queue[at];
            waiting.from = now + LEASE;
            let redelivered = std::mem::replace(&mut waiting.redelivered, true);
            let tag = Tag::new(waiting.number.to_string());
            Some(Delivery { tag, redelivered, content: Ok(waiting.message.clone()) })
        };
        let taken = ask(&self.0, TAKE, take)?;
        if taken.is_none() {
            self.0.world.sleep(self.0.me, wait);
        }
        Ok(taken)
    }

    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError> {
        self.settle(tag, |core, at| drop(core.state.queue.remove(at)))
    }

    fn give_back(&self, tag: &Tag) -> Result<(), QueueError> {
        self.settle(tag, |core, at| core.state.queue[at].from = core.now)
    }

    fn reject(&self, tag: &Tag) -> Result<(), QueueError> {
        self.acknowledge(tag)
    }

    fn lease(&self) -> Option<Duration> {
        Some(LEASE)
    }

    fn keep(&self, _: &[Tag]) -> Result<(), QueueError> {
        Ok(())
    }

    fn length(&self) -> Result<u64, QueueError> {
        ask(&self.0, TAKE, |core| {
            core.state.queue.iter().filter(|it| it.from <= core.now).count() as u64
        })
    }
}

pub(super) struct SimResults(pub(super) Port);

impl Results for SimResults {
    fn store(&self, result: &TaskResult) -> Result<(), QueueError> {
        ask(&self.0, RESULT, |core| {
            let known = core.state.results.get(&result.id);
            if known.is_none_or(|known| known.state != TaskState::Success) {
                core.state.results.insert(result.id.clone(), result.clone());
            }
        })
    }

    fn read(&self, id: &str) -> Result<Option<TaskResult>, QueueError> {
        ask(&self.0, RESULT, |core| core.state.results.get(id).cloned())
    }
}

/// A ledger that tells who is alive, and remembers nothing.
pub(super) struct SimLedger(pub(super) Port);

impl Ledger for SimLedger {
    fn begin(&self, _: &Run) -> Result<(), LedgerError> {
        Ok(())
    }

    fn progress(&self, _: &RunId, _: &Progress<'_>) -> Result<Wish, LedgerError> {
        Ok(Wish::GoOn)
    }

    fn end(
        &self,
        _: &RunId,
        _: Timestamp,
        _: RunState,
        _: Option<&str>,
    ) -> Result<(), LedgerError> {
        Ok(())
    }

    fn run(&self, _: &str) -> Result<Lookup, LedgerError> {
        Ok(Lookup::Nothing)
    }

    fn runs(&self, _: &RunFilter, _: usize) -> Result<Vec<Run>, LedgerError> {
        Ok(Vec::new())
    }

    fn outcomes(&self, _: &RunId, after: u64, _: usize) -> Result<OutcomePage, LedgerError> {
        Ok(OutcomePage { outcomes: Vec::new(), after })
    }

    fn ask_to_cancel(&self, _: &RunId) -> Result<bool, LedgerError> {
        Ok(false)
    }

    fn alive(&self, _: &Worker) -> Result<(), LedgerError> {
        Ok(())
    }

    fn gone(&self, _: &str) -> Result<(), LedgerError> {
        Ok(())
    }

    fn workers(&self) -> Result<Vec<Worker>, LedgerError> {
        let core = self.0.world.look();
        let now = core.time() + core.state.skew[self.0.me.place];
        let worker = |place: usize| Worker {
            id: format!("worker-{place}"),
            host: host(place),
            pid: u32::try_from(place).unwrap_or_default(),
            role: "worker".to_owned(),
            since: now,
            last_sign: now,
            doing: String::new(),
        };
        Ok(WORKERS.filter(|place| core.is_heard_of(*place)).map(worker).collect())
    }

    fn trim(&self, _: &Keep, _: Timestamp) -> Result<Trimmed, LedgerError> {
        Ok(Trimmed::default())
    }
}

/// The machine of a place.
pub(super) fn host(place: usize) -> String {
    format!("machine-{place}")
}
