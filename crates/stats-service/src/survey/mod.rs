//! What a request is about, what stands there, and what the source holds: without reading a document
//! or a body.

pub(crate) mod at_work;
pub(crate) mod directory;
pub(crate) mod judge;
pub(crate) mod left_over;
pub(crate) mod look;
pub(crate) mod members;
pub(crate) mod names;
pub(crate) mod plan;
pub(crate) mod request;
pub(crate) mod standing;
pub(crate) mod still;
