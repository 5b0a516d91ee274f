//! Queues in Redis: the contract, and what is their own.

mod queue;
