//! Who sends tasks.

use std::sync::Arc;

use uuid::Uuid;

use crate::host::host_name;
use crate::{Queue, QueueError, Serializer, TaskMessage};

/// Sends tasks to one queue, with everything in their messages that Python's workers look at.
pub struct Producer {
    queue: Arc<dyn Queue>,
    serializer: Serializer,
    origin: String,
    reply_to: String,
}

impl Producer {
    /// Sends to `queue`. Python's workers read both serialisers, whichever is theirs.
    #[must_use]
    pub fn new(queue: Arc<dyn Queue>, serializer: Serializer) -> Self {
        Self {
            queue,
            serializer,
            origin: format!("gen{}@{}", std::process::id(), host_name()),
            reply_to: Uuid::new_v4().to_string(),
        }
    }

    /// A task with a new id, to be completed and sent.
    #[must_use]
    pub fn task(&self, name: impl Into<String>) -> TaskMessage {
        TaskMessage {
            origin: Some(self.origin.clone()),
            reply_to: Some(self.reply_to.clone()),
            ..TaskMessage::new(Uuid::new_v4().to_string(), name)
        }
    }

    /// Sends a task.
    ///
    /// # Errors
    /// When the broker does not confirm that it has it. Sent once more, with the same id, it may be
    /// performed twice.
    pub fn send(&self, task: &TaskMessage) -> Result<(), QueueError> {
        self.queue.send(&task.write(self.serializer))
    }
}

impl std::fmt::Debug for Producer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let queue = format!("{} at {}", self.queue.name(), self.queue.place());
        out.debug_struct("Producer").field("queue", &queue).finish_non_exhaustive()
    }
}
