//! Transactions that depend on what stands there, and are not run when somebody writes meanwhile.

use redis::{Cmd, Connection, ErrorKind, RedisResult, Value, cmd};

use super::client::{RedisClient, packed, transaction};
use super::fence::{Fence, Standing};
use super::pieces::Pieces;
use super::reply::command;
use crate::CacheError;

/// What a transaction depends on.
#[derive(Clone, Copy)]
pub(super) struct Watched<'a> {
    /// The key that nobody else may write to meanwhile.
    pub(super) key: Option<&'a str>,
    /// What has to stand all the time.
    pub(super) fence: Option<&'a Fence>,
}

/// What came of a transaction.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It was run: the answers to each command, errors of single ones too.
    Done(Vec<Value>),
    /// As things are, nothing is to be changed.
    Unwanted,
    /// Somebody wrote to what was watched.
    Disturbed,
    /// The fence does not stand, or stands for nobody.
    Fenced(Standing),
}

impl RedisClient {
    /// Asks, and runs the commands that `change` makes of the answers as one transaction, unless
    /// somebody wrote to what is watched in between.
    pub(super) fn attempt<'a>(
        &self,
        watched: Watched<'_>,
        ask: &[Cmd],
        change: impl Fn(Vec<Value>) -> RedisResult<Option<Pieces<'a>>>,
        doing: &str,
    ) -> Result<Attempt, CacheError> {
        self.run(doing, |connection| {
            let Pieces { bytes, commands } = match watch(connection, watched, ask, &change)? {
                Ok(pieces) => pieces,
                Err(instead) => return Ok(instead),
            };
            let bytes: Vec<&[u8]> = bytes.iter().map(AsRef::as_ref).collect();
            match transaction(connection, &bytes, commands) {
                Ok(answers) => Ok(Attempt::Done(answers)),
                Err(error) if error.kind() == ErrorKind::UnexpectedReturnType => {
                    Ok(Attempt::Disturbed)
                }
                Err(error) => Err(error),
            }
        })
    }
}

/// Watches, asks, and ends the watch when nothing is to be changed.
fn watch<'a>(
    connection: &mut Connection,
    watched: Watched<'_>,
    ask: &[Cmd],
    change: &impl Fn(Vec<Value>) -> RedisResult<Option<Pieces<'a>>>,
) -> RedisResult<Result<Pieces<'a>, Attempt>> {
    let fence = watched.fence.map_or_else(Vec::new, Fence::look);
    let key = watched.key.map(|key| command(&["WATCH", key]));
    let key = key.as_slice();
    connection.send_packed_command(&[packed(&fence), packed(key), packed(ask)].concat())?;
    let mut answers = |count: usize| -> RedisResult<Vec<Value>> {
        (0..count).map(|_| connection.recv_response()).collect()
    };
    let (fence, key, asked) = (answers(fence.len())?, answers(key.len())?, answers(ask.len())?);
    let judge = || {
        let standing = watched.fence.map(|it| it.standing(fence)).transpose()?;
        key.into_iter().try_for_each(|answer| answer.extract_error().map(drop))?;
        Ok(match standing {
            None | Some(Standing::Open) => change(asked)?.ok_or(Attempt::Unwanted),
            Some(standing) => Err(Attempt::Fenced(standing)),
        })
    };
    let judged = judge();
    if !matches!(judged, Ok(Ok(_))) {
        connection.send_packed_command(&cmd("UNWATCH").get_packed_command())?;
        connection.recv_response()?.extract_error()?;
    }
    judged
}
