//! Events, by which Celery's tools see workers and what they do.

mod announcer;
mod event;

pub(crate) use self::announcer::Announcer;
pub use self::event::{Event, broadcast_message};
