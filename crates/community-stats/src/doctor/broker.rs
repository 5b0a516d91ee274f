//! Whether the message broker listens, and takes the login. It is not needed for responses, so it
//! is never worse than a warning; nothing is sent to it but the greeting of its protocol and the
//! login, as any client of it does.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::amqp::{Login, greet, log_in};
use super::check::{Check, State};
use crate::config::{BrokerNode, BrokerSettings, BrokerUrl};

const LIMIT: Duration = Duration::from_secs(5);

pub(super) fn examine(settings: &BrokerSettings) -> Vec<Check> {
    let broker = settings.url.as_ref().map(|url| check("broker", url));
    let results = settings.result_backend.as_ref().map(|url| check("result backend", url));
    broker.into_iter().chain(results).collect()
}

/// Of several addresses one that answers is enough: the others are for when it fails.
fn check(name: &str, url: &BrokerUrl) -> Check {
    let mut broken = Vec::new();
    for node in url.nodes() {
        match check_node(name, node) {
            check if check.state == State::Ok => return check,
            check => broken.push(check),
        }
    }
    let details: Vec<String> = broken.iter().map(|check| check.detail.clone()).collect();
    let last = broken.pop().unwrap_or_else(|| Check::ok(name, url.to_string()));
    Check { detail: details.join("; "), ..last }
}

fn check_node(name: &str, url: &BrokerNode) -> Check {
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
    if url.scheme() != "amqp" && url.scheme() != "pyamqp" {
        return Check::ok(name, format!("{url} takes connections")).took(took);
    }
    let asked = Instant::now();
    match talk(stream, url) {
        Ok((version, Login::Accepted)) => {
            let detail = format!("{url} speaks AMQP");
            Check::ok(name, detail).version(version.unwrap_or_default()).took(asked.elapsed())
        }
        Ok((_, Login::Refused(reason))) => {
            let detail = format!("{url} refuses user or password: {reason}");
            let remedy = "correct user and password of its address; responses do not need it";
            Check::warning(name, detail, remedy)
        }
        Err(error) => {
            let remedy =
                "name the AMQP port of the broker (5672 usually); responses do not need it";
            Check::warning(name, format!("{url} does not speak AMQP 0-9-1: {error}"), remedy)
        }
    }
}

/// Greets and logs in; gives the version that the server tells.
fn talk(mut stream: TcpStream, url: &BrokerNode) -> io::Result<(Option<String>, Login)> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
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
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}
