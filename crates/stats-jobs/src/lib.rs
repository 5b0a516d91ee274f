//! Work that is done later, by whom it may: queues of messages, what reads and writes them as Celery
//! does, and the loop that performs them.
//!
//! There is one shape of message everywhere, that of Celery's protocol 2, so that Python can send what
//! is performed here and perform what is sent here (cache-and-jobs specification, section 11). No
//! statistics are in it: which names there are, and what is done for them, is told by the caller.
#![forbid(unsafe_code)]

mod amqp;
mod broadcast;
pub mod contract;
mod control;
mod embedded;
mod error;
mod events;
mod host;
mod message;
mod pauses;
mod producer;
mod queue;
mod redis;
mod results;
mod worker;

pub use amqp::{AmqpBroadcast, AmqpBroker, AmqpBrokerOptions, AmqpQueue};
pub use broadcast::{Broadcast, Mailbox};
pub use control::Request;
pub use embedded::{EmbeddedBroker, EmbeddedOptions, EmbeddedQueue, EmbeddedResults};
pub use error::{QueueError, QueueErrorKind};
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
