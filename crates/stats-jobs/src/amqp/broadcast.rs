//! Events and remote control by way of exchanges.

use std::time::Duration;

use lapin::options::{
    BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Consumer, ExchangeKind};

use super::broker::AmqpBroker;
use super::publish::{Publisher, publish};
use super::receive::next_of;
use super::table;
use crate::control::EXCHANGE;
use crate::{Broadcast, Mailbox, Message, QueueError, QueueErrorKind};

/// The exchange of events.
const EVENTS: &str = "celeryev";
/// After so many milliseconds a mailbox that nobody looks into is gone, and a question in it: Celery's
/// own times.
const MAILBOX_ENDS: i32 = 10_000;
const QUESTION_ENDS: i32 = 300_000;

/// What an [`AmqpBroker`] carries beside its queues.
#[derive(Debug)]
pub struct AmqpBroadcast {
    broker: AmqpBroker,
    events: Publisher,
}

impl AmqpBroker {
    /// Events and remote control by way of this virtual host.
    #[must_use]
    pub fn broadcast(&self) -> AmqpBroadcast {
        AmqpBroadcast { broker: self.clone(), events: Publisher::default() }
    }
}

impl Broadcast for AmqpBroadcast {
    fn announce(&self, routing_key: &str, message: &Message) -> Result<(), QueueError> {
        let (broker, doing) = (&self.broker, "telling an event");
        let exchange = broker.short(EVENTS)?;
        let channel = self.events.channel(broker, doing, |channel| {
            let declared = declared(channel.clone(), exchange, ExchangeKind::Topic, true);
            broker.run(doing, Duration::ZERO, declared)
        })?;
        publish(broker, channel, (EVENTS, routing_key), message, doing).map(drop)
    }

    fn mailbox(&self, worker: &str) -> Result<Box<dyn Mailbox>, QueueError> {
        let (broker, doing) = (&self.broker, "listening to remote control");
        let channel = broker.channel(doing)?;
        let exchange = broker.short(EXCHANGE)?;
        let name = broker.short(&format!("{worker}.{EXCHANGE}"))?;
        let consumer =
            broker.run(doing, Duration::ZERO, listen(channel.clone(), exchange, name))?;
        Ok(Box::new(AmqpMailbox { broker: broker.clone(), consumer, _channel: channel }))
    }

    fn reply(
        &self,
        exchange: &str,
        routing_key: &str,
        message: &Message,
    ) -> Result<(), QueueError> {
        let (broker, doing) = (&self.broker, "answering remote control");
        // A channel of its own: it is closed when the exchange is one of another kind.
        let channel = broker.confirming_channel(doing)?;
        let name = broker.short(exchange)?;
        let declared = declared(channel.clone(), name, ExchangeKind::Direct, false);
        broker.run(doing, Duration::ZERO, declared)?;
        publish(broker, channel.clone(), (exchange, routing_key), message, doing)?;
        broker.run(doing, Duration::ZERO, async move { channel.close(200, "".into()).await })
    }
}

struct AmqpMailbox {
    broker: AmqpBroker,
    consumer: Consumer,
    /// Closed with it.
    _channel: Channel,
}

impl Mailbox for AmqpMailbox {
    fn receive(&mut self, wait: Duration) -> Result<Option<Message>, QueueError> {
        let doing = "listening to remote control";
        let mut consumer = self.consumer.clone();
        let heard = self.broker.run(doing, wait, async move {
            match tokio::time::timeout(wait, next_of(&mut consumer)).await {
                Ok(Some(delivery)) => delivery.map(|delivery| Ok(Some(delivery))),
                Ok(None) => Ok(Err(())),
                Err(_) => Ok(Ok(None)),
            }
        })?;
        match heard {
            Ok(delivery) => Ok(delivery.map(|it| table::message(&it.properties, it.data))),
            Err(()) => {
                let doing = self.broker.doing(&format!("{doing}: the mailbox is gone"));
                Err(QueueError::new(QueueErrorKind::Unreachable, doing))
            }
        }
    }
}

/// Declares an exchange as kombu does.
async fn declared(
    channel: Channel,
    name: ShortString,
    kind: ExchangeKind,
    durable: bool,
) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions { durable, ..ExchangeDeclareOptions::default() };
    channel.exchange_declare(name, kind, options, FieldTable::default()).await
}

/// Declares a mailbox as Celery's workers do, and listens to it.
async fn listen(
    channel: Channel,
    exchange: ShortString,
    name: ShortString,
) -> lapin::Result<Consumer> {
    declared(channel.clone(), exchange.clone(), ExchangeKind::Fanout, false).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-expires".into(), AMQPValue::LongInt(MAILBOX_ENDS));
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(QUESTION_ENDS));
    let options = QueueDeclareOptions { auto_delete: true, ..QueueDeclareOptions::default() };
    channel.queue_declare(name.clone(), options, arguments).await?;
    let (options, none) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(name.clone(), exchange, "".into(), options, none).await?;
    let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
    channel.basic_consume(name, "".into(), options, FieldTable::default()).await
}
