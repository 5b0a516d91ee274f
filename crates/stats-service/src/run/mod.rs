//! A run over a whole plan: its threads, its lock and marks, and what it leaves behind.

pub(crate) mod bulk;
pub(crate) mod look_back;
pub(crate) mod pool;
pub(crate) mod remember;
pub(crate) mod sample;
