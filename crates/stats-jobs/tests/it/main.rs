//! Tests of stats-jobs through its public interface.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod amqp;
mod celery;
mod embedded;
mod formats;
mod ledger;
mod message;
mod redis;
mod results;
mod support;
mod worker;
