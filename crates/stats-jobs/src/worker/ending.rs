//! What becomes of tasks that came to an end.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::books::{Job, Received, Settlement};
use super::handler::TaskFailure;
use super::notice::Notice;
use super::shared::Shared;
use super::shown;
use super::task_control::StopReason;
use crate::{Failure, Tag, TaskMessage, TaskState};

/// How a task ended.
pub(super) type Outcome = Result<Value, TaskFailure>;

/// Books the end of the job with this number. Nothing is done when it had been given up before.
pub(super) fn finish(shared: &Shared, number: u64, outcome: Outcome) {
    // It keeps its slot until all is said.
    let known = shared.books().jobs.get_mut(&number).map(|job| {
        job.is_ending = true;
        (job.received.clone(), job.begun, job.control.stop_reason())
    });
    let Some((received, begun, reason)) = known else {
        shared.books().abandoned -= 1;
        shared.notify();
        return;
    };
    let interrupted = match outcome {
        Ok(result) => {
            succeed(shared, &received, result, elapsed(begun, shared.clock.now()));
            false
        }
        Err(TaskFailure::Failed(failure)) => {
            fail(shared, &received, failure);
            false
        }
        Err(TaskFailure::Retry { after, failure }) => {
            retry(shared, &received, after, failure);
            false
        }
        Err(TaskFailure::Interrupted) if reason == Some(StopReason::Shutdown) => true,
        Err(TaskFailure::Interrupted) => {
            fail(shared, &received, interrupted_for(reason));
            false
        }
    };
    if interrupted {
        send_again_unless_late(shared, &received);
    }
    settle_and_leave(shared, number, &received, interrupted);
    shared.notify();
}

/// Settles the message of a job, then takes the job out of the books: whoever sees none there may end
/// the process.
fn settle_and_leave(shared: &Shared, number: u64, received: &Received, interrupted: bool) {
    let how = if interrupted { Settlement::GiveBack } else { Settlement::Acknowledge };
    loop {
        let mut books = shared.books();
        let Some(job) = books.jobs.get_mut(&number) else {
            // The worker did not wait for it.
            books.abandoned -= 1;
            return;
        };
        // It may come again in between, and is settled by that tag then.
        let Some(tag) = job.tag.take() else {
            books.jobs.remove(&number);
            return;
        };
        drop(books);
        shared.settle(received, tag, how);
    }
}

/// Why a task that stopped, though not for the worker, has failed: performed again, it would stop again.
fn interrupted_for(reason: Option<StopReason>) -> Failure {
    match reason {
        Some(StopReason::SoftTimeLimit) => {
            Failure::of("billiard.exceptions", "SoftTimeLimitExceeded", "")
        }
        _ => Failure::new("RuntimeError", "it stopped though nobody asked it to"),
    }
}

/// Gives a job up: its thread may go on, but its slot is free and its message settled.
pub(super) fn give_up(shared: &Shared, number: u64, reason: StopReason) {
    let mut books = shared.books();
    if books.jobs.get(&number).is_none_or(|job| job.is_ending) {
        return;
    }
    let Some(job) = books.jobs.remove(&number) else { return };
    books.abandoned += 1;
    let stuck = books.is_stuck(shared.options.slots).then_some(books.abandoned);
    drop(books);
    job.control.ask_to_stop(reason);
    let limit = job.limit(true).unwrap_or_default();
    let Job { received, tag, .. } = job;
    if reason == StopReason::Revoked {
        revoke(shared, &received, tag, "terminated");
    } else {
        let text = format!("{}", limit.as_secs_f64());
        let failure = Failure::of("billiard.exceptions", "TimeLimitExceeded", text);
        fail(shared, &received, failure);
        if let Some(tag) = tag {
            shared.settle(&received, tag, Settlement::Acknowledge);
        }
    }
    if let Some(threads) = stuck {
        (shared.tell)(&Notice::Stuck { threads });
    }
    shared.notify();
}

/// Books that a task is not performed, or not waited for.
pub(super) fn revoke(shared: &Shared, received: &Received, tag: Option<Tag>, reason: &'static str) {
    let task = &received.task;
    shared.announcer.tell_of_task(|| shown::revoked(task, reason));
    let error = Failure::of("celery.exceptions", "TaskRevokedError", reason);
    if keeps_result(received) {
        shared.store(task, TaskState::Revoked, error.to_value(), None);
    }
    if let Some(tag) = tag {
        shared.settle(received, tag, Settlement::Acknowledge);
    }
    (shared.tell)(&Notice::Revoked { id: task.id.clone(), reason });
}

fn succeed(shared: &Shared, received: &Received, result: Value, took: Duration) {
    let task = &received.task;
    shared.announcer.tell_of_task(|| shown::succeeded(task, &result, took.as_secs_f64()));
    if keeps_result(received) {
        shared.store(task, TaskState::Success, result, None);
    }
    (shared.tell)(&Notice::Succeeded { id: task.id.clone(), took });
}

fn fail(shared: &Shared, received: &Received, failure: Failure) {
    let task = &received.task;
    shared.announcer.tell_of_task(|| shown::failed(task, &failure));
    if keeps_result(received) {
        store_failure(shared, task, TaskState::Failure, &failure);
    }
    (shared.tell)(&Notice::Failed { id: task.id.clone(), failure });
}

pub(super) fn store_failure(
    shared: &Shared,
    task: &TaskMessage,
    state: TaskState,
    failure: &Failure,
) {
    // Python's side shows a traceback wherever it shows a failure.
    let traceback = failure.traceback.clone().unwrap_or_else(|| failure.to_string());
    shared.store(task, state, failure.to_value(), Some(traceback));
}

/// Sends the task once more; with the last try, or when it cannot be sent, it has failed.
fn retry(shared: &Shared, received: &Received, after: Duration, failure: Failure) {
    let task = &received.task;
    if task.retries >= received.kind.most_retries {
        return fail(shared, received, failure);
    }
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    let eta = shared.clock.now().checked_add(after).unwrap_or(Timestamp::MAX);
    let again = TaskMessage { retries: task.retries + 1, eta: Some(eta), ..(**task).clone() };
    let message = again.write(received.serializer);
    if let Err(error) = shared.persist(|| shared.queue.send(&message)) {
        (shared.tell)(&Notice::Unsettled { id: task.id.clone(), error });
        return fail(shared, received, failure);
    }
    shared.announcer.tell_of_task(|| shown::retried(task, &failure));
    if keeps_result(received) {
        store_failure(shared, task, TaskState::Retry, &failure);
    }
    (shared.tell)(&Notice::Retried { id: task.id.clone(), failure });
}

/// Has the task wait again: with its message, or with another where that is acknowledged already.
fn send_again_unless_late(shared: &Shared, received: &Received) {
    let id = received.task.id.clone();
    if !received.kind.acks_late {
        let message = received.task.write(received.serializer);
        if let Err(error) = shared.persist(|| shared.queue.send(&message)) {
            return (shared.tell)(&Notice::Unsettled { id, error });
        }
    }
    (shared.tell)(&Notice::GivenBack { id });
}

fn keeps_result(received: &Received) -> bool {
    !received.task.ignore_result && !received.kind.ignores_result
}

fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(since)).unwrap_or_default()
}
