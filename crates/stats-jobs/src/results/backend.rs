//! The trait that every place of results answers.

use super::record::TaskResult;
use crate::QueueError;

/// A place where results are kept for a while.
///
/// * What was stored last is read, but for a success, which nothing replaces: a message that is
///   performed a second time does not take back what the first time gave.
/// * A result ends some time after it was stored; it is absent then.
pub trait Results: Send + Sync {
    /// Stores a result in place of what is known of the task.
    ///
    /// # Errors
    /// When it could not be stored.
    fn store(&self, result: &TaskResult) -> Result<(), QueueError>;

    /// What is known of the task with this id.
    ///
    /// # Errors
    /// When the place cannot be asked, and [`Damaged`](crate::QueueErrorKind::Damaged) when what lies
    /// there cannot be read.
    fn read(&self, id: &str) -> Result<Option<TaskResult>, QueueError>;
}
