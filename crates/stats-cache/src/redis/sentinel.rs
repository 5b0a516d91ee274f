//! Asking Redis Sentinel where the primary is. The client library can ask too, but has no bound for
//! how long a sentinel may take to answer.

use redis::{Client, Cmd, Connection, ErrorKind, RedisResult, Value, from_redis_value};

use super::options::RedisOptions;

/// Host and port of the primary of `service`, by the first of `sentinels` that knows it.
///
/// # Errors
/// The last one's, when none does.
pub(super) fn primary(
    sentinels: &[Client],
    service: &str,
    options: &RedisOptions,
) -> RedisResult<(String, u16)> {
    let mut failed = None;
    for sentinel in sentinels {
        match ask(sentinel, service, options) {
            Ok(Some(primary)) => return Ok(primary),
            // It was reached, which tells more than that another was not.
            Ok(None) => failed = Some(unknown()),
            Err(error) => {
                failed.get_or_insert(error);
            }
        }
    }
    Err(failed.unwrap_or_else(unknown))
}

/// Whether a connection leads to a primary: while a failover is under way, sentinels may still name
/// the old one.
pub(super) fn is_primary(connection: &mut Connection) -> RedisResult<()> {
    let role = redis::cmd("ROLE").query::<Value>(connection)?;
    match role {
        Value::Array(parts) if matches!(parts.first(), Some(part) if text(part) == "master") => {
            Ok(())
        }
        _ => {
            let text = "the sentinels name a server that is not the primary";
            Err((ErrorKind::Server(redis::ServerErrorKind::TryAgain), text).into())
        }
    }
}

fn ask(
    sentinel: &Client,
    service: &str,
    options: &RedisOptions,
) -> RedisResult<Option<(String, u16)>> {
    let mut connection = sentinel.get_connection_with_timeout(options.connect_timeout)?;
    connection.set_read_timeout(Some(options.connect_timeout))?;
    connection.set_write_timeout(Some(options.connect_timeout))?;
    let answer = where_is(service).query::<Value>(&mut connection)?;
    if answer == Value::Nil {
        return Ok(None);
    }
    let (host, port): (String, String) = from_redis_value(answer)?;
    let port = port.parse().map_err(|_| {
        redis::RedisError::from((ErrorKind::UnexpectedReturnType, "a sentinel names no port"))
    })?;
    Ok(Some((host, port)))
}

fn where_is(service: &str) -> Cmd {
    let mut command = redis::cmd("SENTINEL");
    command.arg("get-master-addr-by-name").arg(service);
    command
}

fn text(value: &Value) -> String {
    from_redis_value(value.clone()).unwrap_or_default()
}

fn unknown() -> redis::RedisError {
    let text = "the sentinels watch no service of this name";
    (ErrorKind::InvalidClientConfig, text).into()
}
