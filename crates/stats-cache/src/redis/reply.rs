//! Commands and answers, put together and taken apart.

use redis::{Cmd, Value};

/// A command of these words; more arguments can follow.
pub(super) fn command(words: &[&str]) -> Cmd {
    let mut command = Cmd::new();
    for word in words {
        command.arg(*word);
    }
    command
}

/// The bytes of a string.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// A number.
pub(super) const fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Int(integer) => Some(*integer),
        _ => None,
    }
}

/// The answer to `TIME` (seconds, microseconds) in milliseconds since 1970.
pub(super) fn milliseconds(time: &Value) -> Option<i64> {
    let Value::Array(parts) = time else { return None };
    let number = |part: &Value| std::str::from_utf8(bytes(part)?).ok()?.parse::<i64>().ok();
    let [seconds, microseconds] = parts.as_slice() else { return None };
    Some(number(seconds)? * 1000 + number(microseconds)? / 1000)
}

/// Cursor and page of an answer to a scan.
pub(super) fn scanned(answer: Value) -> Option<(Vec<u8>, Vec<Value>)> {
    let Value::Array(parts) = answer else { return None };
    match <[Value; 2]>::try_from(parts).ok()? {
        [Value::BulkString(cursor), Value::Array(page)] => Some((cursor, page)),
        _ => None,
    }
}
