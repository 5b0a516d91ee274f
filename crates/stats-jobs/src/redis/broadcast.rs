//! Events and remote control by way of Redis, as kombu does it: what goes to all is published on
//! channels, answers lie in lists.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use redis::{Connection, RedisResult};

use super::broker::RedisBroker;
use super::envelope;
use super::error::queue_error;
use super::keys::{bindings, queues_bound_by};
use crate::control::EXCHANGE;
use crate::{Broadcast, Mailbox, Message, QueueError, QueueErrorKind};

/// The exchange of events.
const EVENTS: &str = "celeryev";
/// Between two looks whether anybody listens to a mailbox.
const LOOK: Duration = Duration::from_millis(500);

impl RedisBroker {
    /// The channel by which an exchange of this database reaches everybody.
    fn channel(&self, exchange: &str) -> String {
        format!("/{}.{exchange}", self.database())
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} at {}", self.place())
    }
}

impl Broadcast for RedisBroker {
    fn announce(&self, routing_key: &str, message: &Message) -> Result<(), QueueError> {
        let channel = format!("{}/{routing_key}", self.channel(EVENTS));
        let text = envelope::text(message, EVENTS, routing_key);
        self.run("telling an event", |connection| {
            redis::cmd("PUBLISH").arg(channel).arg(text).exec(connection)
        })
    }

    fn mailbox(&self, _: &str) -> Result<Box<dyn Mailbox>, QueueError> {
        let doing = self.doing("listening to remote control");
        let connection = self.connect().map_err(|error| queue_error(doing.as_str(), error))?;
        let (teller, heard) = channel();
        let open = Arc::new(AtomicBool::new(true));
        let (name, is_open) = (self.channel(EXCHANGE), open.clone());
        thread::spawn(move || {
            if let Err(error) = listen(connection, &name, &teller, &is_open) {
                drop(teller.send(Err(error)));
            }
        });
        let mailbox = RedisMailbox { heard, open, doing };
        mailbox.wait_until_it_hears()?;
        Ok(Box::new(mailbox))
    }

    fn reply(
        &self,
        exchange: &str,
        routing_key: &str,
        message: &Message,
    ) -> Result<(), QueueError> {
        let text = envelope::text(message, exchange, routing_key);
        self.run("answering remote control", |connection| {
            let bound: Vec<Vec<u8>> =
                redis::cmd("SMEMBERS").arg(bindings(exchange)).query(connection)?;
            for queue in queues_bound_by(&bound, routing_key) {
                redis::cmd("LPUSH").arg(queue).arg(&text).exec(connection)?;
            }
            Ok(())
        })
    }
}

/// What a channel gives, listened to by a thread of its own: nothing else can be done with the
/// connection.
struct RedisMailbox {
    heard: Receiver<RedisResult<Vec<u8>>>,
    open: Arc<AtomicBool>,
    doing: String,
}

impl RedisMailbox {
    /// The first that comes says that all that follows is heard.
    fn wait_until_it_hears(&self) -> Result<(), QueueError> {
        match self.heard.recv() {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(queue_error(self.doing.as_str(), error)),
            Err(_) => Err(self.closed()),
        }
    }

    fn closed(&self) -> QueueError {
        QueueError::new(QueueErrorKind::Unreachable, self.doing.as_str())
    }
}

impl Mailbox for RedisMailbox {
    fn receive(&mut self, wait: Duration) -> Result<Option<Message>, QueueError> {
        match self.heard.recv_timeout(wait) {
            // What is no message was not for us.
            Ok(Ok(text)) => Ok(envelope::message(&text).ok().map(|(message, _)| message)),
            Ok(Err(error)) => Err(queue_error(self.doing.as_str(), error)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(self.closed()),
        }
    }
}

impl Drop for RedisMailbox {
    fn drop(&mut self) {
        self.open.store(false, Ordering::Relaxed);
    }
}

/// Tells what a channel gives as long as anybody listens; nothing at first, once it does.
fn listen(
    mut connection: Connection,
    channel: &str,
    teller: &Sender<RedisResult<Vec<u8>>>,
    is_open: &AtomicBool,
) -> RedisResult<()> {
    let mut channels = connection.as_pubsub();
    channels.subscribe(channel)?;
    drop(teller.send(Ok(Vec::new())));
    channels.set_read_timeout(Some(LOOK))?;
    while is_open.load(Ordering::Relaxed) {
        match channels.get_message() {
            Ok(message) => drop(teller.send(Ok(message.get_payload_bytes().to_vec()))),
            Err(error) if error.is_timeout() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
