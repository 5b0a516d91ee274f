//! Queues of RabbitMQ, or another broker that speaks AMQP 0-9-1 (cache-and-jobs specification,
//! section 11.2).
//!
//! The client beneath is asynchronous; nothing of that is seen outside of this room.

mod broadcast;
mod broker;
mod door;
mod error;
mod publish;
mod queue;
mod receive;
mod table;
mod tunnel;

pub use self::broadcast::AmqpBroadcast;
pub use self::broker::{AmqpBroker, AmqpBrokerOptions};
pub use self::queue::AmqpQueue;
