//! What goes wrong with something outside of the program: a small kind to decide by, a chain to read.

use std::error::Error;
use std::io;

/// What a caller can do about a [`Fault`]. `Own` is what only one place can say of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind<Own> {
    /// It cannot be reached or opened at all; later may be better.
    Unreachable,
    /// It refuses: wrong credentials, read-only, a missing right, something that it cannot keep.
    Refused,
    /// No room left, or a configured limit is reached.
    Full,
    /// The whole of it (not one entry) is damaged, or is something else.
    Damaged,
    /// It was written by a newer version of this program.
    NewerFormat,
    /// Another process holds what is needed.
    Busy,
    /// Something that only this place knows.
    Own(Own),
}

impl<Own> FaultKind<Own> {
    /// What can be done about an error of the file system.
    #[must_use]
    pub fn of_file(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Refused,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Unreachable,
        }
    }

    /// Whether the same call may succeed later without anybody doing anything to it.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable | Self::Busy | Self::Full)
    }
}

/// A failed call: what was being done, to what, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("{doing}")]
pub struct Fault<Own> {
    kind: FaultKind<Own>,
    doing: String,
    #[source]
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl<Own: Copy> Fault<Own> {
    /// An error without a deeper cause. `doing` says what was tried, with what, and what to do.
    #[must_use]
    pub fn new(kind: FaultKind<Own>, doing: impl Into<String>) -> Self {
        Self { kind, doing: doing.into(), cause: None }
    }

    /// The same with the error that caused it.
    #[must_use]
    pub fn caused_by(
        kind: FaultKind<Own>,
        doing: impl Into<String>,
        cause: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, doing: doing.into(), cause: Some(cause.into()) }
    }

    /// What a caller can do about it.
    #[must_use]
    pub const fn kind(&self) -> FaultKind<Own> {
        self.kind
    }
}

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a place without peculiarities says of itself: nothing.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Nothing {}

    #[test]
    fn errors_of_the_file_system_tell_what_can_be_done() {
        let of = |kind: io::ErrorKind| FaultKind::<Nothing>::of_file(&kind.into());
        assert_eq!(of(io::ErrorKind::ReadOnlyFilesystem), FaultKind::Refused);
        assert_eq!(of(io::ErrorKind::QuotaExceeded), FaultKind::Full);
        assert_eq!(of(io::ErrorKind::NotFound), FaultKind::Unreachable);
    }

    #[test]
    fn a_cause_is_told_after_what_was_being_done() {
        let cause = io::Error::from(io::ErrorKind::NotFound);
        let text = cause.to_string();
        let fault = Fault::<Nothing>::caused_by(FaultKind::Unreachable, "opening it", cause);
        assert_eq!(fault.to_string(), "opening it");
        assert_eq!(fault.source().map(ToString::to_string), Some(text.clone()));
        assert_eq!(chain(&fault), format!("opening it: {text}"));
        assert!(fault.kind().may_pass());
    }
}
