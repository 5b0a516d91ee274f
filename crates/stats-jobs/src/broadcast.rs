//! The trait by which workers and Celery's tools hear of each other.

use std::time::Duration;

use crate::{Message, QueueError};

/// What a broker carries beside its queues: events for whoever listens, and the questions and orders
/// of Celery's remote control.
pub trait Broadcast: Send + Sync {
    /// Tells whoever listens; nobody need listen.
    ///
    /// # Errors
    /// When the broker cannot be told.
    fn announce(&self, routing_key: &str, message: &Message) -> Result<(), QueueError>;

    /// Begins to hear what is asked of the worker of this name, or of all.
    ///
    /// # Errors
    /// When the broker cannot be asked.
    fn mailbox(&self, worker: &str) -> Result<Box<dyn Mailbox>, QueueError>;

    /// Answers a question to where it wants the answer. When nobody waits for it any more, it is lost.
    ///
    /// # Errors
    /// When the broker cannot be told.
    fn reply(&self, exchange: &str, routing_key: &str, message: &Message)
    -> Result<(), QueueError>;
}

/// What is asked of a worker.
pub trait Mailbox: Send {
    /// The next question; waits for one, for `wait` at most.
    ///
    /// # Errors
    /// When the broker cannot be asked. The mailbox is of no use then.
    fn receive(&mut self, wait: Duration) -> Result<Option<Message>, QueueError>;
}
