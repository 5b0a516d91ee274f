//! One clock and one order of events for all processes of a simulation.
//!
//! Each process is a thread, and only one of them runs at a time: whenever it calls a port, the seed
//! decides who goes on, how long that takes, and whether the call fails, or the process is stopped for a
//! while or killed there. So a seed is a history, and the same one each time.
//!
//! A killed process gets an error from each port that it calls afterwards, and changes nothing: it comes
//! to its end on the ways of errors, and a new one begins in its place.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::random::Random;
use super::state::State;

/// A process of a simulation: which place it has, and which of those that had the place it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) place: usize,
    pub(super) life: u32,
}

/// What comes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is done.
    Done,
    /// It fails, and nothing is done.
    Fails,
    /// It is done, but whoever called is told that it failed.
    Unknown,
}

/// The process that called is dead, or the simulation is over.
pub(super) struct Dead;

/// How a call may go wrong, in a thousand calls while there are faults.
#[derive(Debug, Clone, Copy)]
pub(super) struct Risk {
    pub(super) point: &'static str,
    pub(super) fails: u64,
    pub(super) unknown: u64,
}

/// One place where a process runs.
struct Place {
    /// Goes on at this time.
    wakes: Duration,
    life: u32,
    /// Whether its process was killed, and nobody took its place yet.
    killed: bool,
    ended: bool,
}

pub(super) struct World {
    core: Mutex<Core>,
    turns: Vec<Condvar>,
}

pub(super) struct Core {
    pub(super) random: Random,
    pub(super) now: Duration,
    pub(super) state: State,
    /// When faults and changes end.
    quiet_from: Duration,
    ends: Duration,
    next_event: Duration,
    events: Events,
    running: usize,
    places: Vec<Place>,
    over: bool,
    /// What happened, where somebody reads it.
    lines: Option<Vec<String>>,
}

/// All simulations begin then.
pub(super) fn beginning() -> Timestamp {
    Timestamp::from_second(1_749_988_800).expect("2025-06-15T12:00:00Z is a time")
}

impl World {
    pub(super) fn new(
        seed: u64,
        places: usize,
        told: bool,
        length: Length,
        events: Events,
    ) -> Self {
        let place = |_| Place { wakes: Duration::ZERO, life: 0, killed: false, ended: false };
        let mut random = Random::new(seed);
        let state = State::new(&mut random, places);
        let core = Core {
            random,
            now: Duration::ZERO,
            state,
            quiet_from: length.faults,
            ends: length.faults + length.quiet,
            next_event: Duration::from_secs(20),
            events,
            running: 0,
            places: (0..places).map(place).collect(),
            over: false,
            lines: told.then(Vec::new),
        };
        let turns = (0..places).map(|_| Condvar::new()).collect();
        Self { core: Mutex::new(core), turns }
    }

    /// Waits until it is the turn of a place for the first time.
    pub(super) fn begin(&self, place: usize) {
        drop(self.wait(self.lock(), place));
    }

    /// A process calls a port; others may run before. What comes of the call is for the port to heed.
    pub(super) fn call(
        &self,
        me: Process,
        risk: Risk,
    ) -> Result<(MutexGuard<'_, Core>, Fate), Dead> {
        let mut core = self.lock();
        if core.is_dead(me) {
            return Err(Dead);
        }
        let fate = core.step(me, risk);
        let mut core = self.hand_over(core, me.place);
        if core.is_dead(me) {
            return Err(Dead);
        }
        core.keep_lease(me.place);
        Ok((core, fate))
    }

    /// A process sleeps.
    pub(super) fn sleep(&self, me: Process, time: Duration) {
        let mut core = self.lock();
        if core.is_dead(me) {
            return;
        }
        core.places[me.place].wakes = core.now + time;
        let mut core = self.hand_over(core, me.place);
        if !core.is_dead(me) {
            core.keep_lease(me.place);
        }
    }

    /// The place of a dead process is taken by the next one after a while; `None` when all is over.
    pub(super) fn next_life(&self, place: usize) -> Option<Process> {
        let mut core = self.lock();
        if core.places[place].killed {
            let pause = core.random.between(Duration::from_secs(2), Duration::from_secs(90));
            core.places[place].killed = false;
            core.places[place].life += 1;
            core.places[place].wakes = core.now + pause;
            core = self.hand_over(core, place);
        }
        let life = core.places[place].life;
        (!core.over).then_some(Process { place, life })
    }

    /// The thread of a place ends.
    pub(super) fn leave(&self, place: usize) {
        let mut core = self.lock();
        core.places[place].ended = true;
        core.pass_on();
        for turn in &self.turns {
            turn.notify_all();
        }
    }

    /// Looks at everything, without any time going by.
    pub(super) fn look(&self) -> MutexGuard<'_, Core> {
        self.lock()
    }

    fn hand_over<'a>(&'a self, mut core: MutexGuard<'a, Core>, me: usize) -> MutexGuard<'a, Core> {
        core.pass_on();
        if core.over {
            for turn in &self.turns {
                turn.notify_all();
            }
            return core;
        }
        if core.running != me {
            self.turns[core.running].notify_all();
        }
        self.wait(core, me)
    }

    fn wait<'a>(&'a self, mut core: MutexGuard<'a, Core>, me: usize) -> MutexGuard<'a, Core> {
        while core.running != me && !core.over {
            core = self.turns[me].wait(core).unwrap_or_else(PoisonError::into_inner);
        }
        core
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What happens around processes.
#[derive(Clone, Copy)]
pub(super) struct Events {
    /// Something does.
    pub(super) happen: fn(&mut Core),
    /// From here on nothing does.
    pub(super) calm: fn(&mut Core),
}

/// How long a simulation lasts, by its own clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    pub(super) faults: Duration,
    pub(super) quiet: Duration,
}

impl Core {
    /// What time it is, as nobody's clock shows it wrongly.
    pub(super) fn time(&self) -> Timestamp {
        beginning() + SignedDuration::try_from(self.now).unwrap_or_default()
    }

    /// Whether there are no faults and no changes any more.
    pub(super) fn is_quiet(&self) -> bool {
        self.now >= self.quiet_from
    }

    pub(super) fn is_dead(&self, me: Process) -> bool {
        let place = &self.places[me.place];
        self.over || place.killed || place.life != me.life
    }

    /// The places whose processes live and were heard of not long ago.
    pub(super) fn is_heard_of(&self, place: usize) -> bool {
        let it = &self.places[place];
        !it.killed && !it.ended && it.wakes <= self.now + Duration::from_secs(30)
    }

    pub(super) fn lines(&mut self) -> Vec<String> {
        self.lines.take().unwrap_or_default()
    }

    /// Has everybody learn that something is wrong: the simulation is over.
    pub(super) fn fail(&mut self, what: String) {
        self.note(&format!("WRONG: {what}"));
        self.state.wrong.get_or_insert(what);
        self.over = true;
    }

    /// Writes down what happens.
    pub(super) fn note(&mut self, what: &str) {
        let Some(lines) = &mut self.lines else { return };
        let line = format!("{:>9.3} {what}", self.now.as_secs_f64());
        lines.push(line);
    }

    /// Stops the process of a place for so long.
    pub(super) fn stop_process(&mut self, place: usize, time: Duration) {
        let wakes = &mut self.places[place].wakes;
        *wakes = (*wakes).max(self.now) + time;
    }

    /// Kills the process of a place, which may begin anew.
    pub(super) fn kill(&mut self, place: usize) {
        let it = &mut self.places[place];
        if !it.ended {
            it.killed = true;
            it.wakes = self.now;
            self.state.leases.remove(&place);
        }
    }

    /// A call takes its time, and may come to nothing.
    fn step(&mut self, me: Process, risk: Risk) -> Fate {
        let time = match self.random.below(50) {
            0 => self.random.below(2_000),
            few => few % 8,
        };
        self.places[me.place].wakes = self.now + Duration::from_millis(time);
        let mut fate = Fate::Done;
        if !self.is_quiet() {
            if self.random.in_a_thousand(risk.fails) || self.state.is_down(risk.point, self.now) {
                fate = Fate::Fails;
            } else if self.random.in_a_thousand(risk.unknown) {
                fate = Fate::Unknown;
            }
            self.disturb(me);
        }
        if self.lines.is_some() {
            self.note(&format!("{}.{} {} {fate:?}", me.place, me.life, risk.point));
        }
        fate
    }

    /// Now and then a process is stopped or killed in the middle of what it does.
    fn disturb(&mut self, me: Process) {
        match self.random.below(2_500) {
            0..=9 => {
                let time = self.random.between(Duration::from_secs(5), Duration::from_secs(150));
                self.note(&format!("{}.{} is stopped for {time:?}", me.place, me.life));
                self.stop_process(me.place, time);
            }
            10 => {
                self.note(&format!("{}.{} is killed", me.place, me.life));
                self.kill(me.place);
            }
            _ => {}
        }
    }

    /// Decides who goes on. Time goes by until somebody can.
    fn pass_on(&mut self) {
        loop {
            self.happen();
            let lives = |(_, it): &(usize, &Place)| !it.ended;
            let first = self.places.iter().enumerate().filter(lives).map(|(_, it)| it.wakes).min();
            let Some(first) = first.filter(|_| !self.over) else {
                self.over = true;
                return;
            };
            if first > self.now {
                self.now = first.min(self.next_event.max(self.now));
                if self.now < first {
                    continue;
                }
            }
            if self.now >= self.ends {
                self.over = true;
                return;
            }
            let ready = self.places.iter().enumerate().filter(lives);
            let ready: Vec<usize> =
                ready.filter(|(_, it)| it.wakes <= self.now).map(|(place, _)| place).collect();
            self.running = *self.random.one_of(&ready);
            return;
        }
    }

    /// What happens around the processes by now.
    fn happen(&mut self) {
        while self.next_event <= self.now && !self.over {
            if self.is_quiet() {
                (self.events.calm)(self);
                self.next_event = Duration::MAX;
            } else {
                (self.events.happen)(self);
                let pause = self.random.between(Duration::from_secs(5), Duration::from_secs(150));
                self.next_event = (self.now + pause).min(self.quiet_from.max(self.now));
            }
        }
    }

    /// What threads of the process of a place do beside its work: they renew its lease.
    fn keep_lease(&mut self, place: usize) {
        self.state.keep_lease(place, self.now);
    }
}
