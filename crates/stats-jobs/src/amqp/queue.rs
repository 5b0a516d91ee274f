//! A queue of the virtual host.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use lapin::Channel;
use lapin::options::{BasicAckOptions, BasicQosOptions, BasicRejectOptions};

use super::broker::AmqpBroker;
use super::publish::{Published, Publisher, publish};
use super::receive::next;
use super::table;
use crate::{Delivery, Gone, Message, Queue, QueueError, QueueErrorKind, Tag, locked};

/// Unacknowledged messages of one consumer.
const ONE: u16 = 1;

/// A queue of an [`AmqpBroker`]. It is declared durable when there is none of that name; one that is
/// there is taken as it is.
///
/// What is in our hand for longer than RabbitMQ's `consumer_timeout`, half an hour unless it is set,
/// is taken back by RabbitMQ with all that came by the same channel. A [`Worker`](crate::Worker) knows
/// what it performs when it comes again; another one would perform it once more.
#[derive(Debug)]
pub struct AmqpQueue {
    broker: AmqpBroker,
    name: String,
    /// One thread asks at a time.
    asking: Mutex<()>,
    way_in: Mutex<WayIn>,
    way_out: Publisher,
}

/// The channel that messages come by. What came by an earlier one was taken back by the broker.
#[derive(Debug, Default)]
struct WayIn {
    channel: Option<Channel>,
    /// Counts channels.
    number: u64,
    /// What came by this one and is not settled.
    in_hand: BTreeSet<u64>,
}

/// What is said of a delivery.
#[derive(Debug, Clone, Copy)]
enum Word {
    Acknowledge,
    Reject { requeue: bool },
}

impl AmqpBroker {
    /// The queue of this name.
    #[must_use]
    pub fn queue(&self, name: impl Into<String>) -> AmqpQueue {
        AmqpQueue {
            broker: self.clone(),
            name: name.into(),
            asking: Mutex::default(),
            way_in: Mutex::default(),
            way_out: Publisher::default(),
        }
    }
}

impl AmqpQueue {
    fn doing(&self, what: &str) -> String {
        format!("{what} the queue {}", self.name)
    }

    /// The number of the channel that messages come by, and the channel; a new one when it broke.
    fn way_in(&self, doing: &str) -> Result<(u64, Channel), QueueError> {
        let known = |way: &WayIn| {
            let channel = way.channel.as_ref().filter(|channel| channel.status().connected());
            channel.map(|channel| (way.number, channel.clone()))
        };
        if let Some(known) = known(&locked(&self.way_in)) {
            return Ok(known);
        }
        self.broker.declare(&self.name, doing)?;
        let channel = self.broker.channel(doing)?;
        self.broker.run(doing, Duration::ZERO, limited(channel.clone()))?;
        let mut way = locked(&self.way_in);
        way.number += 1;
        way.in_hand.clear();
        way.channel = Some(channel.clone());
        Ok((way.number, channel))
    }

    /// Says something of a delivery and waits until the broker has heard it. When it does not, the
    /// message comes again by itself.
    fn settle(&self, tag: &Tag, what: &str, word: Word) -> Result<(), QueueError> {
        let doing = self.doing(&format!("{what} delivery {tag} of"));
        let gone = || {
            let doing = self.broker.doing(&format!("{doing}: it is in our hand no more"));
            QueueError::new(QueueErrorKind::Own(Gone), doing)
        };
        let (number, delivery) = numbers(tag).ok_or_else(gone)?;
        let mut way = locked(&self.way_in);
        if way.number != number || !way.in_hand.remove(&delivery) {
            return Err(gone());
        }
        let channel = way.channel.clone().ok_or_else(gone)?;
        drop(way);
        let said = self.broker.run(&doing, Duration::ZERO, async move {
            match word {
                Word::Acknowledge => {
                    channel.basic_ack(delivery, BasicAckOptions::default()).await?;
                }
                Word::Reject { requeue } => {
                    channel.basic_reject(delivery, BasicRejectOptions { requeue }).await?;
                }
            }
            // Neither is answered; whatever is asked next is answered after it.
            limited(channel).await
        });
        said.map_err(|error| QueueError::caused_by(QueueErrorKind::Own(Gone), doing, error))
    }
}

/// Has each consumer of a channel get one message at a time.
async fn limited(channel: Channel) -> lapin::Result<()> {
    channel.basic_qos(ONE, BasicQosOptions::default()).await
}

fn tag(number: u64, delivery: u64) -> Tag {
    Tag::new(format!("{number}.{delivery}"))
}

fn numbers(tag: &Tag) -> Option<(u64, u64)> {
    let (number, delivery) = tag.as_str().split_once('.')?;
    Some((number.parse().ok()?, delivery.parse().ok()?))
}

impl Queue for AmqpQueue {
    fn name(&self) -> &str {
        &self.name
    }

    fn place(&self) -> String {
        self.broker.place()
    }

    fn send(&self, message: &Message) -> Result<(), QueueError> {
        let doing = self.doing("sending to");
        // It may have been deleted since it was declared.
        for _ in 0..2 {
            let declare = |_: &Channel| self.broker.declare(&self.name, &doing).map(drop);
            let channel = self.way_out.channel(&self.broker, &doing, declare)?;
            let to = ("", self.name.as_str());
            if publish(&self.broker, channel, to, message, &doing)? == Published::Kept {
                return Ok(());
            }
            self.way_out.forget();
        }
        let doing = self.broker.doing(&format!("{doing}: it is deleted again and again"));
        Err(QueueError::new(QueueErrorKind::Busy, doing))
    }

    fn receive(&self, wait: Duration) -> Result<Option<Delivery>, QueueError> {
        let _asking = locked(&self.asking);
        let doing = self.doing("receiving from");
        let (number, channel) = self.way_in(&doing)?;
        let name = self.broker.short(&self.name)?;
        let found = self.broker.run(&doing, wait, next(channel, name, wait));
        let found = found.inspect_err(|_| {
            // What may still come by it would be in nobody's hand.
            locked(&self.way_in).channel = None;
        });
        let Some(found) = found? else { return Ok(None) };
        locked(&self.way_in).in_hand.insert(found.delivery_tag);
        Ok(Some(Delivery {
            tag: tag(number, found.delivery_tag),
            redelivered: found.redelivered,
            content: Ok(table::message(&found.properties, found.data)),
        }))
    }

    fn acknowledge(&self, tag: &Tag) -> Result<(), QueueError> {
        self.settle(tag, "acknowledging", Word::Acknowledge)
    }

    fn give_back(&self, tag: &Tag) -> Result<(), QueueError> {
        self.settle(tag, "giving back", Word::Reject { requeue: true })
    }

    fn reject(&self, tag: &Tag) -> Result<(), QueueError> {
        self.settle(tag, "rejecting", Word::Reject { requeue: false })
    }

    fn lease(&self) -> Option<Duration> {
        None
    }

    fn keep(&self, _: &[Tag]) -> Result<(), QueueError> {
        Ok(())
    }

    fn length(&self) -> Result<u64, QueueError> {
        self.broker.length(&self.name, &self.doing("counting"))
    }
}
