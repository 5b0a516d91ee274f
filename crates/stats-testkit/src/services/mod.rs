//! Real servers for tests: on free loopback ports, in temporary folders, gone with the test run.
//!
//! `X::start()` gives a server of one's own, to be stopped and broken at will. `X::shared()` gives
//! the one server of this test process (or of the whole run, under `services run`), in which every
//! test takes a database, a prefix or a virtual host of its own. Without the needed program
//! `shared` says what is missing and gives `None`; with `CI=true` in the environment it panics
//! instead, since nothing may be skipped there. One service, [`Service::on_demand`], is started
//! under `services run`, too, by the tests that need it.

mod cache;
mod celery;
mod opensearch;
mod postgres;
pub mod process;
mod rabbitmq;
mod redis;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

pub use celery::{Celery, CeleryVersion};
pub use opensearch::{BULK_BYTES, OpenSearch, Release};
pub use postgres::Postgres;
pub use rabbitmq::RabbitMq;
pub use redis::{Redis, Sentinel};

/// The servers that tests can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Redis 7 or Valkey.
    Redis,
    /// PostgreSQL.
    Postgres,
    /// RabbitMQ.
    RabbitMq,
    /// OpenSearch 2, from its Java libraries.
    OpenSearch,
    /// OpenSearch 3, from its Java libraries.
    OpenSearch3,
    /// Celery, from its Python packages: no server, but what is said of servers holds for it.
    Celery,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Redis,
        Self::Postgres,
        Self::RabbitMq,
        Self::OpenSearch,
        Self::OpenSearch3,
        Self::Celery,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Postgres => "postgres",
            Self::RabbitMq => "rabbitmq",
            Self::OpenSearch => "opensearch",
            Self::OpenSearch3 => "opensearch3",
            Self::Celery => "celery",
        }
    }

    /// The Debian packages that bring it.
    #[must_use]
    pub const fn packages(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Postgres => "postgresql",
            Self::RabbitMq => "rabbitmq-server",
            Self::OpenSearch => "default-jdk-headless maven",
            Self::OpenSearch3 => "openjdk-21-jdk-headless maven",
            Self::Celery => "python3-venv",
        }
    }

    /// The environment variable that names a server that already runs.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Redis => "COMMUNITY_STATS_TEST_REDIS",
            Self::Postgres => "COMMUNITY_STATS_TEST_POSTGRES",
            Self::RabbitMq => "COMMUNITY_STATS_TEST_RABBITMQ",
            Self::OpenSearch => "COMMUNITY_STATS_TEST_OPENSEARCH",
            Self::OpenSearch3 => "COMMUNITY_STATS_TEST_OPENSEARCH3",
            Self::Celery => "COMMUNITY_STATS_TEST_CELERY",
        }
    }

    /// Whether only the tests that need it start it, since they are few.
    #[must_use]
    pub const fn on_demand(self) -> bool {
        matches!(self, Self::OpenSearch3 | Self::Celery)
    }

    /// The program that is missing, if it cannot be started here.
    #[must_use]
    pub fn missing(self) -> Option<&'static str> {
        let present = |program| if process::on_path(program) { None } else { Some(program) };
        match self {
            Self::Redis => present("redis-server"),
            Self::Postgres => {
                if postgres::binaries().is_some() {
                    None
                } else {
                    Some("postgres")
                }
            }
            Self::RabbitMq => {
                if rabbitmq::program().is_some() {
                    present("epmd")
                } else {
                    Some("rabbitmq-server")
                }
            }
            Self::OpenSearch => opensearch::missing(Release::V2),
            Self::OpenSearch3 => opensearch::missing(Release::V3),
            Self::Celery => celery::missing(),
        }
    }
}

/// `Some` when `service` runs already or can be started here. Otherwise says so on standard error
/// and gives `None`.
///
/// # Panics
/// With `CI=true` in the environment, instead of giving `None`.
#[allow(clippy::print_stderr, reason = "a skipped test says so where tests speak")]
pub fn require(service: Service) -> Option<()> {
    if std::env::var_os(service.variable()).is_some() {
        return Some(());
    }
    let program = service.missing();
    let Some(program) = program else { return Some(()) };
    let packages = service.packages();
    let message = format!("needs {} ({program} not found; apt install {packages})", service.name());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
    eprintln!("skipped: {message}");
    None
}

/// The server of this process: an already running one when the environment names it, else one
/// that is started now. Kept for the whole process; its watchdog ends it.
///
/// # Panics
/// When it should start but does not: a test that needs it cannot go on.
fn shared<S: Send + Sync>(
    service: Service,
    slot: &'static OnceLock<Option<S>>,
    attach: fn(&str) -> S,
    start: impl FnOnce() -> anyhow::Result<S>,
) -> Option<&'static S> {
    slot.get_or_init(|| {
        require(service)?;
        if let Ok(address) = std::env::var(service.variable()) {
            return Some(attach(&address));
        }
        let started = start();
        Some(started.unwrap_or_else(|error| panic!("{} does not start: {error:#}", service.name())))
    })
    .as_ref()
}

/// A name that no other test of this machine uses at the moment: lower case letters and digits,
/// starting with a letter.
#[must_use]
pub fn unique_name() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!("t{:x}p{:x}n{count:x}", now & 0xfff_ffff_ffff, std::process::id())
}
