//! Work that is done later, by whom it may: queues of messages, what reads and writes them as Celery
//! does, and the loop that performs them.
//!
//! There is one shape of message everywhere, that of Celery's protocol 2, so that Python can send what
//! is performed here and perform what is sent here (cache-and-jobs specification, section 11). No
//! statistics are in it: which names there are, and what is done for them, is told by the caller.
#![forbid(unsafe_code)]

mod message;

pub use message::{
    Message, Properties, Refusal, Serializer, TaskMessage, TimeLimits, largest_body, python_repr,
};
