//! A queue of the database.

use std::collections::HashSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use redis::{Connection, RedisResult};
use uuid::Uuid;

use super::broker::RedisBroker;
use super::keys::{UNACKED, UNACKED_INDEX, binding, bindings, list, lists};
use super::{envelope, restore, scripts};
use crate::{Delivery, Gone, Message, Queue, QueueError, QueueErrorKind, Tag, locked};

/// One call waits no longer for the list that comes first: the others are looked at in between.
const ONE_WAIT: Duration = Duration::from_secs(1);
/// How much of the visibility timeout passes between two searches for what was lost.
const SEARCHES: f64 = 20.0;

/// A queue of a [`RedisBroker`].
#[derive(Debug)]
pub struct RedisQueue {
    broker: RedisBroker,
    name: String,
    /// When it was last looked for what was lost, in seconds since 1970.
    searched: Mutex<Option<f64>>,
    /// What was no message and was not settled yet. Nothing of it is left in Redis.
    broken: Mutex<HashSet<Tag>>,
}

impl RedisBroker {
    /// The queue of this name. It need not be made.
    #[must_use]
    pub fn queue(&self, name: impl Into<String>) -> RedisQueue {
        let (broker, name) = (self.clone(), name.into());
        RedisQueue { broker, name, searched: Mutex::default(), broken: Mutex::default() }
    }
}

impl RedisQueue {
    fn doing(&self, what: &str) -> String {
        format!("{what} the queue {}", self.name)
    }

    /// From time to time: what was lost waits again, and Python finds the queue by its exchange.
    fn tend(&self, connection: &mut Connection) -> RedisResult<()> {
        let now = self.broker.now();
        let timeout = self.broker.options().visibility_timeout.as_secs_f64();
        let last = *locked(&self.searched);
        if last.is_some_and(|last| (0.0..timeout / SEARCHES).contains(&(now - last))) {
            return Ok(());
        }
        declare(connection, &self.name)?;
        restore::give_back_lost(connection, &self.name, now - timeout)?;
        *locked(&self.searched) = Some(now);
        Ok(())
    }

    fn take(&self, connection: &mut Connection) -> RedisResult<Option<Delivery>> {
        let lists = lists(&self.name);
        let mut keys = vec![UNACKED, UNACKED_INDEX];
        keys.extend(lists.iter().map(String::as_str));
        let mut call = scripts::run(scripts::TAKE, &keys);
        call.arg(self.broker.now()).arg(&self.name);
        let taken: Option<(String, Vec<u8>)> = call.query(connection)?;
        Ok(taken.map(|(tag, text)| self.delivery(tag, &text)))
    }

    fn delivery(&self, tag: String, text: &[u8]) -> Delivery {
        let nowhere = tag.is_empty();
        let tag = Tag::new(if nowhere { Uuid::new_v4().to_string() } else { tag });
        if nowhere {
            locked(&self.broken).insert(tag.clone());
        }
        match envelope::message(text) {
            Ok((message, redelivered)) => Delivery { tag, redelivered, content: Ok(message) },
            Err(refusal) => Delivery { tag, redelivered: false, content: Err(refusal) },
        }
    }

    /// Fails when `settle` says that nothing was there.
    fn settle(
        &self,
        tag: &Tag,
        what: &str,
        settle: impl FnOnce(&mut Connection) -> RedisResult<bool>,
    ) -> Result<(), QueueError> {
        if locked(&self.broken).remove(tag) {
            return Ok(());
        }
        let doing = self.doing(&format!("{what} delivery {tag} of"));
        if self.broker.run(&doing, settle)? {
            return Ok(());
        }
        let doing = format!("{doing} at {}: it is in our hand no more", self.broker.place());
        Err(QueueError::new(QueueErrorKind::Own(Gone), doing))
    }

    fn remove(&self, tag: &Tag, what: &str) -> Result<(), QueueError> {
        self.settle(tag, what, |connection| {
            let mut both = redis::pipe();
            both.atomic().zrem(UNACKED_INDEX, tag.as_str()).ignore();
            let (removed,): (bool,) = both.hdel(UNACKED, tag.as_str()).query(connection)?;
            Ok(removed)
        })
    }
}

impl Queue for RedisQueue {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        self.broker.place()
    }

    fn send(&self, message: &Message) -> Result<(), QueueError> {
        let text = envelope::text(message, "", &self.name);
        let list = list(&self.name, message.properties.priority);
        self.broker.run(&self.doing("sending to"), |connection| {
            redis::cmd("LPUSH").arg(list).arg(text).exec(connection)
        })
    }

    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError> {
        let started = Instant::now();
        self.broker.run(&self.doing("receiving from"), |connection| {
            self.tend(connection)?;
            loop {
                if let Some(delivery) = self.take(connection)? {
                    return Ok(Some(delivery));
                }
                let left = wait.saturating_sub(started.elapsed()).min(ONE_WAIT);
                // Shorter than a millisecond is for ever to Redis.
                if left < Duration::from_millis(1) {
                    return Ok(None);
                }
                wait_for_one(connection, &self.name, left, self.broker.options().response_timeout)?;
            }
        })
    }

    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError> {
        self.remove(tag, "acknowledging")
    }

    fn give_back(&self, tag: &Tag) -> Result<(), QueueError> {
        self.settle(tag, "giving back", |connection| {
            restore::give_back(connection, &self.name, tag.as_str())
        })
    }

    fn reject(&self, tag: &Tag) -> Result<(), QueueError> {
        self.remove(tag, "rejecting")
    }

    fn lease(&self) -> Option<Duration> {
        Some(self.broker.options().visibility_timeout)
    }

    fn keep(&self, tags: &[Tag]) -> Result<(), QueueError> {
        if tags.is_empty() {
            return Ok(());
        }
        let now = self.broker.now();
        let mut keep = redis::cmd("ZADD");
        keep.arg(UNACKED_INDEX).arg("XX");
        for tag in tags {
            keep.arg(now).arg(tag.as_str());
        }
        self.broker.run(&self.doing("keeping deliveries of"), |connection| keep.exec(connection))
    }

    fn length(&self) -> Result<u64, QueueError> {
        self.broker.run(&self.doing("counting"), |connection| {
            let mut all = redis::pipe();
            for list in lists(&self.name) {
                all.llen(list);
            }
            Ok(all.query::<Vec<u64>>(connection)?.into_iter().sum())
        })
    }
}

/// Says that messages for this queue go to it, as Python's side does when it declares a queue.
fn declare(connection: &mut Connection, queue: &str) -> RedisResult<()> {
    redis::cmd("SADD").arg(bindings(queue)).arg(binding(queue, queue)).exec(connection)
}

/// Comes back when the list that comes first holds something, or the time is over: its last element
/// is moved to where it is.
fn wait_for_one(
    connection: &mut Connection,
    queue: &str,
    wait: Duration,
    patience: Duration,
) -> RedisResult<()> {
    connection.set_read_timeout(Some(patience + wait))?;
    let mut peek = redis::cmd("BLMOVE");
    peek.arg(queue).arg(queue).arg("RIGHT").arg("RIGHT").arg(wait.as_secs_f64());
    let waited = peek.exec(connection);
    connection.set_read_timeout(Some(patience))?;
    waited
}
