//! One message at a time out of a queue.

use std::future::poll_fn;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream as _;
use lapin::message::Delivery;
use lapin::options::{BasicCancelOptions, BasicConsumeOptions, BasicGetOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Consumer};

/// Takes the next message; waits for one, for `wait` at most.
///
/// The broker hands out no more than what is asked for: whoever waits is a consumer until one message
/// has come. The channel has to be limited to one unacknowledged message for each consumer.
pub(super) async fn next(
    channel: Channel,
    queue: ShortString,
    wait: Duration,
) -> lapin::Result<Option<Delivery>> {
    let options = BasicGetOptions { no_ack: false };
    if let Some(waiting) = channel.basic_get(queue.clone(), options).await? {
        return Ok(Some(waiting.delivery));
    }
    if wait.is_zero() {
        return Ok(None);
    }
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    let mut consumer = channel.basic_consume(queue, "".into(), options, arguments).await?;
    let first = tokio::time::timeout(wait, next_of(&mut consumer)).await;
    if let Ok(None) = first {
        // The broker ended it: the queue was deleted.
        return Ok(None);
    }
    channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
    match first {
        Ok(first) => first.transpose(),
        // One may have come in between, and is in our hand.
        Err(_) => next_of(&mut consumer).await.transpose(),
    }
}

/// The next message of a consumer; none once it has ended.
pub(super) async fn next_of(consumer: &mut Consumer) -> Option<lapin::Result<Delivery>> {
    poll_fn(|context| Pin::new(&mut *consumer).poll_next(context)).await
}
