//! What is stored, why it is as it is, and whether it is true.

pub(crate) mod compare;
pub(crate) mod explain;
pub(crate) mod list;
pub(crate) mod share;
pub(crate) mod verification;
pub(crate) mod verify;
