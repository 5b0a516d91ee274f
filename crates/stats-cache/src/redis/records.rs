//! The records of all entries: walked through, tidied up, and corrected when a body tells another
//! story.

use redis::{Value, cmd};

use super::index;
use super::reply::{bytes, command, scanned};
use super::store::{BATCH, RedisStore};
use crate::{CacheError, CacheStore, EntryState};

/// Removes records whose entries are gone, but not those of entries that came meanwhile.
const PRUNE: &str = "
local removed = 0
for i, field in ipairs(ARGV) do
    if redis.call('EXISTS', KEYS[1 + i]) == 0 then
        removed = removed + redis.call('HDEL', KEYS[1], field)
    end
end
return removed";

/// Removes a record that turned out to be of other bytes than those that are there, but not a newer
/// one.
const FORGET: &str = "
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0";

/// Says of a record that its body was found damaged, unless it is a newer one.
const DOUBT: &str = "
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
    return redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 0";

impl RedisStore {
    /// Calls `work` with the keys of all records, and with the records.
    fn each_record(
        &self,
        mut work: impl FnMut(Vec<(String, Vec<u8>)>) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        let doing = "reading the index";
        let mut cursor = b"0".to_vec();
        loop {
            let mut scan = command(&["HSCAN", self.index()]);
            scan.arg(&cursor).arg("COUNT").arg(1000);
            let (next, found) = scanned(self.client().command(&scan, doing)?)
                .ok_or_else(|| self.unexpected(doing))?;
            let mut records = Vec::with_capacity(found.len() / 2);
            let mut found = found.into_iter();
            while let (Some(Value::BulkString(field)), Some(Value::BulkString(record))) =
                (found.next(), found.next())
            {
                if let Ok(field) = String::from_utf8(field) {
                    records.push((format!("{}:{field}", self.prefix()), record));
                }
            }
            work(records)?;
            if next == b"0" {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// The states of the entries with a record that `wanted` takes, without the stale ones, whose
    /// records are removed.
    pub(super) fn known_states(
        &self,
        mut wanted: impl FnMut(&str, &[u8]) -> bool,
    ) -> Result<Vec<EntryState>, CacheError> {
        let mut keys = Vec::new();
        self.each_record(|records| {
            let wanted = records.into_iter().filter(|(key, record)| wanted(key, record));
            keys.extend(wanted.map(|(key, _)| key));
            Ok(())
        })?;
        // A scan may tell a field twice.
        keys.sort_unstable();
        keys.dedup();
        let states = self.describe(&keys)?;
        let mut stale = Vec::new();
        let mut known = Vec::with_capacity(states.len());
        for (key, state) in keys.iter().zip(states) {
            if state == EntryState::Absent {
                stale.push(key.as_str());
            } else {
                known.push(state);
            }
        }
        // Only to tidy up: on a read-only server the list is right all the same.
        let _ = self.prune(&stale);
        Ok(known)
    }

    fn prune(&self, stale: &[&str]) -> Result<(), CacheError> {
        for keys in stale.chunks(BATCH) {
            let mut script = cmd("EVAL");
            script.arg(PRUNE).arg(1 + keys.len()).arg(self.index()).arg(keys);
            for key in keys {
                script.arg(self.field(key)?);
            }
            self.client().command(&script, "tidying the index")?;
        }
        Ok(())
    }

    /// Lets an entry be made again whose body is not the one that was recorded. Where nothing may be
    /// written, that has to wait.
    pub(super) fn doubt(&self, key: &str, hint: &Value) {
        if let (Ok(field), Some(record)) = (self.field(key), bytes(hint)) {
            let mut script = cmd("EVAL");
            script.arg(DOUBT).arg(1).arg(self.index()).arg(field).arg(record).arg(index::DAMAGED);
            drop(self.client().command(&script, "doubting a record"));
        }
    }

    /// Lets an entry be known for what it is. Where nothing may be written, that has to wait.
    pub(super) fn forget(&self, key: &str, hint: &Value) {
        if let (Ok(field), Some(record)) = (self.field(key), bytes(hint)) {
            let mut script = cmd("EVAL");
            script.arg(FORGET).arg(1).arg(self.index()).arg(field).arg(record);
            drop(self.client().command(&script, "forgetting a record"));
        }
    }
}
