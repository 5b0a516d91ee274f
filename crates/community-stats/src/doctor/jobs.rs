//! The files of what is done later: the queue without a broker, and what is remembered of runs. Neither
//! is needed for responses, so a file that is not there is not mentioned.

use std::io;
use std::path::Path;

use stats_jobs::ledger::{LedgerError, LedgerErrorKind, SqliteLedger, SqliteLedgerOptions};
use stats_jobs::{EmbeddedFile, EmbeddedOptions, QueueError};
use stats_model::FaultKind;
use stats_service::chain;

use super::check::{Check, State, plural};
use crate::config::{LedgerKind, Settings};

pub(super) fn examine(settings: &Settings) -> Vec<Check> {
    let mut checks = Vec::new();
    if settings.broker.url.is_none() {
        checks.extend(queue(&settings.data.queue_path()));
    }
    if settings.ledger() == LedgerKind::Sqlite {
        checks.extend(ledger(&settings.data.ledger_path()));
    }
    checks
}

fn queue(path: &Path) -> Option<Check> {
    let name = "queue";
    let file = EmbeddedFile::find(path, EmbeddedOptions::default())?;
    let look = || -> Result<_, QueueError> { Ok((file.quick_check()?, file.messages()?)) };
    let shown = path.display();
    let again = "move it away: tasks that wait in it are lost, and the next run makes what they would \
                 have made";
    Some(match look() {
        Ok((found, _)) if !found.is_empty() => {
            Check::failed(name, format!("{shown} is damaged: {}", found.join("; ")), again)
        }
        Ok((_, messages)) => {
            Check::ok(name, format!("{shown}: {}", plural(messages, "task", "tasks")))
        }
        Err(error) => {
            let (state, remedy) = advice(error.kind(), again);
            Check::of(state, name, chain(&error), remedy)
        }
    })
}

fn ledger(path: &Path) -> Option<Check> {
    let name = "ledger";
    let found = path.metadata();
    let is_missing = found.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_missing || found.is_ok_and(|file| file.is_file() && file.len() == 0) {
        return None;
    }
    let look = || -> Result<_, LedgerError> {
        SqliteLedger::open_read_only(path, SqliteLedgerOptions::default())?.quick_check()
    };
    let again = "the next run sets it aside; what is remembered of runs is lost, and nothing else";
    Some(match look() {
        Ok(found) if found.is_empty() => Check::ok(name, path.display().to_string()),
        Ok(found) => {
            let detail = format!("{} is damaged: {}", path.display(), found.join("; "));
            Check::failed(name, detail, again)
        }
        Err(error) => {
            let kind: LedgerErrorKind = error.kind();
            let (state, remedy) = advice(kind, again);
            Check::of(state, name, chain(&error), remedy)
        }
    })
}

/// How bad an error of one of the files is, and what to do about it.
fn advice<Own>(kind: FaultKind<Own>, again: &'static str) -> (State, &'static str) {
    match kind {
        FaultKind::NewerFormat => {
            (State::Failed, "a newer community-stats wrote it; install that version or a later one")
        }
        FaultKind::Damaged => (State::Failed, again),
        FaultKind::Busy => (State::Warning, "try again when the other process is done"),
        FaultKind::Full => (State::Failed, "make room"),
        FaultKind::Unreachable => (State::Unreachable, "let the user of this process read it"),
        FaultKind::Refused | FaultKind::Own(_) => {
            (State::Failed, "let the user of this process read and write it")
        }
    }
}
