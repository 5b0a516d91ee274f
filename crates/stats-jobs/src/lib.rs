//! Work that is done later, by whom it may: queues of messages, what reads and writes them as Celery
//! does, and the loop that performs them.
//!
//! There is one shape of message everywhere, that of Celery's protocol 2, so that Python can send what
//! is performed here and perform what is sent here (cache-and-jobs specification, section 11). No
//! statistics are in it: which names there are, and what is done for them, is told by the caller.
//!
//! | what | where |
//! |---|---|
//! | a message, as it lies in a queue and as what it means | [`Message`], [`TaskMessage`]; why one is not performed: [`Refusal`] |
//! | a queue, and the brokers that have some | [`Queue`]; [`EmbeddedBroker`] (a file), [`RedisBroker`], [`AmqpBroker`] |
//! | results | [`Results`]; [`EmbeddedResults`], [`RedisResults`] |
//! | who sends | [`Producer`] |
//! | who performs | [`Worker`], with [`Tasks`] by name, each with its [`Handler`] |
//! | events and remote control | [`Broadcast`]; a [`RedisBroker`] is one, an [`AmqpBroker`] has one |
//!
//! Tasks need a queue of their own: a worker rejects what it does not perform, and the queue `celery`
//! is for Python's workers (section 11.4). What is sent to those goes there.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use serde_json::json;
//! use stats_jobs::*;
//! use stats_model::SystemClock;
//!
//! # fn main() -> Result<(), QueueError> {
//! # let folder = tempfile::tempdir().expect("a folder");
//! # let path = folder.path().join("jobs.db");
//! let clock = Arc::new(SystemClock);
//! let broker = EmbeddedBroker::open(path, EmbeddedOptions::default(), clock)?;
//! let queue = Arc::new(broker.queue("stats-cache"));
//! let results = Arc::new(broker.results(Duration::from_secs(86_400)));
//!
//! let producer = Producer::new(queue.clone(), Serializer::Json);
//! let mut task = producer.task("some.module.greet");
//! task.arguments.push(json!("you"));
//! producer.send(&task)?;
//!
//! let greet = |task: &TaskMessage, control: &TaskControl| match &task.arguments[..] {
//!     _ if control.should_stop() => Err(TaskFailure::Interrupted),
//!     [name] => Ok(json!({"greeting": format!("Hello {name}")})),
//!     _ => Err(Failure::new("TypeError", "one name is needed").into()),
//! };
//! let tasks = Tasks::new().with("some.module.greet", TaskKind::new(greet).acknowledged_late());
//! let parts = WorkerParts {
//!     results: Some(results.clone()),
//!     notices: Box::new(|notice| drop(notice.to_string())),
//!     ..WorkerParts::new(queue, tasks)
//! };
//! let worker = Worker::start(parts, WorkerOptions::default());
//! while results.read(&task.id)?.is_none() {
//!     // Somebody may have asked the worker to stop: a signal, or Celery's tools.
//!     if worker.wait(Duration::from_millis(10)) {
//!         break;
//!     }
//! }
//! let stopped = worker.stop(Duration::from_secs(30));
//! assert!(stopped.unfinished.is_empty());
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod amqp;
mod broadcast;
pub mod contract;
mod control;
mod embedded;
mod error;
mod events;
mod host;
pub mod ledger;
mod message;
mod pauses;
mod producer;
mod queue;
mod redis;
mod results;
pub mod schedule;
mod worker;

pub use amqp::{AmqpBroadcast, AmqpBroker, AmqpBrokerOptions, AmqpQueue};
pub use broadcast::{Broadcast, Mailbox};
pub use control::Request;
pub use embedded::{EmbeddedBroker, EmbeddedFile, EmbeddedOptions, EmbeddedQueue, EmbeddedResults};
pub use error::{Gone, QueueError, QueueErrorKind};
pub use events::{Event, broadcast_message};
pub use host::{host_name, worker_name};
pub use message::{
    Message, Properties, Refusal, Serializer, TaskMessage, TimeLimits, largest_body, python_repr,
};
pub use producer::Producer;
pub use queue::{Delivery, Queue, Tag};
pub use redis::{RedisBroker, RedisBrokerOptions, RedisQueue, RedisResults};
pub use results::{Failure, Results, TaskResult, TaskState};
pub use worker::{
    Handler, Notice, StopReason, Stopped, TaskControl, TaskFailure, TaskKind, Tasks, Worker,
    WorkerOptions, WorkerParts,
};

/// Locks `mutex`, also after a thread panicked while it held it: what our mutexes guard is never
/// left half-changed.
fn locked<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
