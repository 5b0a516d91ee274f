//! Queues in a Redis database in kombu's form, which Celery's own workers share (cache-and-jobs
//! specification, section 11.2). Needs Redis 6.2.

mod broadcast;
mod broker;
mod envelope;
mod error;
#[cfg(test)]
mod fuzz;
mod keys;
mod queue;
mod restore;
mod results;
mod scripts;

pub use self::broker::{RedisBroker, RedisBrokerOptions};
pub use self::queue::RedisQueue;
pub use self::results::RedisResults;
