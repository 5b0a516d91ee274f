//! Connections to one Redis database, shared by threads.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::TcpKeepalive;
use redis::{Client, Connection, ConnectionInfo, IntoConnectionInfo, RedisResult};
use stats_model::Clock;
use stats_redis::{Pool, RedisAddress, client_of};

use super::error::queue_error;
use crate::QueueError;

/// After this without a word a server is asked whether it is still there.
const KEPT_ALIVE: Duration = Duration::from_secs(30);

/// How a broker in Redis is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedisBrokerOptions {
    /// How long a message stays in the hand of whoever received it, unless it is kept: Celery's
    /// `visibility_timeout`. Python's workers on the same database judge by theirs, so that it should
    /// not be longer than theirs is.
    pub visibility_timeout: Duration,
    /// For a connection, TLS and authentication included.
    pub connect_timeout: Duration,
    /// For each piece of an answer, and for each piece of a request to be taken.
    pub response_timeout: Duration,
    /// Connections kept open while nobody needs them.
    pub idle_connections: usize,
}

impl Default for RedisBrokerOptions {
    fn default() -> Self {
        Self {
            visibility_timeout: Duration::from_secs(3_600),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(30),
            idle_connections: 4,
        }
    }
}

/// A Redis database as Celery's broker. A copy of it is the same.
#[derive(Clone)]
pub struct RedisBroker(Arc<Shared>);

struct Shared {
    client: Client,
    options: RedisBrokerOptions,
    clock: Arc<dyn Clock>,
    pool: Pool,
}

impl RedisBroker {
    /// The database at `url`. Nothing is connected yet: the first call tells what is wrong with it.
    ///
    /// # Errors
    /// When the URL is none of Redis.
    pub fn open(
        url: &str,
        options: RedisBrokerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, QueueError> {
        let opened = url.into_connection_info().and_then(|info| Client::open(attentive(info)));
        let client = opened.map_err(|error| queue_error("reading the URL of the broker", error))?;
        Ok(Self::with_client(client, options, clock))
    }

    /// The same by an address in its parts, certificates included.
    ///
    /// # Errors
    /// When a certificate file cannot be read, or the address cannot be used.
    pub fn at(
        address: &RedisAddress,
        options: RedisBrokerOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, QueueError> {
        let info = client_of(address, None)?.get_connection_info().clone();
        let client = Client::open(attentive(info));
        let client = client.map_err(|error| queue_error(format!("preparing {address}"), error))?;
        Ok(Self::with_client(client, options, clock))
    }

    /// `clock` decides which messages were in somebody's hand for too long.
    fn with_client(client: Client, options: RedisBrokerOptions, clock: Arc<dyn Clock>) -> Self {
        let pool = Pool::new(options.idle_connections);
        Self(Arc::new(Shared { client, options, clock, pool }))
    }

    /// Where it is, for people; without a password.
    #[must_use]
    pub fn place(&self) -> String {
        let info = self.0.client.get_connection_info();
        format!("redis {}/{}", info.addr(), self.database())
    }

    /// The number of the database.
    pub(super) fn database(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }

    pub(super) fn options(&self) -> &RedisBrokerOptions {
        &self.0.options
    }

    /// The present in seconds since 1970, as kombu keeps times.
    pub(super) fn now(&self) -> f64 {
        self.0.clock.now().as_microsecond() as f64 / 1e6
    }

    /// Runs `work` on a connection that stands. It is never run twice: what was sent might be sent
    /// again.
    pub(super) fn run<T>(
        &self,
        doing: &str,
        work: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> Result<T, QueueError> {
        let result = self.connection().and_then(|connection| self.0.pool.run_on(connection, work));
        result.map_err(|error| queue_error(format!("{doing} at {}", self.place()), error))
    }

    /// One that was idle and still answers, or a new one.
    fn connection(&self) -> RedisResult<Connection> {
        if let Some(mut connection) = self.0.pool.take() {
            let asked = connection.set_read_timeout(Some(self.0.options.connect_timeout));
            if asked.is_ok() && redis::cmd("PING").exec(&mut connection).is_ok() {
                connection.set_read_timeout(Some(self.0.options.response_timeout))?;
                return Ok(connection);
            }
            // The server was restarted or closed what was idle: the others are broken as well.
            self.0.pool.clear();
        }
        self.connect()
    }

    /// A new connection.
    pub(super) fn connect(&self) -> RedisResult<Connection> {
        let connection =
            self.0.client.get_connection_with_timeout(self.0.options.connect_timeout)?;
        connection.set_read_timeout(Some(self.0.options.response_timeout))?;
        connection.set_write_timeout(Some(self.0.options.response_timeout))?;
        Ok(connection)
    }
}

/// Nothing waits for more to send, a server that is gone without a word is noticed, and no more is
/// said than is needed.
fn attentive(info: ConnectionInfo) -> ConnectionInfo {
    let keepalive = TcpKeepalive::new().with_time(KEPT_ALIVE).with_interval(KEPT_ALIVE);
    let tcp = TcpSettings::default().set_nodelay(true).set_keepalive(keepalive);
    let redis = info.redis_settings().clone().set_skip_set_lib_name();
    info.set_tcp_settings(tcp).set_redis_settings(redis)
}

impl fmt::Debug for RedisBroker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("RedisBroker").field(&self.place()).finish()
    }
}
