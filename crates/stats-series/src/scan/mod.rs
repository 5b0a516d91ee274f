//! Reading documents: JSON text, numbers, and the values that go out as they came in.
//!
//! Everything here works on the bytes of one document and knows nothing of series.

pub(crate) mod cell;
pub(crate) mod integer;
pub(crate) mod json;
pub(crate) mod members;
pub(crate) mod number;
pub(crate) mod python;
pub(crate) mod skip;
pub(crate) mod sum;
pub(crate) mod text;
pub(crate) mod unicode;
pub(crate) mod verbatim;
