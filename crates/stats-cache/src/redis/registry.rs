//! The registry: what the pages of communities are told about generation, and which years the
//! aggregation marked (cache-and-jobs specification, sections 5 and 8.3 to 8.8).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use redis::{Value, cmd};
use stats_model::Clock;

use super::client::RedisClient;
use super::reply::{bytes, command, integer, scanned};
use crate::{CacheError, CacheErrorKind};

/// How long the mark of a generation lasts unless it is set again: a run that died is not told of for
/// longer than the lock of bulk runs outlives it.
const MARK_SECONDS: u64 = 60;

/// How many marks one script handles, so that nobody waits long.
const BATCH: usize = 200;

/// Between community and year in the keys of marked years.
const UPDATED: &str = "_agg_updated_";

/// Sets marks. Beside each lies a hash of ours: the runs that hold the mark, with the time until
/// which, and the value that was written last. A mark with another value is somebody else's: it
/// stays as it is, and is not among the values that we remember. A run that holds the lock of bulk
/// runs is alone: whatever other run of ours is noted there has died.
const MARK: &str = "
for i = 1, #KEYS, 2 do
    local present = redis.call('GET', KEYS[i])
    if not present or present == redis.call('HGET', KEYS[i + 1], 'value') then
        redis.call('SET', KEYS[i], ARGV[1], 'EX', ARGV[4])
        redis.call('HSET', KEYS[i + 1], 'value', ARGV[1])
    end
    if ARGV[5] == '1' then
        for _, field in ipairs(redis.call('HKEYS', KEYS[i + 1])) do
            if field ~= 'value' then
                redis.call('HDEL', KEYS[i + 1], field)
            end
        end
    end
    redis.call('HSET', KEYS[i + 1], 'run:' .. ARGV[2], ARGV[3])
    redis.call('EXPIRE', KEYS[i + 1], ARGV[4])
end
return #KEYS / 2";

/// Removes a run's marks, except where another run of ours still holds the mark, or where the mark
/// is not the one that we wrote last.
const UNMARK: &str = "
local removed = 0
for i = 1, #KEYS, 2 do
    redis.call('HDEL', KEYS[i + 1], 'run:' .. ARGV[1])
    local value, held = nil, false
    local fields = redis.call('HGETALL', KEYS[i + 1])
    for j = 1, #fields, 2 do
        if fields[j] == 'value' then
            value = fields[j + 1]
        elseif tonumber(fields[j + 1]) > tonumber(ARGV[2]) then
            held = true
        end
    end
    if not held then
        if value and redis.call('GET', KEYS[i]) == value then
            removed = removed + redis.call('DEL', KEYS[i])
        end
        redis.call('DEL', KEYS[i + 1])
    end
end
return removed";

const REMOVE_IF_SAME: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0";

/// Where a community's first run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstRun {
    /// The aggregation has begun; responses are still to come.
    InProgress,
    /// All responses of the current year were stored once.
    Completed,
    /// Some other text.
    Unknown,
}

/// A year of a community that the aggregation has written anew.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpdateMark {
    /// The community's id, as it was given to the aggregation.
    pub community: String,
    /// The year.
    pub year: i16,
    /// When it was marked, as it is stored; tells a mark from a newer one.
    pub value: String,
}

/// All marks of the aggregation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UpdateMarks {
    /// The marks, sorted.
    pub marks: Vec<UpdateMark>,
    /// Keys that look like marks and are none, for a warning; sorted.
    pub unreadable: Vec<String>,
}

/// What generation tells and is told, beside the responses.
pub trait Registry: Send + Sync {
    /// Tells that `run` generates responses of these communities and years, for
    /// [`marks_last`](Self::marks_last) or until it says so again. The page of a community then shows
    /// that caching is in progress. A mark that somebody else set is left as it is. When the run is
    /// `alone`, because it holds the lock of bulk runs, what other runs of ours hold is held by dead
    /// ones, and is theirs no more.
    ///
    /// # Errors
    /// When the registry cannot be written.
    fn mark_generating(
        &self,
        run: &str,
        years: &[(String, i16)],
        alone: bool,
    ) -> Result<(), CacheError>;

    /// How long marks last unless they are set again.
    fn marks_last(&self) -> Duration;

    /// Takes that back. Marks that other runs hold or somebody else set stay (cache-and-jobs
    /// specification, weakness 16.4).
    ///
    /// # Errors
    /// When the registry cannot be written; the marks then end by themselves.
    fn unmark_generating(&self, run: &str, years: &[(String, i16)]) -> Result<(), CacheError>;

    /// Where the first runs of these communities stand, in their order; `None`: none has begun.
    ///
    /// # Errors
    /// When the registry cannot answer.
    fn first_runs(&self, communities: &[String]) -> Result<Vec<Option<FirstRun>>, CacheError>;

    /// Tells that all responses of a community's current year were stored. For communities whose
    /// first run is [`FirstRun::InProgress`].
    ///
    /// # Errors
    /// When the registry cannot be written.
    fn complete_first_run(&self, community: &str) -> Result<(), CacheError>;

    /// The years that the aggregation marked.
    ///
    /// # Errors
    /// When the registry cannot answer.
    fn update_marks(&self) -> Result<UpdateMarks, CacheError>;

    /// Removes a mark, if it is still the one that was read: for when all that it demanded is stored.
    /// A mark that was set meanwhile stays (cache-and-jobs specification, weakness 16.3). Returns
    /// whether it was removed.
    ///
    /// # Errors
    /// When the registry cannot be written.
    fn remove_update_mark(&self, mark: &UpdateMark) -> Result<bool, CacheError>;
}

/// The registry that the Python package reads and writes.
pub struct RedisRegistry {
    client: Arc<RedisClient>,
    clock: Arc<dyn Clock>,
}

impl RedisRegistry {
    /// The registry in the client's database. `clock` gives the times that are written.
    #[must_use]
    pub fn new(client: Arc<RedisClient>, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// The keys of a batch of marks, each followed by that of the runs that hold it.
    fn mark_keys(years: &[(String, i16)]) -> Vec<String> {
        let mut keys = Vec::with_capacity(years.len() * 2);
        for (community, year) in years {
            let mark = format!("{community}_cache_{year}");
            let holders = format!("community-stats:marks:{mark}");
            keys.extend([mark, holders]);
        }
        keys
    }
}

impl Registry for RedisRegistry {
    fn mark_generating(
        &self,
        run: &str,
        years: &[(String, i16)],
        alone: bool,
    ) -> Result<(), CacheError> {
        let now = self.clock.now();
        let until = now.as_millisecond() + i64::try_from(MARK_SECONDS * 1000).unwrap_or(i64::MAX);
        let value = now.strftime("%Y-%m-%dT%H:%M:%S.000").to_string();
        for years in years.chunks(BATCH) {
            let keys = Self::mark_keys(years);
            let mut script = cmd("EVAL");
            script.arg(MARK).arg(keys.len()).arg(&keys);
            script.arg(&value).arg(run).arg(until).arg(MARK_SECONDS).arg(u8::from(alone));
            self.client.command(&script, "marking what is generated")?;
        }
        Ok(())
    }

    fn marks_last(&self) -> Duration {
        Duration::from_secs(MARK_SECONDS)
    }

    fn unmark_generating(&self, run: &str, years: &[(String, i16)]) -> Result<(), CacheError> {
        let now = self.clock.now().as_millisecond();
        for years in years.chunks(BATCH) {
            let keys = Self::mark_keys(years);
            let mut script = cmd("EVAL");
            script.arg(UNMARK).arg(keys.len()).arg(&keys).arg(run).arg(now);
            self.client.command(&script, "unmarking what is generated")?;
        }
        Ok(())
    }

    fn first_runs(&self, communities: &[String]) -> Result<Vec<Option<FirstRun>>, CacheError> {
        let mut states = Vec::with_capacity(communities.len());
        for communities in communities.chunks(1000) {
            let mut read = cmd("MGET");
            for community in communities {
                read.arg(first_run_key(community));
            }
            let answer = self.client.command(&read, "reading first runs")?;
            let Value::Array(values) = answer else { return Err(self.unexpected()) };
            states.extend(values.iter().map(|value| match value {
                Value::BulkString(text) if text == b"in_progress" => Some(FirstRun::InProgress),
                Value::BulkString(text) if text == b"completed" => Some(FirstRun::Completed),
                Value::Nil => None,
                _ => Some(FirstRun::Unknown),
            }));
        }
        Ok(states)
    }

    fn complete_first_run(&self, community: &str) -> Result<(), CacheError> {
        let set = command(&["SET", &first_run_key(community), "completed"]);
        self.client.command(&set, "completing a first run")?;
        Ok(())
    }

    fn update_marks(&self) -> Result<UpdateMarks, CacheError> {
        let doing = "reading the years marked by the aggregation";
        let mut found = UpdateMarks::default();
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("MATCH").arg(format!("*{UPDATED}*")).arg("COUNT").arg(1000);
            let answer = self.client.command(&scan, doing)?;
            let (next, keys) = scanned(answer).ok_or_else(|| self.unexpected())?;
            let keys: Vec<Vec<u8>> = keys
                .into_iter()
                .filter_map(|key| match key {
                    Value::BulkString(key) => Some(key),
                    _ => None,
                })
                .collect();
            if !keys.is_empty() {
                let mut read = cmd("MGET");
                read.arg(&keys);
                let answer = self.client.command(&read, doing)?;
                let Value::Array(values) = answer else { return Err(self.unexpected()) };
                for (key, value) in keys.iter().zip(&values) {
                    match (mark(key, value), value) {
                        // It vanished in between.
                        (_, Value::Nil) => {}
                        (Some(mark), _) => found.marks.push(mark),
                        (None, _) => {
                            found.unreadable.push(String::from_utf8_lossy(key).into_owned());
                        }
                    }
                }
            }
            if next == b"0" {
                break;
            }
            cursor = next;
        }
        // A scan may tell a key twice.
        found.marks.sort();
        found.marks.dedup_by(|one, two| (&one.community, one.year) == (&two.community, two.year));
        found.unreadable.sort();
        found.unreadable.dedup();
        Ok(found)
    }

    fn remove_update_mark(&self, mark: &UpdateMark) -> Result<bool, CacheError> {
        let key = format!("{}{UPDATED}{}", mark.community, mark.year);
        let mut script = cmd("EVAL");
        script.arg(REMOVE_IF_SAME).arg(1).arg(&key).arg(&mark.value);
        let answer = self.client.command(&script, &format!("removing the mark {key}"))?;
        Ok(integer(&answer) == Some(1))
    }
}

impl RedisRegistry {
    fn unexpected(&self) -> CacheError {
        let doing =
            format!("the registry at {} answers what Redis does not", self.client.address());
        CacheError::new(CacheErrorKind::Damaged, doing)
    }
}

impl fmt::Debug for RedisRegistry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisRegistry")
            .field("address", self.client.address())
            .finish_non_exhaustive()
    }
}

fn first_run_key(community: &str) -> String {
    format!("{community}_first_run")
}

/// The mark under `key`, if it is one: exactly a community and a year.
fn mark(key: &[u8], value: &Value) -> Option<UpdateMark> {
    let key = std::str::from_utf8(key).ok()?;
    let (community, year) = key.split_once(UPDATED)?;
    let value = std::str::from_utf8(bytes(value)?).ok()?;
    Some(UpdateMark {
        community: community.to_owned(),
        // The removal spells the year itself, so it has to be spelled as we do.
        year: year.parse().ok().filter(|number: &i16| number.to_string() == year)?,
        value: value.to_owned(),
    })
}
