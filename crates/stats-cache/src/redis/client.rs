//! Connections to one Redis database, shared by threads.

use std::fmt;

use redis::{Client, Cmd, Connection, ErrorKind, RedisError, RedisResult, Value};
use stats_redis::{Endpoint, Pool, RedisAddress, client_of, fault};

use super::options::RedisOptions;
use super::sentinel;
use crate::{CacheError, CacheErrorKind};

const MULTI: &[u8] = b"*1\r\n$5\r\nMULTI\r\n";
const EXEC: &[u8] = b"*1\r\n$4\r\nEXEC\r\n";

/// Up to this many bytes, sending a request at once is cheaper than not copying it.
const COPIED: usize = 2 << 20;

/// How a connection gets to the server.
enum Route {
    Direct(Box<Client>),
    /// The primary is asked for each time.
    Sentinels(Vec<Client>),
}

/// One Redis database: as many connections as threads need at a time.
pub struct RedisClient {
    address: RedisAddress,
    route: Route,
    options: RedisOptions,
    pool: Pool,
}

impl RedisClient {
    /// Connects once, so that a wrong address or password is told at start.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses, or a certificate file cannot be read.
    pub fn connect(address: RedisAddress, options: RedisOptions) -> Result<Self, CacheError> {
        let client = Self::prepare(address, options)?;
        let connection = client
            .open()
            .map_err(|error| fault(format!("connecting to {}", client.address), error))?;
        client.pool.keep(connection);
        Ok(client)
    }

    /// The same without connecting: for a server that may not be needed at all. The first command
    /// tells what is wrong with it.
    ///
    /// # Errors
    /// When a certificate file cannot be read.
    pub fn prepare(address: RedisAddress, options: RedisOptions) -> Result<Self, CacheError> {
        let route = match &address.endpoint {
            Endpoint::Sentinel { sentinels, tls, .. } => {
                let login = (address.sentinel_username.clone(), address.sentinel_password.clone());
                let clients = sentinels.iter().map(|node| {
                    let (username, password) = login.clone();
                    let endpoint = node_endpoint(node.clone(), *tls);
                    let tls = address.tls.clone();
                    let node = RedisAddress::new(endpoint, 0);
                    client(&RedisAddress { username, password, tls, ..node }, &options)
                });
                Route::Sentinels(clients.collect::<Result<_, _>>()?)
            }
            _ => Route::Direct(Box::new(client(&address, &options)?)),
        };
        let pool = Pool::new(options.idle_connections);
        Ok(Self { address, route, options, pool })
    }

    /// `host:port` of the primary that the sentinels name at this moment; `None` without sentinels.
    ///
    /// # Errors
    /// When no sentinel can be asked, or none knows the service.
    pub fn primary(&self) -> Result<Option<String>, CacheError> {
        let Route::Sentinels(sentinels) = &self.route else { return Ok(None) };
        let primary = sentinel::primary(sentinels, self.service(), &self.options);
        primary
            .map(|(host, port)| Some(format!("{host}:{port}")))
            .map_err(|error| fault(format!("asking {}", self.address), error))
    }

    fn service(&self) -> &str {
        match &self.address.endpoint {
            Endpoint::Sentinel { service, .. } => service,
            _ => "",
        }
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> &RedisAddress {
        &self.address
    }

    /// Runs one command.
    pub(super) fn command(&self, command: &Cmd, doing: &str) -> Result<Value, CacheError> {
        self.run(doing, |connection| {
            connection.send_packed_command(&command.get_packed_command())?;
            connection.recv_response()?.extract_error()
        })
    }

    /// Sends commands in one go; the answers to each are returned, errors of single ones too.
    pub(super) fn pipeline(&self, commands: &[Cmd], doing: &str) -> Result<Vec<Value>, CacheError> {
        let packed = packed(commands);
        self.run(doing, |connection| {
            connection.send_packed_command(&packed)?;
            commands.iter().map(|_| connection.recv_response()).collect()
        })
    }

    /// Runs commands that read or remove as one transaction, which nobody else's commands come
    /// between; the answers to each are returned, errors of single ones too.
    ///
    /// A server that is out of memory takes no transaction at all, and no write either, so that
    /// then the plain sequence does. Of what somebody removes meanwhile, bodies have to be read
    /// before deadlines, and removed before records.
    pub(super) fn transaction(
        &self,
        commands: &[Cmd],
        doing: &str,
    ) -> Result<Vec<Value>, CacheError> {
        let packed = packed(commands);
        match self.packed_transaction(&[&packed], commands.len(), doing) {
            Err(error) if error.kind() == CacheErrorKind::Full => self.pipeline(commands, doing),
            result => result,
        }
    }

    /// Puts commands into a transaction that never ends, on a connection of its own; what the
    /// server says to each. `None` when it takes no transaction from this user.
    pub(super) fn queued(
        &self,
        commands: &[Cmd],
        doing: &str,
    ) -> Result<Option<Vec<Value>>, CacheError> {
        let ask = || {
            let mut connection = self.open()?;
            connection.send_packed_command(MULTI)?;
            // Without it the commands would be run.
            match connection.recv_response()?.extract_error() {
                Err(error) if error.code() == Some("NOPERM") => return Ok(None),
                begun => begun?,
            };
            connection.send_packed_command(&packed(commands))?;
            let answers = commands.iter().map(|_| connection.recv_response());
            answers.collect::<RedisResult<_>>().map(Some)
        };
        ask().map_err(|error| fault(format!("{doing} at {}", self.address), error))
    }

    /// Runs commands that are packed already as one transaction; in pieces, so that a large value
    /// need not be copied.
    pub(super) fn packed_transaction(
        &self,
        pieces: &[&[u8]],
        commands: usize,
        doing: &str,
    ) -> Result<Vec<Value>, CacheError> {
        self.run(doing, |connection| transaction(connection, pieces, commands))
    }

    /// Runs `work` on a connection. It is run again on a new one when the connection had been idle
    /// and turns out to be broken, and when this process was stopped while it waited for an answer:
    /// `work` must do no harm when it is done twice.
    pub(super) fn run<T>(
        &self,
        doing: &str,
        work: impl Fn(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, CacheError> {
        let result = self.pool.run(|| self.open(), work);
        result.map_err(|error| fault(format!("{doing} at {}", self.address), error))
    }

    /// A connection of the caller's own, with its timeouts set: for what else is kept in this database.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses.
    pub fn open(&self) -> RedisResult<Connection> {
        let timeout = self.options.connect_timeout;
        let connection = match &self.route {
            Route::Direct(client) => client.get_connection_with_timeout(timeout)?,
            Route::Sentinels(sentinels) => {
                let node = sentinel::primary(sentinels, self.service(), &self.options)?;
                let endpoint = node_endpoint(node, self.is_encrypted());
                let primary = RedisAddress { endpoint, ..self.address.clone() };
                let client = client(&primary, &self.options).map_err(unprepared)?;
                let mut connection = client.get_connection_with_timeout(timeout)?;
                connection.set_read_timeout(Some(timeout))?;
                sentinel::is_primary(&mut connection)?;
                connection
            }
        };
        connection.set_read_timeout(Some(self.options.response_timeout))?;
        connection.set_write_timeout(Some(self.options.response_timeout))?;
        Ok(connection)
    }

    fn is_encrypted(&self) -> bool {
        matches!(self.address.endpoint, Endpoint::Tls { .. } | Endpoint::Sentinel { tls: true, .. })
    }
}

impl fmt::Debug for RedisClient {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisClient")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// Sends `MULTI`, the packed commands and `EXEC`. Nothing is done when a command is refused while it
/// is queued (no memory, read-only) or the connection breaks before the end: the whole is one.
pub(super) fn transaction(
    connection: &mut Connection,
    pieces: &[&[u8]],
    commands: usize,
) -> RedisResult<Vec<Value>> {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    if length <= COPIED {
        let whole = [&[MULTI], pieces, &[EXEC]].concat().concat();
        connection.send_packed_command(&whole)?;
    } else {
        for piece in [&[MULTI], pieces, &[EXEC]].concat() {
            connection.send_packed_command(piece)?;
        }
    }
    // Every answer has to be taken, or the connection would be one behind.
    let mut refused = None;
    for _ in 0..=commands {
        if let Err(error) = connection.recv_response()?.extract_error() {
            refused.get_or_insert(error);
        }
    }
    let answer = connection.recv_response()?;
    match (refused, answer) {
        (Some(error), _) => Err(error),
        (None, Value::Array(answers)) => Ok(answers),
        (None, other) => {
            other.extract_error()?;
            Err((ErrorKind::UnexpectedReturnType, "a transaction without answers").into())
        }
    }
}

pub(super) fn packed(commands: &[Cmd]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for command in commands {
        command.write_packed_command(&mut bytes);
    }
    bytes
}

fn node_endpoint((host, port): (String, u16), tls: bool) -> Endpoint {
    if tls { Endpoint::Tls { host, port } } else { Endpoint::Tcp { host, port } }
}

/// The certificate files were read before, for the sentinels: they can only have gone meanwhile.
fn unprepared(error: CacheError) -> RedisError {
    (ErrorKind::InvalidClientConfig, "preparing TLS for the primary", error.to_string()).into()
}

/// A client of one server; `address` names one, not sentinels.
fn client(address: &RedisAddress, options: &RedisOptions) -> Result<Client, CacheError> {
    client_of(address, options.ca_file.as_deref())
}
