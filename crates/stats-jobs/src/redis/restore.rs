//! What was in somebody's hand and waits again.

use redis::{Connection, RedisResult};

use super::envelope::Unacked;
use super::keys::{UNACKED, UNACKED_INDEX, list};
use super::scripts;

/// So many are looked at in one go.
const AT_ONCE: usize = 100;

/// Has the message with this tag wait in `queue` again, whoever has it in hand and since when; false
/// when nobody has.
pub(super) fn give_back(connection: &mut Connection, queue: &str, tag: &str) -> RedisResult<bool> {
    restore(connection, queue, tag, f64::INFINITY, |_| true)
}

/// Has every message of `queue` wait again that is in somebody's hand since `ceiling` (seconds since
/// 1970) or earlier; those of other queues are for their own workers.
pub(super) fn give_back_lost(
    connection: &mut Connection,
    queue: &str,
    ceiling: f64,
) -> RedisResult<()> {
    let mut passed_over = 0;
    loop {
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range.arg(UNACKED_INDEX).arg("-inf").arg(ceiling);
        range.arg("LIMIT").arg(passed_over).arg(AT_ONCE);
        let tags: Vec<String> = range.query(connection)?;
        for tag in &tags {
            let ours = |route: &(String, String)| {
                (route.0.is_empty() || route.0 == queue) && route.1 == queue
            };
            if !restore(connection, queue, tag, ceiling, ours)? {
                passed_over += 1;
            }
        }
        if tags.len() < AT_ONCE {
            return Ok(());
        }
    }
}

fn restore(
    connection: &mut Connection,
    queue: &str,
    tag: &str,
    ceiling: f64,
    is_meant: impl FnOnce(&(String, String)) -> bool,
) -> RedisResult<bool> {
    let seen: Option<Vec<u8>> = redis::cmd("HGET").arg(UNACKED).arg(tag).query(connection)?;
    let Some(seen) = seen else { return Ok(false) };
    let Some(unacked) = Unacked::read(&seen).filter(|unacked| is_meant(&unacked.route)) else {
        return Ok(false);
    };
    let list = list(queue, unacked.priority());
    let mut call = scripts::run(scripts::RESTORE, &[UNACKED, UNACKED_INDEX, &list]);
    let ceiling = if ceiling.is_finite() { ceiling.to_string() } else { "inf".to_owned() };
    call.arg(tag).arg(seen).arg(ceiling).arg(unacked.again());
    call.query(connection)
}
