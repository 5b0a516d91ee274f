//! Whether the message broker listens, and takes the login. It is not needed for responses, so it
//! is never worse than a warning; nothing is sent to it but the greeting of its protocol and the
//! login, as any client of it does.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use stats_jobs::{Queue, RedisBroker, RedisBrokerOptions};
use stats_model::SystemClock;
use stats_service::chain;

use super::amqp::{Login, greet, log_in};
use super::check::{Check, State};
use crate::config::{BrokerNode, BrokerUrl, ConfigError, Settings};
use crate::connections::{broker_address, broker_proof, redis_address};

const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn examine(settings: &Settings) -> Vec<Check> {
    let of = |name, url: &Option<BrokerUrl>| Some(check(name, url.as_ref()?, settings));
    let broker = &settings.broker;
    let checks = [of("broker", &broker.url), of(RESULTS, &broker.result_backend)];
    checks.into_iter().flatten().collect()
}

/// Of several addresses one that answers is enough: the others are for when it fails.
fn check(name: &str, url: &BrokerUrl, settings: &Settings) -> Check {
    let mut broken = Vec::new();
    for node in url.nodes() {
        match check_node(name, node, settings) {
            check if check.state == State::Ok => return check,
            check => broken.push(check),
        }
    }
    let details: Vec<String> = broken.iter().map(|check| check.detail.clone()).collect();
    let last = broken.pop().unwrap_or_else(|| Check::ok(name, url.to_string()));
    Check { detail: details.join("; "), ..last }
}

fn check_node(name: &str, url: &BrokerNode, settings: &Settings) -> Check {
    let Some((host, port)) = url.endpoint() else {
        return Check::ok(name, format!("{url}: not reached over TCP, so not looked at"));
    };
    let remedy = "start it, or correct its address; responses do not need it";
    let asked = Instant::now();
    let stream = match connect(&host, port) {
        Ok(stream) => stream,
        Err(error) => {
            return Check::warning(name, format!("{url} cannot be reached: {error}"), remedy);
        }
    };
    let took = asked.elapsed();
    let asked = Instant::now();
    let talk = match url.scheme() {
        "amqp" | "pyamqp" => talk(stream, url).map_err(Silence::Broken),
        "amqps" => encrypted(stream, &host, settings).and_then(|stream| {
            talk(stream, url).map_err(|error| match error.get_ref() {
                // It is only now that hands are shaken.
                Some(inner) if is_of_certificate(inner) => Silence::Untrusted(error.to_string()),
                _ => Silence::Broken(error),
            })
        }),
        "redis" | "rediss" => return check_redis(name, url, settings),
        _ => return Check::ok(name, format!("{url} takes connections")).took(took),
    };
    match talk {
        Ok((version, Login::Accepted)) => {
            let detail = format!("{url} speaks AMQP");
            Check::ok(name, detail).version(version.unwrap_or_default()).took(asked.elapsed())
        }
        Ok((_, Login::Refused(reason))) => {
            let detail = format!("{url} refuses user or password: {reason}");
            let remedy = "correct user and password of its address; responses do not need it";
            Check::warning(name, detail, remedy)
        }
        Err(Silence::Untrusted(reason)) => {
            let remedy = "name the certificates of its authority in `broker.ca_certs`, and the host \
                          as they name it; responses do not need it";
            Check::warning(name, format!("{url} is not trusted: {reason}"), remedy)
        }
        Err(Silence::Settings(error)) => Check::warning(
            name,
            chain(&error),
            "correct `broker.ca_certs`; responses do not need it",
        ),
        Err(Silence::Broken(error)) => {
            let remedy = "name the AMQP port of the broker (5672 usually, 5671 for amqps); responses \
                          do not need it";
            Check::warning(name, format!("{url} does not speak AMQP 0-9-1: {error}"), remedy)
        }
    }
}

/// Whether a database in Redis can be used: it is asked how many tasks wait there.
fn check_redis(name: &str, url: &BrokerNode, settings: &Settings) -> Check {
    let Some(redis) = url.redis() else {
        let remedy = "correct its address; responses do not need it";
        return Check::warning(name, format!("{url} names no database of Redis"), remedy);
    };
    let address = match name {
        RESULTS => redis_address(redis),
        _ => broker_address(redis, &settings.broker),
    };
    let options = RedisBrokerOptions {
        connect_timeout: LIMIT,
        response_timeout: LIMIT,
        ..RedisBrokerOptions::default()
    };
    let asked = Instant::now();
    let answer = RedisBroker::at(&address, options, Arc::new(SystemClock))
        .and_then(|broker| broker.queue(&settings.celery.queue).length());
    match answer {
        Ok(_) => Check::ok(name, format!("{url} takes connections")).took(asked.elapsed()),
        Err(error) => {
            let remedy =
                "correct address, user, password and certificates; responses do not need it";
            Check::warning(name, chain(&error), remedy)
        }
    }
}

/// What the check of the result backend is called.
const RESULTS: &str = "result backend";

/// Why nothing is heard of a broker that takes connections.
enum Silence {
    /// What it says is something else, or nothing.
    Broken(io::Error),
    /// Its certificate proves nothing.
    Untrusted(String),
    /// Certificates that settings name cannot be used.
    Settings(ConfigError),
}

/// Whether a certificate is what is wrong, and not that something else is spoken there.
fn is_of_certificate(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref::<rustls::Error>(), Some(rustls::Error::InvalidCertificate(_)))
}

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

fn encrypted(stream: TcpStream, host: &str, settings: &Settings) -> Result<Encrypted, Silence> {
    let untrusted = |reason: String| Silence::Untrusted(reason);
    let name = ServerName::try_from(host.to_owned()).map_err(|it| untrusted(it.to_string()))?;
    let proof = broker_proof(settings).map_err(Silence::Settings)?;
    let config = proof.client_config().map_err(|error| untrusted(error.to_string()))?;
    let client = ClientConnection::new(Arc::new(config), name);
    Ok(StreamOwned::new(client.map_err(|error| untrusted(error.to_string()))?, stream))
}

fn limit(stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))
}

/// Greets and logs in; gives the version that the server tells.
fn talk(mut stream: impl Read + Write, url: &BrokerNode) -> io::Result<(Option<String>, Login)> {
    let greeted = greet(&mut stream)?;
    let login = match greeted.takes_passwords {
        true => log_in(&mut stream, &url.login())?,
        false => Login::Accepted,
    };
    Ok((greeted.version, login))
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "its name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(stream) => {
                limit(&stream)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
