//! What a worker has to say, for a log.

use std::fmt;
use std::time::Duration;

use crate::{Failure, QueueError, Refusal};

/// Something that happened in a worker. Each is shown as a line that can be read alone; texts of others
/// are in it as they came.
#[derive(Debug)]
#[non_exhaustive]
pub enum Notice {
    /// A message was rejected, since nobody can perform it.
    Refused {
        /// The id of the task, where there is one.
        id: Option<String>,
        /// Why.
        refusal: Refusal,
    },
    /// A message was rejected: its task is not one of those performed here.
    Unknown {
        /// The id of the task.
        id: String,
        /// Its name.
        task: String,
    },
    /// A task has begun.
    Started {
        /// Its id.
        id: String,
        /// Its name.
        task: String,
    },
    /// A task is done.
    Succeeded {
        /// Its id.
        id: String,
        /// How long it took.
        took: Duration,
    },
    /// A task has failed.
    Failed {
        /// Its id.
        id: String,
        /// Why.
        failure: Failure,
    },
    /// A task will be tried again.
    Retried {
        /// Its id.
        id: String,
        /// Why.
        failure: Failure,
    },
    /// A task was not performed, or its result not waited for.
    Revoked {
        /// Its id.
        id: String,
        /// Why: `revoked`, `expired` or `terminated`.
        reason: &'static str,
    },
    /// A task waits in the queue again: it stopped since the worker does.
    GivenBack {
        /// Its id.
        id: String,
    },
    /// A message came again whose task was done here before, or is being performed; it was not begun.
    CameAgain {
        /// The id of the task.
        id: String,
    },
    /// No message can be taken, most likely since the broker is away; it is tried again after a pause.
    Paused {
        /// What failed.
        error: QueueError,
        /// The pause.
        pause: Duration,
    },
    /// Messages can be taken again.
    Resumed,
    /// A message could not be settled: it may be performed again.
    Unsettled {
        /// The id of the task.
        id: String,
        /// What failed.
        error: QueueError,
    },
    /// A result could not be stored.
    ResultLost {
        /// The id of the task.
        id: String,
        /// What failed.
        error: QueueError,
    },
    /// The system gives no thread for a task, which waits in the queue again.
    NoThread {
        /// What it says.
        error: std::io::Error,
    },
    /// What cannot be performed any more is still being performed on so many threads that no more
    /// tasks are begun.
    Stuck {
        /// On how many.
        threads: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { id, refusal } => {
                let id = id.as_deref().unwrap_or("unknown");
                write!(out, "the message of task {id} is rejected: {refusal}")
            }
            Self::Unknown { id, task } => {
                write!(out, "task {id} is rejected: '{task}' is not performed here")
            }
            Self::Started { id, task } => write!(out, "task {id} begins: {task}"),
            Self::Succeeded { id, took } => write!(out, "task {id} is done after {took:.1?}"),
            Self::Failed { id, failure } => write!(out, "task {id} has failed: {failure}"),
            Self::Retried { id, failure } => {
                write!(out, "task {id} will be tried again: {failure}")
            }
            Self::Revoked { id, reason } => write!(out, "task {id} is {reason}"),
            Self::GivenBack { id } => write!(out, "task {id} stopped and waits again"),
            Self::CameAgain { id } => {
                write!(out, "task {id} came again and is not performed a second time")
            }
            Self::Paused { error, pause } => {
                write!(out, "no messages are taken for {pause:.1?}: ")?;
                chain(error, out)
            }
            Self::Resumed => write!(out, "messages are taken again"),
            Self::Unsettled { id, error } => {
                write!(out, "the message of task {id} could not be settled: ")?;
                chain(error, out)
            }
            Self::ResultLost { id, error } => {
                write!(out, "the result of task {id} is lost: ")?;
                chain(error, out)
            }
            Self::NoThread { error } => {
                write!(out, "there is no thread for a task, which waits again: {error}")
            }
            Self::Stuck { threads } => {
                write!(
                    out,
                    "{threads} tasks beyond their time limits do not end; no more are begun"
                )
            }
        }
    }
}

/// An error with its causes.
fn chain(error: &QueueError, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(out, "{error}")?;
    let mut cause = std::error::Error::source(error);
    while let Some(one) = cause {
        write!(out, ": {one}")?;
        cause = one.source();
    }
    Ok(())
}
