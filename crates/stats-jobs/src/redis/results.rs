//! Results as Celery's backend for Redis has them.

use std::time::Duration;

use super::broker::RedisBroker;
use crate::{QueueError, QueueErrorKind, Results, Serializer, TaskResult, TaskState};

/// The results in a Redis database.
#[derive(Debug)]
pub struct RedisResults {
    database: RedisBroker,
    serializer: Serializer,
    lifetime: Duration,
}

impl RedisResults {
    /// How long Celery keeps a result.
    pub const LIFETIME: Duration = Duration::from_secs(86_400);

    /// Keeps results in a database for `lifetime`, to the second. `serializer` has to be the one that
    /// Python's side expects: nothing in a result tells it, and another cannot be read.
    #[must_use]
    pub const fn new(database: RedisBroker, serializer: Serializer, lifetime: Duration) -> Self {
        Self { database, serializer, lifetime }
    }
}

impl Results for RedisResults {
    fn store(&self, result: &TaskResult) -> Result<(), QueueError> {
        let key = key(&result.id);
        let bytes = result.write(self.serializer);
        let seconds = self.lifetime.as_secs().max(1);
        self.database.run(&format!("storing the result of {}", result.id), |connection| {
            let known: Option<Vec<u8>> = redis::cmd("GET").arg(&key).query(connection)?;
            let known = known.and_then(|known| TaskResult::read(&known, self.serializer).ok());
            if known.is_some_and(|known| known.state == TaskState::Success) {
                return Ok(());
            }
            // Whoever waits for it hears of it on the channel.
            let mut both = redis::pipe();
            both.atomic().set_ex(&key, &bytes, seconds).ignore().publish(&key, &bytes).ignore();
            both.exec(connection)
        })
    }

    fn read(&self, id: &str) -> Result<Option<TaskResult>, QueueError> {
        let doing = format!("reading the result of {id}");
        let found: Option<Vec<u8>> = self
            .database
            .run(&doing, |connection| redis::cmd("GET").arg(key(id)).query(connection))?;
        let read = found.map(|bytes| TaskResult::read(&bytes, self.serializer)).transpose();
        read.map_err(|refusal| QueueError::caused_by(QueueErrorKind::Damaged, doing, refusal))
    }
}

fn key(id: &str) -> String {
    format!("celery-task-meta-{id}")
}
