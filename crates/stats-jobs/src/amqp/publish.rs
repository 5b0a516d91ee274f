//! Messages on their way to the broker.

use std::sync::Mutex;
use std::time::Duration;

use lapin::options::BasicPublishOptions;
use lapin::{Channel, Confirmation};

use super::broker::AmqpBroker;
use super::table;
use crate::{Message, QueueError, QueueErrorKind, locked};

/// What became of a published message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    /// The broker has it.
    Kept,
    /// No queue wanted it.
    Unroutable,
}

/// A channel to publish on, made anew when it broke.
#[derive(Debug, Default)]
pub(super) struct Publisher(Mutex<Option<Channel>>);

impl Publisher {
    /// The channel that stands, or a new one, on which `prepare` was done.
    pub(super) fn channel(
        &self,
        broker: &AmqpBroker,
        doing: &str,
        prepare: impl FnOnce(&Channel) -> Result<(), QueueError>,
    ) -> Result<Channel, QueueError> {
        let mut known = locked(&self.0);
        if let Some(channel) = known.as_ref().filter(|it| it.status().connected()) {
            return Ok(channel.clone());
        }
        let channel = broker.confirming_channel(doing)?;
        prepare(&channel)?;
        *known = Some(channel.clone());
        Ok(channel)
    }

    /// Has the next message prepare everything anew.
    pub(super) fn forget(&self) {
        locked(&self.0).take();
    }
}

/// Publishes a message and waits until the broker has it.
pub(super) fn publish(
    broker: &AmqpBroker,
    channel: Channel,
    (exchange, routing_key): (&str, &str),
    message: &Message,
    doing: &str,
) -> Result<Published, QueueError> {
    let (exchange, routing_key) = (broker.short(exchange)?, broker.short(routing_key)?);
    let Some(properties) = table::properties(message) else {
        let doing = broker.doing(&format!("{doing}: a header or property is too long"));
        return Err(QueueError::new(QueueErrorKind::Refused, doing));
    };
    let body = message.body.clone();
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirmed = broker.run(doing, Duration::ZERO, async move {
        let sent = channel.basic_publish(exchange, routing_key, options, &body, properties).await?;
        sent.await
    })?;
    match confirmed {
        Confirmation::Ack(None) => Ok(Published::Kept),
        Confirmation::Ack(Some(_)) => Ok(Published::Unroutable),
        Confirmation::Nack(_) | Confirmation::NotRequested => {
            let doing = broker.doing(&format!("{doing}: it does not keep the message"));
            Err(QueueError::new(QueueErrorKind::Full, doing))
        }
    }
}
