//! Messages of tasks: as transports carry them, and as what they mean.

mod codec;
#[cfg(test)]
mod fuzz;
mod headers;
mod refusal;
mod repr;
mod shape;
mod task;
mod write;

pub use self::codec::{Serializer, largest_body};
pub use self::refusal::Refusal;
pub use self::repr::python_repr;
pub use self::shape::{Message, Properties};
pub use self::task::{TaskMessage, TimeLimits};
