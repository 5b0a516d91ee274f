//! From settings to backends: this folder is the only place that names one.

mod jobs;
mod ledger;
mod parts;
mod services;
mod sources;
mod stores;
mod told;
mod transformation;

pub use self::jobs::{Jobs, QueueSeen};
pub use self::ledger::SILENT;
pub use self::parts::{App, AppError};
pub use self::sources::Documents;
