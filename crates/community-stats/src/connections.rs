//! From addresses in settings to what the backends connect with.

use std::path::PathBuf;

use stats_cache::{Endpoint, RedisAddress, TlsSettings};
use stats_documents::postgres::PostgresSettings;

use crate::config::{DatabaseUrl, RedisTransport, RedisUrl};

/// What the database is connected with.
#[must_use]
pub fn postgres_settings(url: &DatabaseUrl) -> PostgresSettings {
    let login = url.credentials.as_ref();
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    PostgresSettings {
        host: url.host.clone(),
        port: url.port,
        username: login.and_then(|login| given(&login.username)),
        password: login.and_then(|login| given(login.password.expose())),
        database: given(&url.database),
        options: url.options.clone(),
        ..PostgresSettings::default()
    }
}

/// What a Redis database is connected with. The address was read once, when it became a setting.
#[must_use]
pub fn redis_address(url: &RedisUrl) -> RedisAddress {
    let endpoint = match &url.transport {
        RedisTransport::Tcp { host, port, tls: false } => {
            Endpoint::Tcp { host: host.clone(), port: *port }
        }
        RedisTransport::Tcp { host, port, tls: true } => {
            Endpoint::Tls { host: host.clone(), port: *port }
        }
        RedisTransport::Unix { path } => Endpoint::Unix { path: PathBuf::from(path) },
        RedisTransport::Sentinel { sentinels, service, tls } => {
            Endpoint::Sentinel { sentinels: sentinels.clone(), service: service.clone(), tls: *tls }
        }
    };
    let option = |wanted: &str| {
        let given = url.options.iter().find(|(name, _)| name == wanted);
        given.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    };
    let options = url.options.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    RedisAddress {
        username: url.username.clone(),
        password: url.password.as_ref().map(|password| password.expose().to_owned()),
        sentinel_username: option("sentinel_username"),
        sentinel_password: option("sentinel_password"),
        tls: TlsSettings::from_options(options),
        ..RedisAddress::new(endpoint, i64::from(url.database_number()))
    }
}
