//! The thread that takes messages out of the queue, and decides what becomes of each.

use std::sync::Arc;

use jiff::Timestamp;

use super::begin::begin;
use super::books::{Held, Phase, Received, Settlement};
use super::ending::{revoke, store_failure};
use super::notice::Notice;
use super::shared::Shared;
use super::shown;
use crate::{
    Delivery, Failure, Message, QueueError, Refusal, Serializer, Tag, TaskMessage, TaskState,
};

/// Takes messages until the worker stops, then gives back what was not begun.
pub(super) fn run(shared: &Arc<Shared>) {
    let mut pauses = shared.pauses();
    let mut away = false;
    while shared.phase() == Phase::Working {
        match step(shared) {
            Ok(()) => {
                pauses.reset();
                if std::mem::take(&mut away) {
                    (shared.tell)(&Notice::Resumed);
                }
            }
            Err(error) => {
                away = true;
                let pause = pauses.next();
                (shared.tell)(&Notice::Paused { error, pause });
                shared.pause(pause, Phase::Draining);
            }
        }
    }
    let held = std::mem::take(&mut shared.books().held);
    for held in held {
        shared.settle(&held.received, held.tag, Settlement::GiveBack);
    }
}

/// Says what is left to say, begins what is due, or else takes one message.
fn step(shared: &Arc<Shared>) -> Result<(), QueueError> {
    shared.settle_the_rest()?;
    let now = shared.clock.now();
    let mut books = shared.books();
    if !books.has_room(shared.options.slots) {
        drop(shared.wait(books, shared.options.tick));
        return Ok(());
    }
    let due = books.take_due(now);
    let (holds, full) = (!books.held.is_empty(), books.held.len() >= shared.options.most_held);
    drop(books);
    if let Some(held) = due {
        begin_unless_revoked(shared, held.received, held.tag, now);
        return Ok(());
    }
    if full {
        shared.pause(shared.options.tick, Phase::Draining);
        return Ok(());
    }
    // Whose time comes meanwhile should not wait for a message.
    let wait = if holds { shared.options.tick } else { shared.options.wait };
    if let Some(delivery) = shared.queue.receive(wait)? {
        take(shared, delivery);
    }
    Ok(())
}

fn take(shared: &Arc<Shared>, delivery: Delivery) {
    let Delivery { tag, redelivered, content } = delivery;
    let message = match content {
        Ok(message) => message,
        Err(refusal) => return refuse(shared, tag, None, refusal),
    };
    let (task, serializer) = match read(&message) {
        Ok(read) => read,
        Err(refusal) => return refuse(shared, tag, Some(&message), refusal),
    };
    let Some(kind) = shared.tasks.kind(&task.task) else {
        return reject_unknown(shared, tag, &task);
    };
    let received = Received { task: Arc::new(task), kind: kind.clone(), serializer, redelivered };
    if redelivered && came_again(shared, &received, &tag) {
        return;
    }
    shared.announcer.tell_of_task(|| shown::received(&received.task));
    let now = shared.clock.now();
    let eta = received.task.eta.filter(|eta| *eta > now);
    if shared.phase() != Phase::Working {
        shared.settle(&received, tag, Settlement::GiveBack);
    } else if let Some(eta) = eta {
        shared.books().held.push(Held { received, tag, eta });
    } else {
        begin_unless_revoked(shared, received, tag, now);
    }
}

fn read(message: &Message) -> Result<(TaskMessage, Serializer), Refusal> {
    let task = TaskMessage::read(message)?;
    Ok((task, Serializer::of(&message.properties)?))
}

fn begin_unless_revoked(shared: &Arc<Shared>, received: Received, tag: Tag, now: Timestamp) {
    let expired = received.task.expires.is_some_and(|expires| now > expires);
    let revoked = shared.books().revoked.contains(&received.task.id, now);
    match (expired, revoked) {
        (true, _) => revoke(shared, &received, Some(tag), "expired"),
        (false, true) => revoke(shared, &received, Some(tag), "revoked"),
        (false, false) => begin(shared, received, tag),
    }
}

/// Whether the message that comes again is of a task that was done here, or is being performed: the
/// broker took it back with a broken connection, or since it was in hand for too long.
fn came_again(shared: &Shared, received: &Received, tag: &Tag) -> bool {
    let which = received.which_try();
    let mut books = shared.books();
    let id = received.task.id.clone();
    if books.done.contains(&which) {
        drop(books);
        shared.settle(received, tag.clone(), Settlement::Acknowledge);
        (shared.tell)(&Notice::CameAgain { id });
        return true;
    }
    if let Some(held) = books.held.iter_mut().find(|held| held.received.which_try() == which) {
        held.tag = tag.clone();
        return true;
    }
    let Some(job) = books.job_of(&which) else { return false };
    let late = job.received.kind.acks_late;
    if late {
        // It is settled in place of the one that was taken back.
        job.tag = Some(tag.clone());
    }
    drop(books);
    if !late {
        shared.settle(received, tag.clone(), Settlement::Acknowledge);
    }
    (shared.tell)(&Notice::CameAgain { id });
    true
}

/// Rejects what nobody can perform, and tells whoever waits for a result.
fn refuse(shared: &Shared, tag: Tag, message: Option<&Message>, refusal: Refusal) {
    settle_nameless(shared, tag);
    let text =
        |name| message.and_then(|message| message.text(name)).filter(|text| text.len() < 256);
    let id = text("id").map(str::to_owned);
    if let Some(id) = &id {
        let task = TaskMessage::new(id.as_str(), text("task").unwrap_or_default());
        let failure = Failure::of("celery.exceptions", "Reject", refusal.to_string());
        store_failure(shared, &task, TaskState::Failure, &failure);
    }
    (shared.tell)(&Notice::Refused { id, refusal });
}

fn reject_unknown(shared: &Shared, tag: Tag, task: &TaskMessage) {
    settle_nameless(shared, tag);
    shared.announcer.tell_of_task(|| shown::unknown(task));
    let failure = Failure::of("celery.exceptions", "NotRegistered", task.task.as_str());
    store_failure(shared, task, TaskState::Failure, &failure);
    let (id, task) = (task.id.clone(), task.task.clone());
    (shared.tell)(&Notice::Unknown { id, task });
}

/// Rejects a message of no task of ours. When that cannot be said, it is refused again when it comes
/// again.
fn settle_nameless(shared: &Shared, tag: Tag) {
    if shared.say(&tag, Settlement::Reject).is_err_and(|error| error.kind().may_pass()) {
        shared.books().unsettled.push((tag, Settlement::Reject, String::new()));
    }
}
