//! Events and remote control by way of Redis, as kombu does it: what goes to all is published on
//! channels, answers lie in lists.

use std::time::Duration;

use redis::{Connection, RedisResult, Value};

use super::broker::RedisBroker;
use super::envelope;
use super::error::queue_error;
use super::keys::{bindings, queues_bound_by};
use crate::control::EXCHANGE;
use crate::{Broadcast, Mailbox, Message, QueueError};

/// The exchange of events.
const EVENTS: &str = "celeryev";

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
        let listen = || -> RedisResult<Connection> {
            let mut connection = self.connect()?;
            let subscribe =
                redis::cmd("SUBSCRIBE").arg(self.channel(EXCHANGE)).get_packed_command();
            connection.send_packed_command(&subscribe)?;
            connection.recv_response()?.extract_error()?;
            Ok(connection)
        };
        let doing = self.doing("listening to remote control");
        let connection = listen().map_err(|error| queue_error(doing.as_str(), error))?;
        Ok(Box::new(RedisMailbox { connection, doing }))
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

struct RedisMailbox {
    connection: Connection,
    doing: String,
}

impl Mailbox for RedisMailbox {
    fn receive(&mut self, wait: Duration) -> Result<Option<Message>, QueueError> {
        let mut receive = || -> RedisResult<Option<Value>> {
            self.connection.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
            match self.connection.recv_response() {
                Ok(value) => value.extract_error().map(Some),
                // What has come of an answer is kept.
                Err(error) if error.is_timeout() => Ok(None),
                Err(error) => Err(error),
            }
        };
        let received = receive().map_err(|error| queue_error(self.doing.as_str(), error))?;
        Ok(received.and_then(|value| heard(&value)))
    }
}

/// The message in what a channel gave; nothing when it is none.
fn heard(value: &Value) -> Option<Message> {
    let (Value::Array(parts) | Value::Push { data: parts, .. }) = value else { return None };
    let Some(Value::BulkString(text)) = parts.last() else { return None };
    envelope::message(text).ok().map(|(message, _)| message)
}
