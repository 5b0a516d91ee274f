//! How the program ends: one number for each kind of end, one error type for the way there.

use std::io;
use std::process::ExitCode;

use stats_cache::{CacheError, CacheErrorKind, InvalidData, LockLost};
use stats_documents::{Amiss, SourceError, SourceErrorKind};
use stats_jobs::ledger::{LedgerError, LedgerErrorKind};
use stats_jobs::{QueueError, QueueErrorKind};
use stats_service::{ServiceError, chain};

use crate::app::AppError;
use crate::config::ConfigError;

/// The exit codes. Every command ends with one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: failed, or the answer is no.
    Failed,
    /// 2: the command line or a setting cannot be used.
    Usage,
    /// 3: done but for responses, lines or shelves that failed, are held or are not up to date, a
    /// kind without index, or years in no lifespan.
    Partly,
    /// 5: the source or the store cannot be reached.
    Unreachable,
    /// 6: `cache verify` found a difference, or `status` that not all is well.
    Difference,
    /// 130: interrupted.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Unreachable => 5,
            Self::Difference => 6,
            Self::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What happened, causes included.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure of this kind.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn did_you_mean(self, similar: &[String]) -> Self {
        match similar {
            [] => self,
            names => {
                let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
                self.hint(format!("did you mean {}?", names.join(" or ")))
            }
        }
    }
}

impl From<io::Error> for Failure {
    /// For writing to standard output.
    fn from(error: io::Error) -> Self {
        Self::new(Exit::Failed, format!("writing the output: {error}"))
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let failure = Self::new(Exit::Usage, chain(&error));
        match error.hint() {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        let failure = Self::new(exit_of_source(error.kind()), chain(&error));
        match error.kind() {
            SourceErrorKind::NewerFormat => failure.hint(UPDATE),
            SourceErrorKind::Full => failure.hint(ROOM),
            _ => failure,
        }
    }
}

impl From<CacheError> for Failure {
    fn from(error: CacheError) -> Self {
        let failure = Self::new(exit_of_store(error.kind()), chain(&error));
        match error.kind() {
            CacheErrorKind::NewerFormat => failure.hint(UPDATE),
            CacheErrorKind::Full => failure.hint(ROOM),
            _ => failure,
        }
    }
}

const UPDATE: &str = "a newer community-stats wrote it; install that version or a later one";
const ROOM: &str = "make room, then run the same command again: it continues where it stopped";

/// Waiting may help with what is unreachable; it does not help with the rest.
const fn exit_of_source(kind: SourceErrorKind) -> Exit {
    match kind {
        SourceErrorKind::Unreachable | SourceErrorKind::Refused | SourceErrorKind::Busy => {
            Exit::Unreachable
        }
        SourceErrorKind::Full
        | SourceErrorKind::Damaged
        | SourceErrorKind::NewerFormat
        | SourceErrorKind::Own(Amiss::Inconsistent)
        | SourceErrorKind::Own(Amiss::NotFound) => Exit::Failed,
    }
}

const fn exit_of_store(kind: CacheErrorKind) -> Exit {
    match kind {
        CacheErrorKind::Unreachable | CacheErrorKind::Refused | CacheErrorKind::Busy => {
            Exit::Unreachable
        }
        CacheErrorKind::Full
        | CacheErrorKind::Damaged
        | CacheErrorKind::NewerFormat
        | CacheErrorKind::Own(LockLost) => Exit::Failed,
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Config(error) => error.into(),
            AppError::Source(error) => error.into(),
            AppError::Store(error) => error.into(),
            AppError::Ledger(error) => error.into(),
            AppError::Queue(error) => error.into(),
            AppError::NoArchive(_) => Self::new(Exit::Unreachable, chain(&error))
                .hint("import documents first: community-stats import PATH"),
            AppError::EmptyArchive(_) => Self::new(Exit::Unreachable, chain(&error)).hint(
                "make room if the disk is full, and import again: community-stats import PATH",
            ),
            AppError::Folder(..) => Self::new(Exit::Unreachable, chain(&error)),
        }
    }
}

impl From<QueueError> for Failure {
    fn from(error: QueueError) -> Self {
        let exit = match error.kind() {
            QueueErrorKind::Unreachable | QueueErrorKind::Busy => Exit::Unreachable,
            _ => Exit::Failed,
        };
        Self::new(exit, chain(&error))
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        let exit = match error.kind() {
            LedgerErrorKind::Unreachable | LedgerErrorKind::Busy => Exit::Unreachable,
            _ => Exit::Failed,
        };
        Self::new(exit, chain(&error))
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Source(error) => error.into(),
            ServiceError::Store(error) => error.into(),
            ServiceError::NotReleased { error, release } => {
                let failure = Self::from(*error);
                let release = chain(&release);
                let message =
                    format!("{}; then the lock was not given back: {release}", failure.message);
                Self { message, ..failure }
            }
            ServiceError::Locked(_) => Self::new(Exit::Failed, chain(&error))
                .hint("wait for it to end, or see who holds the lock: community-stats doctor"),
            ServiceError::NoHands => Self::new(Exit::Failed, chain(&error)).hint(
                "start one, here or elsewhere: community-stats run --role worker; or leave out --role",
            ),
            ServiceError::RunOver | ServiceError::OtherHands(_) => {
                Self::new(Exit::Failed, chain(&error))
            }
            ServiceError::Interrupted => Self::new(Exit::Interrupted, "interrupted"),
            ServiceError::UnknownSlug { slug, similar } => Self::new(
                Exit::Failed,
                format!(
                    "Failed to resolve community slug '{slug}': \
                     Community with slug '{slug}' not found"
                ),
            )
            .did_you_mean(&similar),
            ServiceError::UnknownCommunity { ref similar, .. } => {
                Self::new(Exit::Failed, chain(&error)).did_you_mean(similar)
            }
            ServiceError::InvalidData(InvalidData::Write(error)) => error.into(),
            ServiceError::InvalidData(_) | ServiceError::Series(_) => {
                Self::new(Exit::Failed, chain(&error))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use stats_cache::{CacheError, CacheErrorKind};

    use super::*;

    #[test]
    fn a_lock_that_was_not_given_back_is_told_after_why_the_run_failed() {
        let unknown =
            || ServiceError::UnknownCommunity { id: "nobody".to_owned(), similar: Vec::new() };
        let release = CacheError::new(CacheErrorKind::Unreachable, "releasing the lock");
        let both = ServiceError::NotReleased { error: Box::new(unknown()), release };
        let (failure, alone) = (Failure::from(both), Failure::from(unknown()));
        let expected =
            format!("{}; then the lock was not given back: releasing the lock", alone.message);
        assert_eq!(failure.message, expected);
        assert!(expected.starts_with("no community has the id 'nobody'"), "{expected}");
        assert_eq!(failure.exit, alone.exit);
    }
}
