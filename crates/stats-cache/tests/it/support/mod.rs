//! Real Redis servers for tests: a database of a server that all of them share, or a server of one
//! test's own, with options, stopped and started at will.

use std::path::PathBuf;
use std::sync::Arc;

use redis::{Connection, ConnectionAddr, IntoConnectionInfo, Value};
use stats_cache::{Endpoint, RedisAddress, RedisClient, RedisOptions, TlsSettings};
use stats_testkit::services::{Redis, Service, require};

/// A database of a Redis server that no other test uses.
pub(crate) struct RedisServer {
    address: String,
    number: u16,
    /// The URL of another database that no other test uses; empty on a server of one test's own.
    another: String,
    /// The server, if it serves this test alone.
    own: Option<Redis>,
}

impl RedisServer {
    /// A database of the server that all tests of this process share; `None` when `redis-server` is
    /// not installed.
    pub(crate) fn shared() -> Option<Self> {
        Some(Self::of(Redis::shared()?))
    }

    /// A database of a server that several tests share.
    pub(crate) fn of(server: &Redis) -> Self {
        let database = server.database();
        let number = database.rsplit_once('/').unwrap().1.parse().unwrap();
        let another = server.database();
        Self { address: server.address().to_owned(), number, another, own: None }
    }

    /// A server of one test's own with these options, to be configured, broken and stopped at will;
    /// it comes back on the same port.
    pub(crate) fn start(options: &[&str]) -> Option<Self> {
        require(Service::Redis)?;
        let own = Redis::start(options).unwrap();
        Some(Self {
            address: own.address().to_owned(),
            number: 7,
            another: String::new(),
            own: Some(own),
        })
    }

    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Stops the server.
    pub(crate) fn stop(&mut self) {
        self.own.as_mut().unwrap().stop();
    }

    /// Starts it again on the same port; empty, since nothing was ever saved.
    pub(crate) fn start_again(&mut self) {
        self.own.as_mut().unwrap().restart().unwrap();
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        self.url_at(&self.address)
    }

    /// The same with something before the host, or by another way.
    pub(crate) fn url_at(&self, address: &str) -> String {
        format!("redis://{address}/{}", self.number)
    }

    /// The URL of another database of the same server that no other test uses.
    pub(crate) fn beside(&self) -> String {
        if self.is_own() {
            return format!("redis://{}/0", self.address);
        }
        self.another.clone()
    }

    /// `host:port`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.own.as_ref().unwrap().folder().unwrap().join("socket")
    }

    /// A client of ours.
    pub(crate) fn client(&self) -> Arc<RedisClient> {
        client(&self.url())
    }

    /// Answers a command past everything of ours.
    pub(crate) fn raw(&self, words: &[&[u8]]) -> Value {
        let mut connection = self.connection();
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        command.query(&mut connection).unwrap()
    }

    /// The same in words, for commands that can be read.
    pub(crate) fn say(&self, line: &str) -> Value {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.raw(&words)
    }

    pub(crate) fn connection(&self) -> Connection {
        redis::Client::open(self.url()).unwrap().get_connection().unwrap()
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
