//! What has to happen in whole or not at all, told to the server.

use redis::{Cmd, cmd};

use super::fields;
use super::names::Names;
use crate::ledger::book::Progress;
use crate::ledger::record;
use crate::ledger::run::{Run, RunState};
use crate::ledger::{JobOutcome, RunId};

/// What nobody forgets goes away by itself after half a year, in milliseconds: a ledger that is not
/// used any more leaves nothing behind.
pub(super) const LIFETIME: i64 = 180 * 86_400_000;

/// Keys: the run, all runs. Arguments: lifetime, id, number of this call, fields with values.
const BEGIN: &str = "
if redis.call('EXISTS', KEYS[1]) == 1 then
    if redis.call('HGET', KEYS[1], 'call') == ARGV[3] then return 1 end
    return 0
end
redis.call('HSET', KEYS[1], 'call', ARGV[3])
for i = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('ZADD', KEYS[2], 0, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[1])
return 1";

/// Keys: the run, its outcomes. Arguments: lifetime, number of this call, last sign, planned, done, how
/// many counts, their fields with what is to be added, outcomes.
const ADVANCE: &str = "
if redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
if redis.call('HGET', KEYS[1], 'call') ~= ARGV[2] then
    redis.call('HSET', KEYS[1], 'call', ARGV[2], 'last_sign', ARGV[3],
               'planned', ARGV[4], 'done', ARGV[5])
    local outcomes = 7 + 2 * tonumber(ARGV[6])
    for i = 7, outcomes - 1, 2 do redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1]) end
    for i = outcomes, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[1])
end
return redis.call('HEXISTS', KEYS[1], 'cancel_asked')";

/// Key: the run. Arguments: state, time, and the error if there is one.
const END: &str = "
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[1], 'ended', ARGV[2], 'last_sign', ARGV[2])
if ARGV[3] then redis.call('HSET', KEYS[1], 'error', ARGV[3])
else redis.call('HDEL', KEYS[1], 'error') end
return 1";

/// Key: the run.
const CANCEL: &str = "
if redis.call('HGET', KEYS[1], 'state') ~= 'running' then return 0 end
redis.call('HSET', KEYS[1], 'cancel_asked', 1)
return 1";

/// A number that no other call has: what was done already, on a connection that broke before the
/// answer, is not done twice.
fn call() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Begins a run; 0 when there is one with this id.
pub(super) fn begin(names: &Names, run: &Run, begun: &str) -> Cmd {
    let mut script = cmd("EVAL");
    script.arg(BEGIN).arg(2).arg(names.run(run.id.as_str())).arg(names.runs());
    script.arg(LIFETIME).arg(run.id.as_str()).arg(call());
    for (field, value) in fields::of(run, begun) {
        script.arg(field).arg(value);
    }
    script
}

/// Adds to a run; -1 when there is none, 1 when somebody asked that it end.
pub(super) fn advance(
    names: &Names,
    id: &RunId,
    progress: &Progress<'_>,
    outcomes: &[JobOutcome],
    written: &[String],
) -> Cmd {
    let mut script = cmd("EVAL");
    script.arg(ADVANCE).arg(2).arg(names.run(id.as_str())).arg(names.outcomes(id));
    script.arg(LIFETIME).arg(call()).arg(progress.at.as_millisecond());
    script.arg(fields::number(progress.planned)).arg(fields::number(progress.done));
    let counts = record::counts(outcomes, &progress.counted);
    script.arg(counts.len());
    for (name, more) in counts {
        script.arg(fields::count(&name)).arg(fields::number(more));
    }
    script.arg(written);
    script
}

/// Ends a run; 0 when there is none.
pub(super) fn end(names: &Names, id: &RunId, at: i64, state: RunState, error: Option<&str>) -> Cmd {
    let mut script = cmd("EVAL");
    script.arg(END).arg(1).arg(names.run(id.as_str())).arg(state.name()).arg(at);
    script.arg(error.map(record::shortened));
    script
}

/// Asks that a run end; 0 when none goes on.
pub(super) fn cancel(names: &Names, id: &RunId) -> Cmd {
    let mut script = cmd("EVAL");
    script.arg(CANCEL).arg(1).arg(names.run(id.as_str()));
    script
}
