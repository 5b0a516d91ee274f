//! The queue, and the results of its tasks.

use std::time::Duration;

use stats_jobs::{Delivery, Message, Queue, QueueError, Results, Tag, TaskResult};

use super::Pointed;

impl Queue for Pointed<dyn Queue> {
    fn name(&self) -> &str {
        self.port.name()
    }

    fn place(&self) -> String {
        self.port.place()
    }

    fn send(&self, message: &Message) -> Result<(), QueueError> {
        self.points.around("queue.send", || self.port.send(message))
    }

    /// Points are passed only with a message in hand: how often none comes depends on the time.
    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError> {
        let received = self.port.receive(wait)?;
        if received.is_some() {
            self.points.pass("after", "queue.receive");
        }
        Ok(received)
    }

    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError> {
        self.points.around("queue.acknowledge", || self.port.acknowledge(tag))
    }

    fn give_back(&self, tag: &Tag) -> Result<(), QueueError> {
        self.port.give_back(tag)
    }

    fn reject(&self, tag: &Tag) -> Result<(), QueueError> {
        self.port.reject(tag)
    }

    fn lease(&self) -> Option<Duration> {
        self.port.lease()
    }

    fn keep(&self, tags: &[Tag]) -> Result<(), QueueError> {
        self.port.keep(tags)
    }

    fn length(&self) -> Result<u64, QueueError> {
        self.port.length()
    }
}

impl Results for Pointed<dyn Results> {
    fn store(&self, result: &TaskResult) -> Result<(), QueueError> {
        self.points.around("result.store", || self.port.store(result))
    }

    fn read(&self, id: &str) -> Result<Option<TaskResult>, QueueError> {
        self.port.read(id)
    }
}
