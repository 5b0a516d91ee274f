//! As much of AMQP 0-9-1 as it takes to greet a broker and to log in, and nothing further.

use std::io::{self, ErrorKind, Read, Write};

use crate::config::Credentials;

/// What a client of AMQP 0-9-1 says first.
const GREETING: &[u8; 8] = b"AMQP\0\0\x09\x01";

/// Larger methods are not looked at.
const LARGEST: usize = 64 << 10;

const END_OF_FRAME: u8 = 0xce;

/// What a broker said to a greeting.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Greeted {
    pub(super) version: Option<String>,
    /// Whether it takes user and password.
    pub(super) takes_passwords: bool,
}

/// How a login ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Login {
    /// The broker goes on.
    Accepted,
    /// The broker says this.
    Refused(String),
}

/// Waits for `connection.start`.
pub(super) fn greet(stream: &mut (impl Read + Write)) -> io::Result<Greeted> {
    stream.write_all(GREETING)?;
    let mut head = [0; 11];
    stream.read_exact(&mut head)?;
    // A method frame of channel 0: type, channel, length, then class 10 and method 10.
    let [1, 0, 0, size @ .., 0, 10, 0, 10] = head else {
        return Err(io::Error::new(ErrorKind::InvalidData, "another protocol answers"));
    };
    let rest = (u32::from_be_bytes(size) as usize).clamp(4, LARGEST) - 4;
    let start = read(stream, rest + 1)?;
    Ok(Greeted {
        version: version(&start),
        takes_passwords: mechanisms(&start).is_some_and(|it| it.split(' ').any(|it| it == "PLAIN")),
    })
}

/// Logs in after a greeting. The broker is asked to say why it refuses, in place of hanging up.
pub(super) fn log_in(stream: &mut (impl Read + Write), login: &Credentials) -> io::Result<Login> {
    stream.write_all(&start_ok(login))?;
    let mut head = [0; 7];
    match stream.read_exact(&mut head) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            return Ok(Login::Refused("it hangs up".to_owned()));
        }
        read => read?,
    }
    let [_, _, _, size @ ..] = head;
    let method = read(stream, (u32::from_be_bytes(size) as usize).min(LARGEST))?;
    Ok(match method.as_slice() {
        [0, 10, 0, 50, _, _, length, text @ ..] => {
            let text = text.get(..usize::from(*length)).unwrap_or(text);
            Login::Refused(String::from_utf8_lossy(text).into_owned())
        }
        _ => Login::Accepted,
    })
}

fn read(stream: &mut impl Read, size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The frame of `connection.start-ok`.
fn start_ok(login: &Credentials) -> Vec<u8> {
    let mut capabilities = short("authentication_failure_close");
    capabilities.extend(b"t\x01");
    let mut properties = short("capabilities");
    properties.push(b'F');
    properties.extend(long(&capabilities));
    let response = ["\0", &login.username, "\0", login.password.expose()].concat();
    let payload = [
        vec![0, 10, 0, 11],
        long(&properties),
        short("PLAIN"),
        long(response.as_bytes()),
        short("en_US"),
    ]
    .concat();
    [vec![1, 0, 0], long(&payload), vec![END_OF_FRAME]].concat()
}

/// A short text: its length in one byte before it.
fn short(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    [&[length], &text.as_bytes()[..usize::from(length)]].concat()
}

/// What has its length in four bytes before it.
fn long(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// What follows a length of four bytes, and what comes after that.
fn after_length(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// The mechanisms that `connection.start` offers: behind two numbers and the table of properties.
fn mechanisms(start: &[u8]) -> Option<String> {
    let (_, rest) = after_length(start.get(2..)?)?;
    Some(String::from_utf8_lossy(after_length(rest)?.0).into_owned())
}

/// The long text under the name `version` in a table of AMQP.
fn version(properties: &[u8]) -> Option<String> {
    const NAME: &[u8] = b"\x07versionS";
    let at = properties.windows(NAME.len()).position(|window| window == NAME)? + NAME.len();
    let (text, _) = after_length(properties.get(at..)?)?;
    std::str::from_utf8(text.get(..text.len().min(100))?).ok().map(str::to_owned)
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

    #[test]
    fn mechanisms_behind_a_table() {
        let start = b"\0\x09\0\0\0\x02ab\0\0\0\x0aPLAIN AMQP\0\0\0\0";
        assert_eq!(mechanisms(start).as_deref(), Some("PLAIN AMQP"));
        assert_eq!(mechanisms(b"\0\x09\0\0\0\x09ab"), None);
    }
}
