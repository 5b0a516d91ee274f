//! Connections, which somebody else knows how to make.

use redis::{Cmd, Connection, RedisResult, Value};
use stats_redis::Pool;

use super::error::ledger_error;
use crate::ledger::error::LedgerError;

/// So many connections are kept open.
const IDLE: usize = 4;

/// Makes a connection to the database, with its timeouts set.
pub(super) type Connect = Box<dyn Fn() -> RedisResult<Connection> + Send + Sync>;

pub(super) struct Connections {
    connect: Connect,
    pool: Pool,
}

impl Connections {
    pub(super) fn new(connect: Connect) -> Self {
        Self { connect, pool: Pool::new(IDLE) }
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

    /// Runs `work` on a connection. It must do no harm when it is done twice.
    fn run<T>(
        &self,
        doing: &str,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, LedgerError> {
        self.pool.run(&self.connect, work).map_err(|error| ledger_error(doing, error))
    }
}
