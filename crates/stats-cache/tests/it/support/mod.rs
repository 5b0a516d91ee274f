//! Real Redis servers for tests: one for each test, with options, stopped and started at will.

use std::path::PathBuf;
use std::sync::Arc;

use redis::{Connection, ConnectionAddr, IntoConnectionInfo, Value};
use stats_cache::{Endpoint, RedisAddress, RedisClient, RedisOptions, TlsSettings};
use stats_testkit::services::{Redis, Service, require};

/// A Redis server of one test's own, which can come back on the same port.
pub(crate) struct RedisServer(Redis);

impl RedisServer {
    /// A server with these options; `None` when `redis-server` is not installed.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        require(Service::Redis)?;
        Some(Self(Redis::start(options).unwrap()))
    }

    /// Stops the server.
    pub(crate) fn stop(&mut self) {
        self.0.stop();
    }

    /// Starts it again on the same port; empty, since nothing was ever saved.
    pub(crate) fn start_again(&mut self) {
        self.0.restart().unwrap();
    }

    /// The URL of a database.
    pub(crate) fn url(&self, database: u16) -> String {
        format!("redis://{}/{database}", self.0.address())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.address().rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.folder().unwrap().join("socket")
    }

    /// A client of ours for a database.
    pub(crate) fn client(&self, database: u16) -> Arc<RedisClient> {
        client(&self.url(database))
    }

    /// Answers a command past everything of ours.
    pub(crate) fn raw(&self, database: u16, words: &[&[u8]]) -> Value {
        let mut connection = self.connection(database);
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query(&mut connection).unwrap()
    }

    /// The same in words, for commands that can be read.
    pub(crate) fn say(&self, database: u16, line: &str) -> Value {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.raw(database, &words)
    }

    pub(crate) fn connection(&self, database: u16) -> Connection {
        redis::Client::open(self.url(database)).unwrap().get_connection().unwrap()
    }
}

/// A client of ours.
pub(crate) fn client(url: &str) -> Arc<RedisClient> {
    Arc::new(RedisClient::connect(address(url), RedisOptions::default()).unwrap())
}

/// What the redis crate makes of a URL, and options for TLS beside it, as an address of ours.
pub(crate) fn address(url: &str) -> RedisAddress {
    let (place, options) = match url.split_once('?') {
        Some((place, options)) if place.starts_with("rediss:") => (place, options),
        _ => (url, ""),
    };
    let info = place.into_connection_info().unwrap();
    let endpoint = match info.addr() {
        ConnectionAddr::Tcp(host, port) => Endpoint::Tcp { host: host.clone(), port: *port },
        ConnectionAddr::TcpTls { host, port, .. } => {
            Endpoint::Tls { host: host.clone(), port: *port }
        }
        ConnectionAddr::Unix(path) => Endpoint::Unix { path: path.clone() },
        other => panic!("{other:?}"),
    };
    let login = info.redis_settings();
    RedisAddress {
        username: login.username().map(str::to_owned),
        password: login.password().map(str::to_owned),
        tls: TlsSettings::from_options(options.split('&').filter_map(|one| one.split_once('='))),
        ..RedisAddress::new(endpoint, login.db())
    }
}
