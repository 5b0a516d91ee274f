//! Commands that are packed already.

use std::borrow::Cow;

/// Packed commands for one transaction; in pieces, so that a large value need not be copied.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    pub(super) bytes: Vec<Cow<'a, [u8]>>,
    /// How many commands they are.
    pub(super) commands: usize,
}
