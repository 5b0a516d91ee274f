//! The notebook in two hashes beside the index, outside of what the Python package reads and clears.

use std::sync::Arc;

use redis::{Cmd, Value};

use super::index::{first_years_name, notes_name};
use super::reply::{bytes, command};
use super::store::RedisStore;
use crate::notebook::{Memory, MemoryChanges, Note, Notebook};
use crate::{CacheError, CacheErrorKind, Lease};

impl Notebook for RedisStore {
    fn fenced_notes(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn Notebook>, CacheError> {
        Ok(Arc::new(self.fenced_by(lease)?))
    }

    fn recall(&self) -> Result<Memory, CacheError> {
        let names = [notes_name(self.prefix()), first_years_name(self.prefix())];
        let commands = names.each_ref().map(|name| command(&["HGETALL", name]));
        let doing = "reading notes";
        let mut found = Vec::with_capacity(2);
        for answer in self.client().pipeline(&commands, doing)? {
            let answer = answer.extract_error();
            let answer = answer.map_err(|error| stats_redis::fault(doing, error))?;
            let Value::Array(words) = flat(answer) else {
                return Err(CacheError::new(CacheErrorKind::Damaged, doing));
            };
            found.push(words);
        }
        let mut memory = Memory::default();
        let (years, notes) = (found.pop().unwrap_or_default(), found.pop().unwrap_or_default());
        for (field, note) in pairs(&notes) {
            let note = bytes(note).and_then(Note::from_json);
            memory.notes.extend(note.map(|note| (format!("{}:{field}", self.prefix()), note)));
        }
        for (community, year) in pairs(&years) {
            let year = bytes(year).and_then(|year| std::str::from_utf8(year).ok()?.parse().ok());
            memory.first_years.extend(year.map(|year: i16| (community, year)));
        }
        Ok(memory)
    }

    fn remember(&self, changes: &MemoryChanges) -> Result<(), CacheError> {
        let commands = self.changing(changes)?;
        if commands.is_empty() {
            return Ok(());
        }
        self.transact(&commands, "taking notes").map(drop)
    }

    fn forget_all(&self) -> Result<(), CacheError> {
        let names = [notes_name(self.prefix()), first_years_name(self.prefix())];
        let forget = command(&["DEL", &names[0], &names[1]]);
        self.transact(&[forget], "forgetting notes").map(drop)
    }
}

impl RedisStore {
    fn changing(&self, changes: &MemoryChanges) -> Result<Vec<Cmd>, CacheError> {
        let (notes, years) = (notes_name(self.prefix()), first_years_name(self.prefix()));
        let mut commands = Vec::new();
        if !changes.forget.is_empty() {
            let mut forget = command(&["HDEL", &notes]);
            for key in &changes.forget {
                forget.arg(self.field(key)?);
            }
            commands.push(forget);
        }
        if !changes.notes.is_empty() {
            let mut take = command(&["HSET", &notes]);
            for (key, note) in &changes.notes {
                let json = note.to_json().map_err(|error| {
                    CacheError::caused_by(CacheErrorKind::Refused, "writing a note", error)
                })?;
                take.arg(self.field(key)?).arg(json);
            }
            commands.push(take);
        }
        if !changes.first_years.is_empty() {
            let mut remember = command(&["HSET", &years]);
            for (community, year) in &changes.first_years {
                remember.arg(community).arg(*year);
            }
            commands.push(remember);
        }
        Ok(commands)
    }
}

/// A map as the list that older protocols send.
fn flat(answer: Value) -> Value {
    match answer {
        Value::Map(pairs) => {
            Value::Array(pairs.into_iter().flat_map(|(field, value)| [field, value]).collect())
        }
        other => other,
    }
}

/// Fields with their values; fields that are no text are left out.
fn pairs(words: &[Value]) -> impl Iterator<Item = (String, &Value)> {
    words.chunks_exact(2).filter_map(|pair| {
        let field = std::str::from_utf8(bytes(&pair[0])?).ok()?;
        Some((field.to_owned(), &pair[1]))
    })
}
