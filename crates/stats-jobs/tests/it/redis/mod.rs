//! Queues in Redis: the contract, and what is their own.

mod broadcast;
mod queue;
