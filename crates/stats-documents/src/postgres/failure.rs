//! What PostgreSQL's errors mean to a caller.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::{DbError, SqlState};

use super::PostgresSettings;
use crate::{Amiss, SourceError, SourceErrorKind};

/// Why there is no answer.
pub(super) enum Failure {
    /// A connection could not be made.
    Connection(Error),
    /// A connection was not made in time.
    NoConnection(Duration),
    /// A question was not answered.
    Question(Error),
    /// A question was not answered in time.
    NoAnswer(Duration),
    /// The connection is being given up.
    NotOpen,
}

impl Failure {
    /// Whether the connection was there and broke, so that another one may do.
    pub(super) fn lost_connection(&self) -> bool {
        let Self::Question(error) = self else { return false };
        match error.as_db_error() {
            Some(answer) => ends_connection(answer),
            None => error.is_closed() || network(error).is_some(),
        }
    }

    /// The error for the caller. Neither it nor its cause holds a password: the address is shown
    /// without, and the server's answers do not repeat one.
    pub(super) fn into_error(self, doing: &str, settings: &PostgresSettings) -> SourceError {
        let doing = match &self {
            Self::Connection(_) | Self::NoConnection(_) => format!("connecting to {settings}"),
            Self::Question(_) | Self::NoAnswer(_) | Self::NotOpen => {
                format!("{doing} at {settings}")
            }
        };
        let unreachable = |what: String| SourceError::new(SourceErrorKind::Unreachable, what);
        match self {
            Self::NoConnection(limit) => unreachable(format!("{doing}: no answer in {limit:?}")),
            Self::NoAnswer(limit) => unreachable(format!("{doing}: no answer in {limit:?}")),
            Self::NotOpen => unreachable(format!("{doing}: the connection was closed")),
            Self::Connection(error) => explained(doing, error, SourceErrorKind::Refused),
            Self::Question(error) => {
                explained(doing, error, SourceErrorKind::Own(Amiss::Inconsistent))
            }
        }
    }
}

/// `otherwise` is for what neither server nor network say: a missing password, an answer that is
/// not PostgreSQL's.
fn explained(doing: String, error: Error, otherwise: SourceErrorKind) -> SourceError {
    let (kind, remedy) = match error.as_db_error() {
        Some(answer) => (kind_of(answer, otherwise), remedy(answer.code())),
        None => match network(&error) {
            Some(cause) if is_tls(cause) => {
                (SourceErrorKind::Refused, " (check sslmode and sslrootcert)")
            }
            Some(_) => (SourceErrorKind::Unreachable, ""),
            None if error.is_closed() => (SourceErrorKind::Unreachable, ""),
            None => (otherwise, ""),
        },
    };
    SourceError::caused_by(kind, format!("{doing}{remedy}"), error)
}

fn kind_of(answer: &DbError, otherwise: SourceErrorKind) -> SourceErrorKind {
    let code = answer.code();
    if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::UNDEFINED_COLUMN {
        return SourceErrorKind::Own(Amiss::NotFound);
    }
    if *code == SqlState::INSUFFICIENT_PRIVILEGE || *code == SqlState::INVALID_CATALOG_NAME {
        return SourceErrorKind::Refused;
    }
    match code.code().get(..2) {
        Some("28") => SourceErrorKind::Refused,
        Some("53") => SourceErrorKind::Busy,
        Some("08" | "57" | "58") => SourceErrorKind::Unreachable,
        _ => otherwise,
    }
}

fn remedy(code: &SqlState) -> &'static str {
    match code.code() {
        "28P01" | "28000" => " (check user and password of the database address)",
        "3D000" => " (check the name of the database)",
        "42501" => " (grant SELECT on communities_metadata to this user)",
        "42P01" | "42703" => " (is this the database of InvenioRDM?)",
        "53300" => " (the server has no connection left)",
        "57014" => " (the server stopped it at the time limit)",
        _ => "",
    }
}

/// The server is being stopped or started, or gave up this connection.
fn ends_connection(answer: &DbError) -> bool {
    let code = answer.code().code();
    code.starts_with("08") || matches!(code, "57P01" | "57P02" | "57P05" | "25P03")
}

fn network(error: &Error) -> Option<&io::Error> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}
