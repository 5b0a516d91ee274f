//! When something is due: at the times of a cron expression, or after equal intervals; and how long to
//! wait before it is tried again. All of it is UTC, and pure: what time it is, the caller says.

mod civil;
mod due;
mod pauses;
mod times;

pub use due::{Due, Firing};
pub use pauses::Pauses;
pub use times::{InvalidSchedule, Schedule};
