//! Workers on queues of their own.

mod broker;
mod ends;
mod tasks;
mod times;
