//! Connections, which somebody else knows how to make.

use std::sync::{Mutex, MutexGuard, PoisonError};

use redis::{Cmd, Connection, RedisError, RedisResult, Value};

use super::error::{ends_connection, ledger_error};
use crate::ledger::error::LedgerError;

/// So many connections are kept open.
const IDLE: usize = 4;

/// Makes a connection to the database, with its timeouts set.
pub(super) type Connect = Box<dyn Fn() -> RedisResult<Connection> + Send + Sync>;

pub(super) struct Connections {
    connect: Connect,
    idle: Mutex<Vec<Connection>>,
}

impl Connections {
    pub(super) fn new(connect: Connect) -> Self {
        Self { connect, idle: Mutex::default() }
    }

    /// Runs one command. It must do no harm when it is done twice.
    pub(super) fn command(&self, command: &Cmd, doing: &str) -> Result<Value, LedgerError> {
        self.run(doing, |connection| {
            connection.send_packed_command(&command.get_packed_command())?;
            connection.recv_response()?.extract_error()
        })
    }

    /// Sends commands in one go; the answers to each are returned, errors of single ones too.
    pub(super) fn pipeline(
        &self,
        commands: &[Cmd],
        doing: &str,
    ) -> Result<Vec<Value>, LedgerError> {
        let mut packed = Vec::new();
        for command in commands {
            command.write_packed_command(&mut packed);
        }
        self.run(doing, |connection| {
            connection.send_packed_command(&packed)?;
            commands.iter().map(|_| connection.recv_response()).collect()
        })
    }

    /// Runs `work` on a connection. It is run again on a new one when the connection had been idle and
    /// turns out to be broken.
    fn run<T>(
        &self,
        doing: &str,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, LedgerError> {
        let idle = self.idle().pop();
        let was_idle = idle.is_some();
        let mut result = match idle {
            Some(connection) => self.run_on(connection, &work),
            None => (self.connect)().and_then(|connection| self.run_on(connection, &work)),
        };
        if was_idle && result.as_ref().is_err_and(RedisError::is_connection_dropped) {
            // The server was restarted or closed what was idle: the others are broken as well.
            self.idle().clear();
            result = (self.connect)().and_then(|connection| self.run_on(connection, &work));
        }
        result.map_err(|error| ledger_error(doing, error))
    }

    fn run_on<T>(
        &self,
        mut connection: Connection,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        let result = work(&mut connection);
        // After an error of the connection an answer may be under way that belongs to nobody.
        if !result.as_ref().is_err_and(ends_connection) {
            let mut idle = self.idle();
            if idle.len() < IDLE {
                idle.push(connection);
            }
        }
        result
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
