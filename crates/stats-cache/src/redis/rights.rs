//! Which rights a user lacks for what we do in a database, found out without doing it.
//!
//! A server looks at rights when a command is put into a transaction, and forgets the transaction
//! when the connection is closed before its end: nothing is read, written or left behind, and the
//! keys asked about are the real ones.

use redis::{Cmd, Value};

use super::client::RedisClient;
use super::index::{fence_name, first_years_name, index_name, notes_name};
use super::reply::command;
use crate::{CacheError, response_key};

/// What has to be permitted in a database.
#[derive(Debug, Clone, Default)]
pub struct Needs(Vec<Need>);

#[derive(Debug, Clone)]
struct Need {
    words: Vec<String>,
    /// Which of the words is the key; 0: none.
    key: usize,
}

impl Needs {
    /// Of the store of responses below `prefix`.
    #[must_use]
    pub fn of_store(prefix: &str) -> Self {
        let response = response_key(prefix, "global", 2000, stats_model::Category::ALL[0]);
        let (response, index) = (response.as_str(), index_name(prefix));
        let (notes, years) = (notes_name(prefix), first_years_name(prefix));
        let fence = fence_name(prefix);
        Self::default()
            .on_key(&["GET", response])
            .on_key(&["STRLEN", response])
            .on_key(&["EXISTS", response])
            .on_key(&["SET", response, "-"])
            .on_key(&["UNLINK", response])
            .on_key(&["PEXPIRETIME", response])
            .on_key(&["PTTL", response])
            .on_key(&["PEXPIREAT", response, "1"])
            .on_key(&["PERSIST", response])
            .on_key(&["WATCH", response])
            .alone(&["TIME"])
            .alone(&["SCAN", "0"])
            .on_key(&["TYPE", &index])
            .on_key(&["HGET", &index, "-"])
            .on_key(&["HMGET", &index, "-"])
            .on_key(&["HSCAN", &index, "0"])
            .on_key(&["HSET", &index, "-", "-"])
            .on_key(&["HDEL", &index, "-"])
            .script_on(&index)
            .script_on(response)
            .on_key(&["HGETALL", &notes])
            .on_key(&["HSET", &notes, "-", "-"])
            .on_key(&["HDEL", &notes, "-"])
            .on_key(&["HGETALL", &years])
            .on_key(&["HSET", &years, "-", "-"])
            .on_key(&["DEL", &years])
            .on_key(&["WATCH", &fence])
            .on_key(&["GET", &fence])
            .on_key(&["SET", &fence, "-"])
            .alone(&["UNWATCH"])
    }

    /// Of the registry.
    #[must_use]
    pub fn of_registry() -> Self {
        let (mark, first_run) = ("global_cache_2000", "global_first_run");
        let (holders, updated) =
            (format!("community-stats:marks:{mark}"), "global_agg_updated_2000");
        Self::default()
            .alone(&["SCAN", "0"])
            .on_key(&["MGET", first_run])
            .on_key(&["SET", first_run, "-"])
            .on_key(&["MGET", updated])
            .on_key(&["GET", updated])
            .on_key(&["DEL", updated])
            .script_on(updated)
            .on_key(&["GET", mark])
            .on_key(&["SET", mark, "-"])
            .on_key(&["DEL", mark])
            .script_on(mark)
            .on_key(&["HGET", &holders, "-"])
            .on_key(&["HKEYS", &holders])
            .on_key(&["HGETALL", &holders])
            .on_key(&["HSET", &holders, "-", "-"])
            .on_key(&["HDEL", &holders, "-"])
            .on_key(&["EXPIRE", &holders, "1"])
            .on_key(&["DEL", &holders])
            .script_on(&holders)
    }

    /// Of the lock under `key`.
    #[must_use]
    pub fn of_lock(key: &str) -> Self {
        Self::default()
            .on_key(&["SET", key, "-"])
            .on_key(&["GET", key])
            .on_key(&["PTTL", key])
            .on_key(&["PEXPIRE", key, "1"])
            .on_key(&["DEL", key])
            .script_on(key)
    }

    fn alone(self, words: &[&str]) -> Self {
        self.of(words, 0)
    }

    fn on_key(self, words: &[&str]) -> Self {
        self.of(words, 1)
    }

    fn script_on(self, key: &str) -> Self {
        self.of(&["EVAL", "return 1", "1", key], 3)
    }

    fn of(mut self, words: &[&str], key: usize) -> Self {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        self.0.push(Need { words, key });
        self
    }
}

impl Need {
    fn name(&self) -> &str {
        &self.words[0]
    }

    /// To be read after "may not": `SET stats_dashboard:…`.
    fn shown(&self) -> String {
        match self.key {
            0 => self.name().to_owned(),
            key => format!("{} {}", self.name(), self.words[key]),
        }
    }

    fn command(&self) -> Cmd {
        command(&self.words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

impl RedisClient {
    /// What of `needs` this user may not do, each as command and key.
    ///
    /// # Errors
    /// When the server cannot answer.
    pub fn missing_rights(&self, needs: &Needs) -> Result<Vec<String>, CacheError> {
        let commands: Vec<Cmd> = needs.0.iter().map(Need::command).collect();
        let Some(answers) = self.queued(&commands, "asking for rights")? else {
            // Without transactions nothing works here, and no more can be found out.
            return Ok(vec!["MULTI".to_owned()]);
        };
        let missing = needs.0.iter().zip(answers).filter(|(_, answer)| is_refusal(answer));
        let mut missing: Vec<&Need> = missing.map(|(need, _)| need).collect();
        // When a key ends is asked and told in either of two ways.
        let lacks = |name: &str| missing.iter().any(|need| need.name() == name);
        let (one, other) = (lacks("PEXPIRETIME"), OLD_WAY.iter().any(|name| lacks(name)));
        if !(one && other) && needs.0.iter().any(|need| need.name() == "PEXPIRETIME") {
            missing.retain(|need| need.name() != "PEXPIRETIME" && !OLD_WAY.contains(&need.name()));
        }
        Ok(missing.into_iter().map(Need::shown).collect())
    }
}

/// What does without `PEXPIRETIME`, as servers before Redis 7 do.
const OLD_WAY: [&str; 3] = ["TIME", "PTTL", "PEXPIREAT"];

fn is_refusal(answer: &Value) -> bool {
    let refusal = answer.clone().extract_error();
    refusal.is_err_and(|error| error.code() == Some("NOPERM"))
}
