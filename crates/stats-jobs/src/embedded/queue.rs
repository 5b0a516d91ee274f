//! A queue of the file.

use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};
use uuid::Uuid;

use super::file::EmbeddedBroker;
use super::row;
use super::seen::waiting;
use crate::{Delivery, Gone, Message, Queue, QueueError, QueueErrorKind, Tag};

/// The next message that is due and in nobody's hand.
const NEXT: &str = "SELECT id FROM messages WHERE queue = ?1 AND due <= ?2 AND lease <= ?2
    ORDER BY priority, id LIMIT 1";

/// A queue of an [`EmbeddedBroker`]. A message with the header `eta` is not delivered before its time.
#[derive(Debug)]
pub struct EmbeddedQueue {
    broker: EmbeddedBroker,
    name: String,
}

impl EmbeddedBroker {
    /// The queue of this name. It need not be made.
    #[must_use]
    pub fn queue(&self, name: impl Into<String>) -> EmbeddedQueue {
        EmbeddedQueue { broker: self.clone(), name: name.into() }
    }
}

impl EmbeddedQueue {
    fn take(&self) -> Result<Option<Delivery>, QueueError> {
        let now = self.broker.now();
        let doing = format!("receiving from the queue {}", self.name);
        // Whoever only looks writes nothing, and waits for nobody who does.
        let found = self.broker.read(&doing, |connection| {
            let mut next = connection.prepare_cached(NEXT)?;
            next.query_row(params![self.name, now], |row| row.get::<_, i64>(0)).optional()
        })?;
        if found.is_none() {
            return Ok(None);
        }
        let tag = Tag::new(Uuid::new_v4().to_string());
        let lease = now.saturating_add(milliseconds(self.broker.options().lease));
        self.broker.write(&doing, |transaction| {
            let update = format!(
                "UPDATE messages SET holder = ?3, lease = ?4, deliveries = deliveries + 1
                 WHERE id = ({NEXT}) RETURNING deliveries, head, body"
            );
            let mut update = transaction.prepare_cached(&update)?;
            update
                .query_row(params![self.name, now, tag.as_str(), lease], |found| {
                    let head: String = found.get(1)?;
                    Ok(Delivery {
                        tag: tag.clone(),
                        redelivered: found.get::<_, i64>(0)? > 1,
                        content: row::message(&head, found.get(2)?),
                    })
                })
                .optional()
        })
    }

    /// Does `sql` to the message that is in hand by `tag`.
    fn settle(&self, tag: &Tag, doing: &str, sql: &str) -> Result<(), QueueError> {
        let doing = format!("{doing} delivery {tag} of the queue {}", self.name);
        let settled = self.broker.write(&doing, |transaction| {
            transaction.prepare_cached(sql)?.execute(params![tag.as_str(), self.name])
        })?;
        if settled == 0 {
            let doing = format!("{}: it is in our hand no more", self.broker.doing(&doing));
            return Err(QueueError::new(QueueErrorKind::Own(Gone), doing));
        }
        Ok(())
    }

    fn remove(&self, tag: &Tag, doing: &str) -> Result<(), QueueError> {
        // Also when the lease is over, as long as nobody else has it.
        let sql = "DELETE FROM messages WHERE holder = ?1 AND queue = ?2";
        self.settle(tag, doing, sql)
    }
}

impl Queue for EmbeddedQueue {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        self.broker.path().display().to_string()
    }

    fn send(&self, message: &Message) -> Result<(), QueueError> {
        // Whoever performs it refuses an impossible time.
        let due = message.text("eta").and_then(|eta| eta.parse::<Timestamp>().ok());
        let due = due.map_or(0, Timestamp::as_millisecond);
        let priority = message.properties.priority.min(9) / 3 * 3;
        self.broker.write_durably(
            &format!("sending to the queue {}", self.name),
            |transaction| {
                transaction
                    .prepare_cached(
                        "INSERT INTO messages (queue, priority, due, head, body)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![self.name, priority, due, row::head(message), message.body])
            },
        )?;
        Ok(())
    }

    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError> {
        let started = Instant::now();
        loop {
            if let Some(delivery) = self.take()? {
                return Ok(Some(delivery));
            }
            let left = wait.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            thread::sleep(left.min(self.broker.options().look));
        }
    }

    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError> {
        self.remove(tag, "acknowledging")
    }

    fn give_back(&self, tag: &Tag) -> Result<(), QueueError> {
        let sql = "UPDATE messages SET holder = NULL, lease = 0
            WHERE holder = ?1 AND queue = ?2";
        self.settle(tag, "giving back", sql)
    }

    fn reject(&self, tag: &Tag) -> Result<(), QueueError> {
        self.remove(tag, "rejecting")
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.broker.options().lease)
    }

    fn keep(&self, tags: &[Tag]) -> Result<(), QueueError> {
        if tags.is_empty() {
            return Ok(());
        }
        let lease = self.broker.now().saturating_add(milliseconds(self.broker.options().lease));
        self.broker.write(
            &format!("keeping deliveries of the queue {}", self.name),
            |transaction| {
                let mut update = transaction
                    .prepare_cached("UPDATE messages SET lease = ?2 WHERE holder = ?1")?;
                for tag in tags {
                    update.execute(params![tag.as_str(), lease])?;
                }
                Ok(())
            },
        )
    }

    fn length(&self) -> Result<u64, QueueError> {
        let now = self.broker.now();
        self.broker.read(&format!("counting the queue {}", self.name), |connection| {
            waiting(connection, &self.name, now)
        })
    }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
