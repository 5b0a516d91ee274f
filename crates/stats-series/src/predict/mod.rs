//! Reading documents that look like earlier ones.

pub(crate) mod plain;
pub(crate) mod program;
pub(crate) mod template;
pub(crate) mod totals;
