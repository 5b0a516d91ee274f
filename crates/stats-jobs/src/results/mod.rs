//! What became of tasks, as Python's side reads it (cache-and-jobs specification, section 11.3).

mod backend;
mod failure;
#[cfg(test)]
mod fuzz;
mod record;

pub use self::backend::Results;
pub use self::failure::Failure;
pub use self::record::{TaskResult, TaskState};
