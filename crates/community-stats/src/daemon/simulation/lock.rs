//! The lock of bulk runs, and the marks of the aggregation, as a process sees them.

use std::time::Duration;

use jiff::Timestamp;
use stats_cache::{
    BulkLock, CacheError, CacheErrorKind, Ends, FirstRun, Lease, LockEntry, LockHolder, Registry,
    UpdateMark, UpdateMarks,
};

use super::ports::Port;
use super::state::{Held, Known, LEASE};
use super::world::{Core, Fate, Risk};

pub(super) struct SimLock(pub(super) Port);

struct SimLease {
    port: Port,
    token: String,
    own: bool,
}

const ASK: Risk = Risk { point: "lock asked", fails: 3, unknown: 3 };

fn silent() -> CacheError {
    CacheError::new(CacheErrorKind::Unreachable, "whoever keeps the lock does not answer")
}

/// Asks whoever keeps the lock; an answer may be lost.
fn ask<T>(port: &Port, answer: impl FnOnce(&mut Core) -> T) -> Result<T, CacheError> {
    let Some((mut core, fate)) = port.call(ASK) else { return Err(silent()) };
    if fate == Fate::Fails {
        return Err(silent());
    }
    let answer = answer(&mut core);
    if fate == Fate::Unknown { Err(silent()) } else { Ok(answer) }
}

impl SimLock {
    /// What a process has that was told that it holds the lock, or that it may join.
    fn lease(&self, known: Known) -> Box<dyn Lease> {
        let (token, own) = (known.token.clone(), known.own);
        self.0.world.look().state.leases.insert(self.0.me.place, known);
        Box::new(SimLease { port: self.0.clone(), token, own })
    }
}

impl BulkLock for SimLock {
    fn name(&self) -> String {
        "simulated".to_owned()
    }

    fn acquire(&self, _: Timestamp) -> Result<Option<Box<dyn Lease>>, CacheError> {
        let me = self.0.me.place;
        let taken = ask(&self.0, |core| {
            if core.state.lock.as_ref().is_some_and(|held| held.ends > core.now) {
                return None;
            }
            core.state.tokens += 1;
            let token = format!("token-{}", core.state.tokens);
            let until = core.now + LEASE;
            core.note(&format!("{me} takes the lock as {token}"));
            core.state.lock = Some(Held { token: token.clone(), ends: until });
            Some(Known { token, own: true, until })
        })?;
        Ok(taken.map(|known| self.lease(known)))
    }

    fn join(&self, token: &str) -> Result<Option<Box<dyn Lease>>, CacheError> {
        let joined = ask(&self.0, |core| {
            let until = core.now + LEASE;
            let known = Known { token: token.to_owned(), own: false, until };
            core.state.holds(token, core.now).then_some(known)
        })?;
        Ok(joined.map(|known| self.lease(known)))
    }

    fn holder(&self) -> Result<Option<LockHolder>, CacheError> {
        ask(&self.0, |core| {
            let held = core.state.lock.as_ref().filter(|held| held.ends > core.now)?;
            let ends = Ends::In(held.ends - core.now);
            Some(LockHolder { token: Some(held.token.clone()), who: None, ends })
        })
    }

    fn take_away(
        &self,
        may: &dyn Fn(&LockHolder) -> bool,
    ) -> Result<Option<LockHolder>, CacheError> {
        let Some(holder) = self.holder()?.filter(|holder| may(holder)) else { return Ok(None) };
        ask(&self.0, |core| core.state.lock = None)?;
        Ok(Some(holder))
    }
}

impl SimLease {
    /// What the process knows of it.
    fn known(&self, core: &Core) -> Duration {
        let known = core.state.leases.get(&self.port.me.place);
        let known = known.filter(|known| known.token == self.token && !core.is_dead(self.port.me));
        known.map_or(Duration::ZERO, |known| known.until.saturating_sub(core.now))
    }

    fn look(&self, renew: bool) -> Result<bool, CacheError> {
        let (me, own) = (self.port.me.place, self.own);
        ask(&self.port, |core| {
            let holds = core.state.holds(&self.token, core.now) && !self.known(core).is_zero();
            let until = core.now + LEASE;
            if let Some(held) = core.state.lock.as_mut().filter(|_| holds && own && renew) {
                held.ends = until;
            }
            if let Some(known) = core.state.leases.get_mut(&me) {
                if !holds {
                    known.until = Duration::ZERO;
                } else if renew {
                    known.until = until;
                }
            }
            holds
        })
    }
}

impl Lease for SimLease {
    fn token(&self) -> &str {
        &self.token
    }

    fn entry(&self) -> Option<LockEntry> {
        None
    }

    fn renew(&self) -> Result<bool, CacheError> {
        self.look(true)
    }

    fn still_held(&self) -> Result<bool, CacheError> {
        self.look(false)
    }

    fn lease_left(&self) -> Duration {
        self.known(&self.port.world.look())
    }

    fn release(&self) -> Result<bool, CacheError> {
        let me = self.port.me.place;
        // Whether or not it is given back, nobody renews it any more.
        self.port.world.look().state.leases.remove(&me);
        ask(&self.port, |core| {
            let holds = core.state.holds(&self.token, core.now);
            if holds {
                core.note(&format!("{me} gives the lock back"));
                core.state.lock = None;
            }
            holds
        })
    }
}

/// The marks of the aggregation.
pub(super) struct SimRegistry(pub(super) Port);

impl Registry for SimRegistry {
    fn mark_generating(&self, _: &str, _: &[(String, i16)], _: bool) -> Result<(), CacheError> {
        ask(&self.0, |_| ())
    }

    fn marks_last(&self) -> Duration {
        Duration::from_secs(3_600)
    }

    fn unmark_generating(&self, _: &str, _: &[(String, i16)]) -> Result<(), CacheError> {
        ask(&self.0, |_| ())
    }

    fn first_runs(&self, communities: &[String]) -> Result<Vec<Option<FirstRun>>, CacheError> {
        ask(&self.0, |_| vec![None; communities.len()])
    }

    fn complete_first_run(&self, _: &str) -> Result<(), CacheError> {
        ask(&self.0, |_| ())
    }

    fn update_marks(&self) -> Result<UpdateMarks, CacheError> {
        ask(&self.0, |core| UpdateMarks {
            marks: core.state.marks.values().cloned().collect(),
            unreadable: Vec::new(),
        })
    }

    fn remove_update_mark(&self, mark: &UpdateMark) -> Result<bool, CacheError> {
        ask(&self.0, |core| {
            let place = (mark.community.clone(), mark.year);
            let same = core.state.marks.get(&place) == Some(mark);
            if same {
                core.state.marks.remove(&place);
            }
            same
        })
    }
}
