//! The ledger beside a cache in Redis.

mod connections;
mod error;
mod fields;
mod names;
mod scripts;
mod trim;

use std::fmt;
use std::ops::ControlFlow;

use jiff::Timestamp;
use redis::{Cmd, Connection, FromRedisValue, RedisResult, Value, cmd};

use self::connections::Connections;
use self::error::{ledger_error, unexpected};
use self::names::Names;
use self::scripts::LIFETIME;
use super::book::{self, LONGEST_PAGE, Ledger, Lookup, NAMED, Progress, RunFilter, Wish};
use super::error::LedgerError;
use super::id::RunId;
use super::keep::{Keep, Sweep, Trimmed};
use super::outcome::{JobOutcome, OutcomePage};
use super::record;
use super::run::{Run, RunState};
use super::worker::Worker;

/// So many outcomes are written in one go: nobody else is served meanwhile.
const BATCH: usize = 1000;
/// So many runs are read in one go.
const PAGE: usize = 100;

/// A [`Ledger`] in a Redis database (version 5 or newer), under `community-stats:ledger:<prefix of the
/// cache>:…`, outside of what the Python package reads and clears.
///
/// It needs the rights to run scripts and, for its keys, those to read and write hashes, lists and
/// sorted sets. What is never trimmed goes away after half a year without a sign of life.
pub struct RedisLedger {
    connections: Connections,
    names: Names,
}

impl RedisLedger {
    /// The ledger beside the cache whose keys begin with `cache_prefix` and a colon, in the database to
    /// which `connect` makes connections, with timeouts set. Nothing is asked yet.
    #[must_use]
    pub fn beside(
        cache_prefix: &str,
        connect: impl Fn() -> RedisResult<Connection> + Send + Sync + 'static,
    ) -> Self {
        let connections = Connections::new(Box::new(connect));
        Self { connections, names: Names::beside(cache_prefix) }
    }

    /// The name of the set with the ids of all runs.
    #[must_use]
    pub fn key_of_runs(&self) -> String {
        self.names.runs()
    }

    fn number(&self, command: &Cmd, doing: &str) -> Result<i64, LedgerError> {
        match self.connections.command(command, doing)? {
            Value::Int(number) => Ok(number),
            _ => Err(unexpected(doing)),
        }
    }

    /// Sends commands in one go, of which none may fail.
    fn all(&self, commands: &[Cmd], doing: &str) -> Result<(), LedgerError> {
        if commands.is_empty() {
            return Ok(());
        }
        for answer in self.connections.pipeline(commands, doing)? {
            answer.extract_error().map_err(|error| ledger_error(doing, error))?;
        }
        Ok(())
    }

    /// Calls `look` with the names of runs, of which each may be no id, and with what can be read of
    /// them: those below `before`, the newest first, and only those from `from` on.
    fn each_run(
        &self,
        before: String,
        from: &str,
        doing: &str,
        mut look: impl FnMut(String, Option<Run>) -> ControlFlow<()>,
    ) -> Result<(), LedgerError> {
        let mut before = before;
        loop {
            let mut page = cmd("ZREVRANGEBYLEX");
            page.arg(self.names.runs()).arg(before).arg(from).arg("LIMIT").arg(0).arg(PAGE);
            let ids = self.connections.command(&page, doing)?;
            let ids: Vec<String> =
                FromRedisValue::from_redis_value(ids).map_err(|_| unexpected(doing))?;
            let Some(last) = ids.last() else { return Ok(()) };
            before = format!("({last}");
            let commands: Vec<Cmd> = ids.iter().map(|id| hgetall(&self.names.run(id))).collect();
            let hashes = self.connections.pipeline(&commands, doing)?;
            for (id, hash) in ids.into_iter().zip(hashes) {
                let run = fields::run(&id, hash);
                if look(id, run).is_break() {
                    return Ok(());
                }
            }
        }
    }

    /// The workers that can be read, and the fields of those that cannot.
    fn all_workers(&self, doing: &str) -> Result<(Vec<Worker>, Vec<Vec<u8>>), LedgerError> {
        let answer = self.connections.command(&hgetall(&self.names.workers()), doing)?;
        let pairs: Vec<(Vec<u8>, Vec<u8>)> =
            FromRedisValue::from_redis_value(answer).map_err(|_| unexpected(doing))?;
        let (mut workers, mut unreadable) = (Vec::new(), Vec::new());
        for (field, json) in pairs {
            match record::read::<Worker>(&json).filter(|worker| worker.id.as_bytes() == field) {
                Some(worker) => workers.push(worker),
                None => unreadable.push(field),
            }
        }
        workers.sort_by(|one, two| one.id.cmp(&two.id));
        Ok((workers, unreadable))
    }
}

impl Ledger for RedisLedger {
    fn begin(&self, run: &Run) -> Result<(), LedgerError> {
        let script = scripts::begin(&self.names, run, &record::begun(run)?);
        match self.number(&script, &format!("beginning {}", run.id))? {
            0 => Err(book::exists(&run.id)),
            _ => Ok(()),
        }
    }

    fn progress(&self, id: &RunId, progress: &Progress<'_>) -> Result<Wish, LedgerError> {
        let doing = format!("writing how {id} goes on");
        let mut progress = progress.clone();
        let mut rest = progress.outcomes;
        loop {
            let (batch, later) = rest.split_at(rest.len().min(BATCH));
            rest = later;
            let written: Vec<String> =
                batch.iter().map(record::outcome).collect::<Result<_, _>>()?;
            let script = scripts::advance(&self.names, id, &progress, batch, &written);
            let answer = self.number(&script, &doing)?;
            // Those were counted with the first batch.
            progress.counted.clear();
            if rest.is_empty() || answer < 0 {
                return book::wish(id, (answer >= 0).then_some(answer > 0));
            }
        }
    }

    fn end(
        &self,
        id: &RunId,
        at: Timestamp,
        state: RunState,
        error: Option<&str>,
    ) -> Result<(), LedgerError> {
        book::check_end(id, state)?;
        let script = scripts::end(&self.names, id, at.as_millisecond(), state, error);
        match self.number(&script, &format!("ending {id}"))? {
            0 => Err(book::forgotten(id)),
            _ => Ok(()),
        }
    }

    fn run(&self, prefix: &str) -> Result<Lookup, LedgerError> {
        if !RunId::can_begin_with(prefix) {
            return Ok(Lookup::Nothing);
        }
        let before = format!("({}", RunId::after_all_with(prefix));
        let doing = format!("looking for the run {prefix}");
        let mut runs = Vec::new();
        self.each_run(before, &format!("[{prefix}"), &doing, |_, run| {
            runs.extend(run);
            if runs.len() < NAMED { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(book::found(runs))
    }

    fn runs(&self, filter: &RunFilter, limit: usize) -> Result<Vec<Run>, LedgerError> {
        let mut runs = Vec::new();
        if limit == 0 {
            return Ok(runs);
        }
        let before = filter.before.as_ref().map_or("+".to_owned(), |before| format!("({before}"));
        self.each_run(before, "-", "reading runs", |_, run| {
            runs.extend(run.filter(|run| filter.matches(run)));
            if runs.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(runs)
    }

    fn outcomes(&self, id: &RunId, after: u64, limit: usize) -> Result<OutcomePage, LedgerError> {
        let limit = limit.min(LONGEST_PAGE);
        let (Ok(from), false) = (i64::try_from(after), limit == 0) else {
            return Ok(OutcomePage { after, ..OutcomePage::default() });
        };
        let doing = format!("reading outcomes of {id}");
        let mut range = cmd("LRANGE");
        range.arg(self.names.outcomes(id)).arg(from).arg(from.saturating_add(limit as i64 - 1));
        let found = self.connections.command(&range, &doing)?;
        let found: Vec<Vec<u8>> =
            FromRedisValue::from_redis_value(found).map_err(|_| unexpected(&doing))?;
        let outcomes = found.iter().filter_map(|json| record::read::<JobOutcome>(json)).collect();
        Ok(OutcomePage { outcomes, after: after + found.len() as u64 })
    }

    fn ask_to_cancel(&self, id: &RunId) -> Result<bool, LedgerError> {
        let script = scripts::cancel(&self.names, id);
        Ok(self.number(&script, &format!("asking {id} to end"))? > 0)
    }

    fn alive(&self, worker: &Worker) -> Result<(), LedgerError> {
        let (key, doing) = (self.names.workers(), "writing a sign of life");
        let mut set = cmd("HSET");
        set.arg(&key).arg(&worker.id).arg(record::worker(worker)?);
        let mut expire = cmd("PEXPIRE");
        expire.arg(&key).arg(LIFETIME);
        self.all(&[set, expire], doing)
    }

    fn gone(&self, worker: &str) -> Result<(), LedgerError> {
        let mut forget = cmd("HDEL");
        forget.arg(self.names.workers()).arg(worker);
        self.connections.command(&forget, "forgetting a worker").map(drop)
    }

    fn workers(&self) -> Result<Vec<Worker>, LedgerError> {
        Ok(self.all_workers("reading workers")?.0)
    }

    fn trim(&self, keep: &Keep, now: Timestamp) -> Result<Trimmed, LedgerError> {
        let mut sweep = Sweep::new(*keep, now);
        let mut trimmed = self.trim_runs(&mut sweep)?;
        trimmed.workers = self.trim_workers(&sweep)?;
        Ok(trimmed)
    }
}

impl fmt::Debug for RedisLedger {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.names.runs();
        formatter.debug_struct("RedisLedger").field("runs", &runs).finish_non_exhaustive()
    }
}

fn hgetall(key: &str) -> Cmd {
    let mut command = cmd("HGETALL");
    command.arg(key);
    command
}
