//! Tasks that begin, each on a thread of its own.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use serde_json::json;

use super::books::{Job, Phase, Received, Settlement};
use super::ending::{Outcome, finish};
use super::notice::Notice;
use super::shared::Shared;
use super::shown;
use super::task_control::{StopReason, TaskControl};
use crate::{Failure, Tag, TaskState};

/// Begins a task. There has to be room.
pub(super) fn begin(shared: &Arc<Shared>, received: Received, tag: Tag) {
    let control = match received.redelivered {
        true => TaskControl::coming_again(),
        false => TaskControl::new(),
    };
    let mut books = shared.books();
    if books.phase >= Phase::Draining {
        // It came in between, and is performed to its end all the same.
        control.ask_to_stop(StopReason::Shutdown);
    }
    let number = books.next_job;
    books.next_job += 1;
    *books.begun.entry(received.task.task.clone()).or_default() += 1;
    let early = !received.kind.acks_late;
    let (kept, begun) = ((!early).then(|| tag.clone()), shared.clock.now());
    let job = Job {
        received: received.clone(),
        tag: kept,
        begun,
        control: control.clone(),
        is_ending: false,
    };
    books.jobs.insert(number, job);
    drop(books);
    let (here, again) = (shared.clone(), (received.clone(), tag.clone()));
    let thread = thread::Builder::new().name(format!("task {number}"));
    let spawned = thread.spawn(move || {
        if early {
            here.settle(&received, tag, Settlement::Acknowledge);
        }
        let outcome = perform(&here, &received, &control);
        finish(&here, number, outcome);
    });
    if let Err(error) = spawned {
        let (received, tag) = again;
        shared.books().jobs.remove(&number);
        shared.settle(&received, tag, Settlement::GiveBack);
        (shared.tell)(&Notice::NoThread { error });
        shared.pause(shared.options.longest_pause, Phase::Draining);
    }
}

fn perform(shared: &Shared, received: &Received, control: &TaskControl) -> Outcome {
    let task = &received.task;
    (shared.tell)(&Notice::Started { id: task.id.clone(), task: task.task.clone() });
    shared.announcer.tell_of_task(|| shown::started(task));
    if received.kind.tracks_start && !received.kind.ignores_result && !task.ignore_result {
        let who = json!({"pid": std::process::id(), "hostname": shared.options.name});
        shared.try_to_store(task, TaskState::Started, who);
    }
    let handler = &received.kind.handler;
    let performed = catch_unwind(AssertUnwindSafe(|| handler.perform(task, control)));
    performed.unwrap_or_else(|panic| {
        Err(Failure::new("RuntimeError", format!("panic: {}", text_of(panic.as_ref()))).into())
    })
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("without a word").to_owned()
}
