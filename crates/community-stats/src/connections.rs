//! From addresses in settings to what the backends connect with.

use std::time::Duration;

use stats_cache::{RedisAddress, TlsSettings};
use stats_documents::opensearch::{Authentication, Compression, OpenSearchSettings, SearchNode};
use stats_documents::postgres::PostgresSettings;
use stats_tls::{Proof, Trusting};

use crate::config::{
    self, BrokerSettings, ConfigError, DatabaseUrl, RedisUrl, SearchHost, Secret, Settings,
    SourceSettings,
};

/// One cell must not wait for a failing cluster for ever.
const CALL_TIMEOUT: Duration = Duration::from_secs(600);

/// What the cluster is connected with.
///
/// # Errors
/// When the file with the certificates cannot be read.
pub fn opensearch_settings(settings: &Settings) -> Result<OpenSearchSettings, ConfigError> {
    let source = &settings.source;
    Ok(OpenSearchSettings {
        authentication: authentication(source),
        authorities: settings.certificates()?,
        verify_certificates: source.verify_certs,
        compression: match source.gzip {
            config::Compression::On => Compression::On,
            config::Compression::Off => Compression::Off,
        },
        page_bytes: usize::try_from(source.page_size.0).unwrap_or(usize::MAX),
        requests_in_flight: usize::from(source.shelves_in_flight.get()).max(2),
        request_timeout: source.timeout,
        call_timeout: CALL_TIMEOUT.max(source.timeout),
        attempts: u32::from(source.max_retries) + 1,
        ..OpenSearchSettings::new(source.hosts.iter().map(search_node), source.index_prefix.clone())
    })
}

fn authentication(source: &SourceSettings) -> Option<Authentication> {
    match (&source.api_key, &source.username, &source.password) {
        (Some(key), _, _) => Some(Authentication::ApiKey(key.expose().to_owned())),
        (None, Some(user), password) => Some(Authentication::Basic {
            user: user.clone(),
            password: password.as_ref().map(Secret::expose).unwrap_or_default().to_owned(),
        }),
        (None, None, _) => None,
    }
}

/// What a node of the cluster is connected with.
fn search_node(host: &SearchHost) -> SearchNode {
    let login = host.credentials.as_ref().map(|login| Authentication::Basic {
        user: login.username.clone(),
        password: login.password.expose().to_owned(),
    });
    SearchNode { url: host.base_url(), login }
}

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

/// What a broker of AMQP has to prove where TLS is spoken with it.
///
/// # Errors
/// When the certificates that settings name cannot be read, or are none.
pub fn broker_proof(settings: &Settings) -> Result<Proof, ConfigError> {
    if !settings.broker.verify_certs {
        return Ok(Proof::None);
    }
    let trusted = match settings.certificates_of_broker()? {
        Some(pem) => Trusting::those_in(&pem),
        None => Trusting::those_of_the_system(),
    };
    trusted.map(Proof::Host).map_err(|why| settings.no_certificates_of_broker(&why))
}

/// What a Redis database is connected with. The address was read once, when it became a setting.
#[must_use]
pub fn redis_address(url: &RedisUrl) -> RedisAddress {
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
        ..RedisAddress::new(url.endpoint.clone(), i64::from(url.database_number()))
    }
}

/// What a broker in Redis is connected with: where its address says nothing of certificates, the settings
/// of the broker do.
#[must_use]
pub fn broker_address(url: &RedisUrl, broker: &BrokerSettings) -> RedisAddress {
    let says_what_is_proven = url.options.iter().any(|(name, _)| name == "ssl_cert_reqs");
    let mut address = redis_address(url);
    let tls = &mut address.tls;
    tls.ca_file = tls.ca_file.take().or_else(|| broker.ca_certs.clone());
    tls.accept_any_certificate |= !broker.verify_certs && !says_what_is_proven;
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_says_of_certificates_comes_before_what_settings_say() {
        let broker = BrokerSettings {
            url: None,
            result_backend: None,
            ca_certs: Some("/settings.pem".into()),
            verify_certs: false,
        };
        let of = |options: &str| {
            let url = RedisUrl::parse(&format!("rediss://host/1{options}")).ok().unwrap();
            let tls = broker_address(&url, &broker).tls;
            (tls.ca_file.unwrap().to_str().unwrap().to_owned(), tls.accept_any_certificate)
        };
        assert_eq!(of(""), ("/settings.pem".to_owned(), true));
        assert_eq!(of("?ssl_ca_certs=/own.pem"), ("/own.pem".to_owned(), true));
        assert_eq!(of("?ssl_cert_reqs=required"), ("/settings.pem".to_owned(), false));
    }
}
