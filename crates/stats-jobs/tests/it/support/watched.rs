//! A queue that is watched.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use stats_jobs::{Delivery, Message, Queue, QueueError, Tag};

/// Passes everything on, and counts.
pub(crate) struct Watched {
    queue: Arc<dyn Queue>,
    acknowledged: AtomicUsize,
    kept: AtomicUsize,
}

impl Watched {
    pub(crate) fn new(queue: Arc<dyn Queue>) -> Arc<Self> {
        Arc::new(Self { queue, acknowledged: AtomicUsize::new(0), kept: AtomicUsize::new(0) })
    }

    /// How many messages were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.load(Ordering::SeqCst)
    }

    /// How often messages in hand were kept there.
    pub(crate) fn kept(&self) -> usize {
        self.kept.load(Ordering::SeqCst)
    }
}

impl Queue for Watched {
    fn name(&self) -> &str {
        self.queue.name()
    }

    fn place(&self) -> String {
        self.queue.place()
    }

    fn send(&self, message: &Message) -> Result<(), QueueError> {
        self.queue.send(message)
    }

    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError> {
        self.queue.receive(wait)
    }

    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError> {
        self.queue.acknowledge(tag)?;
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn give_back(&self, tag: &Tag) -> Result<(), QueueError> {
        self.queue.give_back(tag)
    }

    fn reject(&self, tag: &Tag) -> Result<(), QueueError> {
        self.queue.reject(tag)
    }

    fn lease(&self) -> Option<Duration> {
        self.queue.lease()
    }

    fn keep(&self, tags: &[Tag]) -> Result<(), QueueError> {
        self.queue.keep(tags)?;
        if !tags.is_empty() {
            self.kept.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    fn length(&self) -> Result<u64, QueueError> {
        self.queue.length()
    }
}
