//! Queues of RabbitMQ: the contract, and what is their own.

mod queue;
mod tls;
mod worker;
