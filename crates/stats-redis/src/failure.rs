//! What Redis' errors mean to a caller.

use std::error::Error;
use std::io;
use std::sync::Arc;

use redis::{ErrorKind, RedisError};

use stats_model::{Fault, FaultKind};

/// Adds to an error of Redis what was being done, and what to do about it. Neither holds a password:
/// addresses are shown masked, and the server's answers do not repeat one.
#[must_use]
pub fn fault<Own: Copy>(doing: impl Into<String>, error: RedisError) -> Fault<Own> {
    let mut doing = doing.into();
    if let Some(remedy) = remedy(&error) {
        doing.push_str(remedy);
    }
    Fault::caused_by(kind_of(&error), doing, error)
}

/// What somebody can do about an error.
#[must_use]
pub fn kind_of<Own>(error: &RedisError) -> FaultKind<Own> {
    match error.kind() {
        ErrorKind::Io => return FaultKind::Unreachable,
        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig => {
            return FaultKind::Refused;
        }
        _ => {}
    }
    match error.code() {
        Some("OOM") => FaultKind::Full,
        Some("LOADING" | "BUSY" | "TRYAGAIN" | "MASTERDOWN" | "CLUSTERDOWN") => FaultKind::Busy,
        // A key of ours holds another type, or the server answers what Redis does not answer.
        Some("WRONGTYPE") | None => FaultKind::Damaged,
        // Read-only, a missing right, another password: whatever else it says, it does not want to.
        Some(_) => FaultKind::Refused,
    }
}

fn remedy(error: &RedisError) -> Option<&'static str> {
    // Choosing the database is the first thing that a missing password forbids, and the client
    // reports that in words of its own.
    let without_password = error.to_string().contains("Authentication required");
    let code = if without_password { "NOAUTH" } else { error.code()? };
    Some(match code {
        "OOM" => " (Redis has reached its maxmemory; raise it, or let entries expire sooner)",
        "READONLY" => " (this Redis is a read-only replica; name the primary)",
        "NOAUTH" | "WRONGPASS" => " (check user and password in the Redis URL)",
        "NOPERM" => {
            " (the user named in the Redis URL lacks a right; besides the keys of the Python side it \
             needs those of the pattern community-stats:*)"
        }
        "MISCONF" => " (Redis cannot save its data to disk and therefore takes no writes)",
        _ => return None,
    })
}

/// Whether the connection should not be used again: it broke, or it leads to a server that is not
/// the primary any more.
#[must_use]
pub fn ends_connection(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse)
        || matches!(error.code(), Some("READONLY" | "NOAUTH"))
}

/// Whether nothing is wrong but that this process was stopped while it waited, and goes on now.
pub(crate) fn was_interrupted(error: &RedisError) -> bool {
    // As the client hands over what is behind its errors.
    type Shared = Arc<dyn Error + Send + Sync>;
    let cause = error.source().and_then(|cause| cause.downcast_ref::<Shared>());
    let cause = cause.and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_what_can_be_done() {
        let of = |answer: &str| {
            let mut bytes = b"-".to_vec();
            bytes.extend_from_slice(answer.as_bytes());
            bytes.extend_from_slice(b" as the server says\r\n");
            let error = redis::parse_redis_value(&bytes).and_then(redis::Value::extract_error);
            kind_of::<()>(&error.unwrap_err())
        };
        for (code, kind) in [
            ("OOM", FaultKind::Full),
            ("LOADING", FaultKind::Busy),
            ("WRONGTYPE", FaultKind::Damaged),
            ("READONLY", FaultKind::Refused),
            ("NOPERM", FaultKind::Refused),
            ("ANYTHING", FaultKind::Refused),
        ] {
            assert_eq!(of(code), kind, "{code}");
        }
    }

    #[test]
    fn an_interruption_is_told_from_other_failures() {
        let of = |kind: io::ErrorKind| RedisError::from(io::Error::from(kind));
        assert!(was_interrupted(&of(io::ErrorKind::Interrupted)));
        assert!(!was_interrupted(&of(io::ErrorKind::WouldBlock)));
        assert!(!was_interrupted(&of(io::ErrorKind::BrokenPipe)));
        assert!(!was_interrupted(&(ErrorKind::Io, "x").into()));
    }
}
