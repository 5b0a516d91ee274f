//! Results in the file.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::file::EmbeddedBroker;
use crate::{QueueError, QueueErrorKind, Results, Serializer, TaskResult, TaskState};

/// The results in the file of an [`EmbeddedBroker`].
#[derive(Debug)]
pub struct EmbeddedResults {
    broker: EmbeddedBroker,
    lifetime: Duration,
}

impl EmbeddedBroker {
    /// The results of this file, each kept for `lifetime`.
    #[must_use]
    pub fn results(&self, lifetime: Duration) -> EmbeddedResults {
        EmbeddedResults { broker: self.clone(), lifetime }
    }
}

impl Results for EmbeddedResults {
    fn store(&self, result: &TaskResult) -> Result<(), QueueError> {
        let now = self.broker.now();
        let lifetime = i64::try_from(self.lifetime.as_millis()).unwrap_or(i64::MAX);
        let ends = now.saturating_add(lifetime);
        let body = result.write(Serializer::Json);
        let success = result.state == TaskState::Success;
        self.broker.write(&format!("storing the result of {}", result.id), |transaction| {
            transaction.prepare_cached("DELETE FROM results WHERE ends <= ?1")?.execute([now])?;
            transaction
                .prepare_cached(
                    "INSERT INTO results (id, ends, success, body) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (id) DO UPDATE
                     SET ends = excluded.ends, success = excluded.success, body = excluded.body
                     WHERE NOT success",
                )?
                .execute(params![result.id, ends, success, body])?;
            Ok(())
        })
    }

    fn read(&self, id: &str) -> Result<Option<TaskResult>, QueueError> {
        let now = self.broker.now();
        let doing = format!("reading the result of {id}");
        let found: Option<Vec<u8>> = self.broker.read(&doing, |connection| {
            let sql = "SELECT body FROM results WHERE id = ?1 AND ends > ?2";
            connection.prepare_cached(sql)?.query_row(params![id, now], |row| row.get(0)).optional()
        })?;
        let read = found.map(|bytes| TaskResult::read(&bytes, Serializer::Json)).transpose();
        read.map_err(|refusal| {
            QueueError::caused_by(QueueErrorKind::Damaged, self.broker.doing(&doing), refusal)
        })
    }
}
