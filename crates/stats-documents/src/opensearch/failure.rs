//! Why a request failed, and what that means for the question.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::{Amiss, SourceError, SourceErrorKind};

/// Why reading an answer was given up: it is larger than any answer should be.
#[derive(Debug)]
pub(super) struct TooMuch(pub(super) String);

impl fmt::Display for TooMuch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for TooMuch {}

/// Why one request failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The cluster answered with an error.
    #[error("{host} answered {status}: {reason}{}", of_index(.index, .reason))]
    Status {
        host: String,
        status: u16,
        /// The index that it is about, where the cluster names one.
        index: Option<String>,
        /// The error's `type`, such as `index_not_found_exception`; empty if there is none.
        class: String,
        reason: String,
        retry_after: Option<Duration>,
    },
    /// No answer: no connection, a timeout, a connection that broke.
    #[error("no answer from {host}")]
    Transport { host: String, source: reqwest::Error },
    /// The answer broke off.
    #[error("the answer broke off")]
    Body(#[source] io::Error),
    /// The answer is larger than what is asked for can be.
    #[error("{0}")]
    TooLarge(String),
    /// The answer is not one that can be believed, however often it is asked for.
    #[error("{0}")]
    Unusable(String),
    /// The answer is not what was asked for.
    #[error("{0}")]
    Malformed(String),
    /// The answer is whole, but says that it is not the whole truth.
    #[error("{0}")]
    Incomplete(String),
    /// The engine does not compute what tells changes.
    #[error(
        "this engine does not sum up sequence numbers (`_seq_no`), which tell what changed: \
         OpenSearch 2.3 or newer does"
    )]
    NoSums,
    /// What was asked about changed in between.
    #[error("{0}")]
    Changed(String),
    /// What the indices hold fits no shelf, however often it is asked for.
    #[error("{0}")]
    Ambiguous(String),
    /// The question has taken too long as a whole.
    #[error("it took more than {0:?}")]
    Deadline(Duration),
    /// The cluster failed lately, and is asked again in a few seconds.
    #[error(
        "the cluster did not answer lately ({reason}), and is only asked again every few seconds"
    )]
    Resting {
        reason: String,
        /// How long until the next request may be sent.
        next_probe: Duration,
        /// Whether the failure is so young that waiting for it is worth while.
        patient: bool,
    },
    /// No connection can be prepared.
    #[error(transparent)]
    Unprepared(SourceError),
}

/// The index that an error is about, unless its reason names it.
fn of_index(index: &Option<String>, reason: &str) -> String {
    match index {
        Some(index) if !reason.contains(index.as_str()) => format!(" (index {index})"),
        _ => String::new(),
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<TooMuch>()) {
            Some(TooMuch(what)) => Self::TooLarge(what.clone()),
            None => Self::Body(error),
        }
    }
}

impl Failure {
    /// The answer does not say of how many shards it is.
    pub(super) fn without_shards() -> Self {
        Self::Unusable(
            "the answer leaves out `_shards`, which says whether every shard has answered: half an \
             answer could not be told from a whole one. Ask the nodes themselves (`source.hosts`) \
             rather than the service or gateway that drops it"
                .to_owned(),
        )
    }

    /// The answer is no JSON, or another one than was asked for.
    pub(super) fn not_expected(error: &serde_json::Error) -> Self {
        let error: String = error.to_string().chars().take(300).collect();
        Self::Malformed(format!("not the expected JSON: {error}"))
    }

    /// Whether asking again may help.
    pub(super) fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 429 | 502..=504),
            Self::Transport { .. } | Self::Body(_) | Self::Malformed(_) | Self::Incomplete(_) => {
                true
            }
            Self::NoSums
            | Self::Changed(_)
            | Self::Ambiguous(_)
            | Self::TooLarge(_)
            | Self::Unusable(_)
            | Self::Deadline(_)
            | Self::Resting { .. }
            | Self::Unprepared(_) => false,
        }
    }

    /// Whether it says that the cluster does not work, rather than that it is busy or declines.
    pub(super) fn is_outage(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 502..=504),
            Self::Transport { .. } | Self::Body(_) => true,
            _ => false,
        }
    }

    /// How long the cluster asks to be left alone.
    pub(super) const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether an index or alias of the request does not exist.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Status { status: 404, class, .. } if class == "index_not_found_exception")
    }

    /// Whether the right to ask is missing, or the server does not know the question.
    pub(super) const fn is_declined(&self) -> bool {
        matches!(self, Self::Status { status: 400 | 401 | 403 | 404 | 405, .. })
    }

    /// Whether the server does not take this for a question.
    pub(super) const fn is_no_question(&self) -> bool {
        matches!(self, Self::Status { status: 400, .. })
    }

    /// The error of the question that this request belonged to.
    pub(super) fn while_(self, doing: impl Into<String>) -> SourceError {
        let kind = match &self {
            _ if self.is_missing() => SourceErrorKind::Own(Amiss::NotFound),
            Self::Malformed(_) | Self::Incomplete(_) | Self::Changed(_) => {
                SourceErrorKind::Own(Amiss::Inconsistent)
            }
            // The point in time ran out or its shard moved; a new reading gets a new one.
            Self::Status { class, .. } if class == "search_context_missing_exception" => {
                SourceErrorKind::Own(Amiss::Inconsistent)
            }
            failure if failure.is_transient() => SourceErrorKind::Unreachable,
            Self::Status { status: 500.., .. } | Self::Deadline(_) | Self::Resting { .. } => {
                SourceErrorKind::Unreachable
            }
            _ => SourceErrorKind::Refused,
        };
        SourceError::caused_by(kind, doing, self)
    }
}
