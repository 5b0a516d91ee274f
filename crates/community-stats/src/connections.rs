//! From addresses in settings to what the backends connect with.

use stats_cache::RedisAddress;
use stats_documents::postgres::PostgresSettings;

use crate::config::{ConfigError, DatabaseUrl, RedisUrl};

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

/// What a Redis database is connected with.
///
/// # Errors
/// When the address cannot be understood; its text does not hold it.
pub fn redis_address(url: &RedisUrl) -> Result<RedisAddress, ConfigError> {
    RedisAddress::parse(url.to_secret().expose(), 0)
        .map_err(|what| ConfigError::new(format!("the Redis address {url} cannot be used: {what}")))
}
