//! Workers on queues of their own.

mod breaks;
mod broker;
mod ends;
mod tasks;
mod times;
