//! Who performs a task.

use std::time::Duration;

use serde_json::Value;

use super::task_control::TaskControl;
use crate::{Failure, TaskMessage};

/// Performs the tasks of one name.
///
/// A task may be performed more than once: its worker may be killed, or cut off from the broker,
/// before it can say that it is done. Whoever performs it has to make that do no harm.
pub trait Handler: Send + Sync {
    /// Performs a task and gives its result. `control` tells when nobody waits for it any more; a
    /// task that takes long looks at it now and then. A panic is a failure.
    ///
    /// # Errors
    /// Why there is no result, and what is to be done about that.
    fn perform(&self, task: &TaskMessage, control: &TaskControl) -> Result<Value, TaskFailure>;
}

impl<F> Handler for F
where
    F: Fn(&TaskMessage, &TaskControl) -> Result<Value, TaskFailure> + Send + Sync,
{
    fn perform(&self, task: &TaskMessage, control: &TaskControl) -> Result<Value, TaskFailure> {
        self(task, control)
    }
}

/// Why a task gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskFailure {
    /// It failed, and trying again would not help.
    Failed(Failure),
    /// It failed, and is to be tried again after this time; unless it was tried too often already.
    Retry {
        /// How long to wait.
        after: Duration,
        /// Why.
        failure: Failure,
    },
    /// It was asked to stop and did. When the worker is stopping, it waits in the queue again, as if it
    /// had not begun; after its soft time limit, it has failed.
    Interrupted,
}

impl From<Failure> for TaskFailure {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}
