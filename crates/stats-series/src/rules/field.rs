//! A field of a document, and why one is refused.

use crate::scan::members::{Members, members};

/// A field that the rules refuse: its path below the document or item, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) field: String,
    pub(crate) reason: &'static str,
}

pub(super) fn refuse<T>(field: impl Into<String>, reason: &'static str) -> Result<T, Refused> {
    Err(Refused { field: field.into(), reason })
}

pub(super) const NOT_AN_OBJECT: &str = "expected an object";
pub(super) const NOT_A_NUMBER: &str = "expected a number";
pub(super) const NOT_AN_INTEGER: &str = "expected a number or the text of an integer";
pub(super) const TOO_LARGE: &str = "an integer is too large to be added to a float";
pub(super) const NOT_FINITE: &str = "the sum is infinite or no number";

/// A field of a document, with its members when it is an object.
#[derive(Debug, Clone)]
pub(super) enum Field<'a> {
    Absent,
    Null,
    Object { raw: &'a [u8], members: Members<'a> },
    Other(&'a [u8]),
}

/// The members of an object, in order.
pub(super) type Fields<'f, 'a> = &'f [(std::borrow::Cow<'a, [u8]>, &'a [u8])];

impl<'a> Field<'a> {
    pub(super) fn of(value: Option<&'a [u8]>) -> Self {
        match value {
            None => Self::Absent,
            Some(b"null") => Self::Null,
            Some(raw) if raw[0] == b'{' => {
                Self::Object { raw, members: members(raw).unwrap_or_default() }
            }
            Some(other) => Self::Other(other),
        }
    }

    /// The members; an absent field counts as an empty object.
    pub(super) fn object_or_empty(&self) -> Option<Fields<'_, 'a>> {
        match self {
            Self::Absent => Some(&[]),
            Self::Object { members, .. } => Some(members),
            Self::Null | Self::Other(_) => None,
        }
    }
}
