//! Questions and orders of Celery's remote control (`celery inspect`, `celery control`, Flower), which
//! it calls pidbox.

#[cfg(test)]
mod fuzz;
mod glob;
mod request;

pub use self::request::Request;

/// The exchange by which every worker hears them.
pub(crate) const EXCHANGE: &str = "celery.pidbox";
