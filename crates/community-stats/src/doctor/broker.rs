//! Whether the message broker listens. It is not needed for responses, so it is never worse than a
//! warning; nothing is sent to it but the greeting of its protocol.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::check::{Check, State};
use crate::config::{BrokerNode, BrokerSettings, BrokerUrl};

const LIMIT: Duration = Duration::from_secs(5);

/// What a client of AMQP 0-9-1 says first.
const GREETING: &[u8; 8] = b"AMQP\0\0\x09\x01";

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
    match greeted(stream) {
        Ok(version) => {
            let detail = format!("{url} speaks AMQP");
            Check::ok(name, detail).version(version.unwrap_or_default()).took(asked.elapsed())
        }
        Err(error) => {
            let remedy =
                "name the AMQP port of the broker (5672 usually); responses do not need it";
            Check::warning(name, format!("{url} does not speak AMQP 0-9-1: {error}"), remedy)
        }
    }
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

/// Waits for `connection.start` and gives the version that the server tells in it.
fn greeted(mut stream: TcpStream) -> io::Result<Option<String>> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    stream.write_all(GREETING)?;
    let mut head = [0; 11];
    stream.read_exact(&mut head)?;
    // A method frame of channel 0: type, channel, length, then class 10 and method 10.
    let [kind, channel_high, channel_low, size @ .., 0, 10, 0, 10] = head else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "another protocol answers"));
    };
    if (kind, channel_high, channel_low) != (1, 0, 0) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "another protocol answers"));
    }
    let size = u64::from(u32::from_be_bytes(size)).clamp(4, 64 << 10) - 4;
    let mut properties = Vec::new();
    stream.take(size).read_to_end(&mut properties)?;
    Ok(version(&properties))
}

/// The long text under the name `version` in a table of AMQP.
fn version(properties: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\x07versionS";
    let at = properties.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let size = properties.get(at..at + 4)?;
    let size = u32::from_be_bytes(size.try_into().ok()?) as usize;
    let text = properties.get(at + 4..)?.get(..size.min(100))?;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_tables() {
        let table = b"\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x063.10.8rest";
        assert_eq!(version(table).as_deref(), Some("3.10.8"));
        assert_eq!(version(b"\x07versionS\0\0"), None);
        assert_eq!(version(b""), None);
    }
}
