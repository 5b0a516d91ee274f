//! A run over a whole plan: who makes it, its lock and marks, and what it leaves behind.

pub(crate) mod apart;
pub(crate) mod bulk;
pub(crate) mod errand;
pub(crate) mod hands;
pub(crate) mod look_back;
pub(crate) mod meanwhile;
pub(crate) mod pool;
pub(crate) mod remember;
pub(crate) mod sample;
