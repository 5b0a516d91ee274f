//! The loop that performs tasks: so many at a time, each on a thread of its own.

mod begin;
mod books;
mod commands;
mod ending;
mod handler;
mod intake;
mod keeper;
mod life;
mod mailbox;
mod notice;
mod options;
mod report;
mod revoked;
mod shared;
mod shown;
mod task_control;
mod tasks;

pub use self::handler::{Handler, TaskFailure};
pub use self::life::{Stopped, Worker, WorkerParts};
pub use self::notice::Notice;
pub use self::options::WorkerOptions;
pub use self::task_control::{StopReason, TaskControl};
pub use self::tasks::{TaskKind, Tasks};
