//! The responses of a simulation, and what is noted beside them. Each one that is written is held against
//! the truth at once.

use std::sync::Arc;

use jiff::Timestamp;
use stats_cache::{
    Body, BodyEncoding, CacheError, CacheErrorKind, CacheStore, Entry, EntryDescription,
    EntryFilter, EntryState, Lease, LockLost, Memory, MemoryChanges, Notebook, Seen, StoreSummary,
};

use super::ports::Port;
use super::state::Stored;
use super::world::{Core, Fate, Risk};

/// The store as a process sees it.
#[derive(Clone)]
pub(super) struct SimStore {
    pub(super) port: Port,
    /// The token of the run that it writes for.
    pub(super) fence: Option<String>,
}

const READ: Risk = Risk { point: "store read", fails: 4, unknown: 0 };
const WRITE: Risk = Risk { point: "store write", fails: 6, unknown: 6 };

impl SimStore {
    fn read<T>(&self, read: impl FnOnce(&mut Core) -> T) -> Result<T, CacheError> {
        match self.port.call(READ) {
            Some((mut core, Fate::Done)) => Ok(read(&mut core)),
            _ => Err(unreachable()),
        }
    }

    /// Writes, if the run may. What is refused is refused for good.
    fn write<T>(&self, write: impl FnOnce(&mut Core) -> T) -> Result<T, CacheError> {
        let Some((mut core, fate)) = self.port.call(WRITE) else { return Err(unreachable()) };
        if fate == Fate::Fails {
            return Err(unreachable());
        }
        if let Some(fence) = &self.fence
            && !(core.state.fence.as_ref() == Some(fence) && core.state.holds(fence, core.now))
        {
            core.state.counts.refused += 1;
            core.note("a write is refused");
            return Err(CacheError::new(CacheErrorKind::Own(LockLost), "the lock was lost"));
        }
        let written = write(&mut core);
        if fate == Fate::Unknown { Err(unreachable()) } else { Ok(written) }
    }

    /// What a run that holds the lock with this lease may write through.
    fn behind(&self, lease: &dyn Lease) -> Result<Self, CacheError> {
        let token = lease.token().to_owned();
        let behind = Self { port: self.port.clone(), fence: Some(token.clone()) };
        let raised = self.write(|core| {
            let holds = core.state.holds(&token, core.now);
            if holds {
                core.state.fence = Some(token);
            }
            holds
        })?;
        match raised {
            true => Ok(behind),
            false => Err(CacheError::new(CacheErrorKind::Own(LockLost), "the lock was lost")),
        }
    }
}

fn unreachable() -> CacheError {
    CacheError::new(CacheErrorKind::Unreachable, "the store does not answer")
}

fn state_of(core: &Core, key: &str) -> EntryState {
    let now = core.time();
    match core.state.store.get(key) {
        Some(stored) if stored.description.expires.is_none_or(|end| end > now) => {
            EntryState::Ours(stored.description.clone())
        }
        _ => EntryState::Absent,
    }
}

fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Stores, and looks whether that is true.
fn keep(
    core: &mut Core,
    place: usize,
    description: &EntryDescription,
    body: Vec<u8>,
    sha256: [u8; 32],
) {
    let key = description.key.clone();
    let mine = core.state.leases.get(&place).map(|known| &known.token);
    if mine.is_some() && core.state.fence.as_ref() != mine {
        core.fail(format!("{place} writes {key} though another run has begun to write"));
    }
    let length = body.len() as u64;
    let description = EntryDescription {
        created: description.created.map(to_the_millisecond),
        expires: description.expires.map(to_the_millisecond),
        plain_length: length,
        stored_length: length,
        sha256: Some(sha256),
        ..description.clone()
    };
    let same = |it: &Stored| it.description.origin == description.origin && it.body == body;
    let in_vain = matches!(state_of(core, &key), EntryState::Ours(_))
        && core.state.store.get(&key).is_some_and(same);
    core.state.counts.written += 1;
    core.state.counts.in_vain += u64::from(in_vain);
    let EntryDescription { community, year, category, origin, .. } = &description;
    let made_from = origin.as_ref().map(|origin| origin.shelf);
    core.note(&format!("{community} {year} {category} is written from {made_from:?}, {in_vain}"));
    let state = &mut core.state;
    let fault = state.truth.fault(&state.library, &description, &body);
    state.store.insert(key.clone(), Stored { description, body });
    if let Some(fault) = fault {
        core.fail(format!("{key}: {fault}"));
    }
}

impl CacheStore for SimStore {
    fn fenced(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn CacheStore>, CacheError> {
        Ok(Arc::new(self.behind(lease.as_ref())?))
    }

    fn encoding(&self) -> BodyEncoding {
        BodyEncoding::Plain
    }

    fn put(&self, description: &EntryDescription, body: &Body) -> Result<(), CacheError> {
        let place = self.port.me.place;
        self.write(|core| keep(core, place, description, body.bytes.clone(), body.sha256))
    }

    fn put_over(
        &self,
        seen: Seen,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<bool, CacheError> {
        let place = self.port.me.place;
        self.write(|core| {
            let now = state_of(core, &description.key).seen();
            let created = description.created.map(to_the_millisecond);
            let stored = Seen::Ours { created, sha256: Some(body.sha256) };
            let gives_way = now == Seen::Nothing || seen.is(now) || stored == now;
            if gives_way {
                keep(core, place, description, body.bytes.clone(), body.sha256);
            }
            gives_way
        })
    }

    fn prolong(&self, key: &str, expires: Option<Timestamp>) -> Result<bool, CacheError> {
        self.write(|core| {
            let stands = state_of(core, key).stands();
            if let Some(stored) = core.state.store.get_mut(key).filter(|_| stands) {
                stored.description.expires = expires.map(to_the_millisecond);
            }
            stands
        })
    }

    fn adopt(&self, description: &EntryDescription) -> Result<bool, CacheError> {
        let place = self.port.me.place;
        self.write(|core| {
            let stands = state_of(core, &description.key).stands();
            let stored = core.state.store.get(&description.key).filter(|_| stands).cloned();
            let same = |it: &Stored| {
                it.description.sha256 == description.sha256
                    && it.description.plain_length == description.plain_length
            };
            let Some(stored) = stored.filter(same) else { return false };
            let sha256 = stored.description.sha256.unwrap_or_default();
            keep(core, place, description, stored.body, sha256);
            true
        })
    }

    fn get(&self, key: &str) -> Result<Option<Entry>, CacheError> {
        self.read(|core| {
            let stored = core.state.store.get(key).filter(|_| state_of(core, key).stands())?;
            let Stored { description, body } = stored.clone();
            Some(Entry { description, body })
        })
    }

    fn describe(&self, keys: &[String]) -> Result<Vec<EntryState>, CacheError> {
        self.read(|core| keys.iter().map(|key| state_of(core, key)).collect())
    }

    fn delete(&self, keys: &[String]) -> Result<u64, CacheError> {
        self.write(|core| {
            let gone = keys.iter().filter(|key| core.state.store.remove(*key).is_some());
            gone.count() as u64
        })
    }

    fn list(&self, filter: &EntryFilter) -> Result<Vec<EntryState>, CacheError> {
        self.read(|core| {
            let all = core.state.store.values().map(|stored| &stored.description);
            let wanted = all.filter(|it| filter.matches(it));
            wanted.map(|it| state_of(core, &it.key)).filter(EntryState::stands).collect()
        })
    }

    fn clear(&self) -> Result<u64, CacheError> {
        self.write(|core| std::mem::take(&mut core.state.store).len() as u64)
    }

    fn summary(&self) -> Result<StoreSummary, CacheError> {
        self.read(|_| StoreSummary::default())
    }
}

impl Notebook for SimStore {
    fn fenced_notes(&self, lease: Arc<dyn Lease>) -> Result<Arc<dyn Notebook>, CacheError> {
        Ok(Arc::new(self.behind(lease.as_ref())?))
    }

    fn recall(&self) -> Result<Memory, CacheError> {
        self.read(|core| core.state.memory.clone())
    }

    fn remember(&self, changes: &MemoryChanges) -> Result<(), CacheError> {
        self.write(|core| {
            for (key, note) in &changes.notes {
                let mut note = note.clone();
                // Pauses are drawn anew each time, past the seed.
                let pause = jiff::SignedDuration::from_secs(20 << note.attempts.min(7));
                note.next = note.next.map(|_| note.last + pause);
                core.state.memory.notes.insert(key.clone(), note);
            }
            for key in &changes.forget {
                core.state.memory.notes.remove(key);
            }
            core.state.memory.first_years.extend(changes.first_years.iter().cloned());
        })
    }

    fn forget_all(&self) -> Result<(), CacheError> {
        self.write(|core| core.state.memory = Memory::default())
    }
}
