//! Transactions that depend on what stands there, and are not run when somebody writes meanwhile.

use std::borrow::Cow;

use redis::{Cmd, Connection, ErrorKind, RedisResult, Value, cmd};

use super::client::{RedisClient, packed, transaction};
use super::error::cache_error;
use crate::CacheError;

/// Packed commands for one transaction; in pieces, so that a large value need not be copied.
#[derive(Clone)]
pub(super) struct Pieces<'a> {
    pub(super) bytes: Vec<Cow<'a, [u8]>>,
    /// How many commands they are.
    pub(super) commands: usize,
}

impl RedisClient {
    /// Asks, and runs the commands that `change` makes of the answers as one transaction, unless
    /// somebody wrote to `key` in between. Returns whether they were run.
    pub(super) fn unless_changed(
        &self,
        key: &str,
        ask: &[Cmd],
        change: impl Fn(Vec<Value>) -> Option<Vec<Cmd>>,
        doing: &str,
    ) -> Result<bool, CacheError> {
        let change = |answers| {
            Ok(change(answers).map(|commands| Pieces {
                bytes: vec![Cow::Owned(packed(&commands))],
                commands: commands.len(),
            }))
        };
        let Some(answers) = self.pieces_unless_changed(key, ask, change, doing)? else {
            return Ok(false);
        };
        match answers.into_iter().find_map(|answer| answer.extract_error().err()) {
            None => Ok(true),
            Some(error) => Err(cache_error(format!("{doing} at {}", self.address()), error)),
        }
    }

    /// The same with commands that are packed already; returns the answers to each, errors of single
    /// ones too, or `None` when they were not run.
    pub(super) fn pieces_unless_changed<'a>(
        &self,
        key: &str,
        ask: &[Cmd],
        change: impl Fn(Vec<Value>) -> RedisResult<Option<Pieces<'a>>>,
        doing: &str,
    ) -> Result<Option<Vec<Value>>, CacheError> {
        self.run(doing, |connection| {
            let Some(Pieces { bytes, commands }) = watch(connection, key, ask, &change)? else {
                return Ok(None);
            };
            let bytes: Vec<&[u8]> = bytes.iter().map(AsRef::as_ref).collect();
            match transaction(connection, &bytes, commands) {
                Ok(answers) => Ok(Some(answers)),
                Err(error) if error.kind() == ErrorKind::UnexpectedReturnType => Ok(None),
                Err(error) => Err(error),
            }
        })
    }
}

/// Watches a key, asks, and ends the watch when nothing is to be changed.
fn watch<'a>(
    connection: &mut Connection,
    key: &str,
    ask: &[Cmd],
    change: &impl Fn(Vec<Value>) -> RedisResult<Option<Pieces<'a>>>,
) -> RedisResult<Option<Pieces<'a>>> {
    let watch = cmd("WATCH").arg(key).get_packed_command();
    connection.send_packed_command(&[watch, packed(ask)].concat())?;
    let watched = connection.recv_response()?.extract_error();
    let answers: Vec<Value> =
        ask.iter().map(|_| connection.recv_response()).collect::<RedisResult<_>>()?;
    watched?;
    let change = change(answers);
    if !matches!(change, Ok(Some(_))) {
        connection.send_packed_command(&cmd("UNWATCH").get_packed_command())?;
        connection.recv_response()?.extract_error()?;
    }
    change
}
