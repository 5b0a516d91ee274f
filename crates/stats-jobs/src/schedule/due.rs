//! Whether something is due by a clock that may be put forwards and back.

use std::time::Duration;

use jiff::Timestamp;

use super::times::Schedule;

/// Says of a schedule when something is due. It is asked again and again with the time of a clock:
///
/// * What was missed, because nobody asked or the clock was put forwards, becomes one.
/// * No instant fires twice while the clock goes forwards, and none fires twice in a row, whatever the
///   clock does.
/// * A clock that is put back begins anew where it is then: the first instant after that time fires,
///   or, where that was the last that fired, the second. So an instant can come again when the clock
///   was put back by more than the time between two of them; otherwise nothing would be done until the
///   clock is where it was.
#[derive(Debug, Clone)]
pub struct Due {
    schedule: Schedule,
    asked: Timestamp,
    fired: Option<Timestamp>,
    next: Option<Timestamp>,
}

/// Something is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// The instant of the schedule that it is due for: the latest until now.
    pub at: Timestamp,
    /// How many instants before that one were missed; no more than a thousand are counted.
    pub missed: u64,
}

impl Due {
    /// Due at the first instant after `now`.
    #[must_use]
    pub fn new(schedule: Schedule, now: Timestamp) -> Self {
        let next = schedule.next_after(now);
        Self { schedule, asked: now, fired: None, next }
    }

    /// Due at the first instant after the one that `fired` last, by another process for example: what
    /// was missed since then is due at once.
    #[must_use]
    pub fn after(schedule: Schedule, fired: Timestamp) -> Self {
        Self { fired: Some(fired), ..Self::new(schedule, fired) }
    }

    /// The schedule.
    #[must_use]
    pub const fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// Whether something is due, now that it is `now`.
    pub fn ask(&mut self, now: Timestamp) -> Option<Firing> {
        if now < self.asked {
            self.next = self.following(now);
        }
        self.asked = now;
        let first = self.next.filter(|next| *next <= now)?;
        let at = self.schedule.latest_until(now).unwrap_or(first);
        self.next = self.schedule.next_after(now);
        // A clock that was put back and is right again has passed nothing new.
        if self.fired.replace(at) == Some(at) {
            return None;
        }
        Some(Firing { at, missed: self.schedule.count(first, at) })
    }

    /// When something is due next, unless the clock is put back; `None` at the end of all calendars.
    #[must_use]
    pub const fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// How long it is from `now` until then. Whoever waits should ask more often: a clock may be put
    /// forwards meanwhile.
    #[must_use]
    pub fn wait(&self, now: Timestamp) -> Duration {
        let wait = self.next.map(|next| next.duration_since(now));
        wait.map_or(Duration::MAX, |wait| wait.try_into().unwrap_or(Duration::ZERO))
    }

    /// The first instant after `now` that is not the last that fired.
    fn following(&self, now: Timestamp) -> Option<Timestamp> {
        let next = self.schedule.next_after(now)?;
        if self.fired == Some(next) { self.schedule.next_after(next) } else { Some(next) }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;

    fn time(text: &str) -> Timestamp {
        format!("2026-11-29T{text}Z").parse().unwrap()
    }

    fn firing(at: &str, missed: u64) -> Option<Firing> {
        Some(Firing { at: time(at), missed })
    }

    #[test]
    fn it_is_due_once_at_each_instant() {
        let mut due = Due::new(Schedule::default(), time("10:50:00"));
        assert_eq!(due.ask(time("10:50:00")), None);
        assert_eq!(due.next(), Some(time("11:50:00")));
        assert_eq!(due.wait(time("11:49:30")), Duration::from_secs(30));
        assert_eq!(due.ask(time("11:49:59.999")), None);
        assert_eq!(due.ask(time("11:50:00.3")), firing("11:50:00", 0));
        assert_eq!(due.ask(time("11:50:00.3")), None);
        assert_eq!(due.ask(time("12:50:00")), firing("12:50:00", 0));
        assert_eq!(due.wait(time("14:00:00")), Duration::ZERO);
    }

    #[test]
    fn what_was_missed_becomes_one() {
        let mut due = Due::new(Schedule::default(), time("10:00:00"));
        assert_eq!(due.ask(time("15:00:00")), firing("14:50:00", 4));
        assert_eq!(due.ask(time("15:00:00")), None);
        assert_eq!(due.next(), Some(time("15:50:00")));

        let mut due = Due::after(Schedule::default(), time("10:50:00"));
        assert_eq!(due.ask(time("12:55:00")), firing("12:50:00", 1));
        let mut due = Due::after(Schedule::default(), time("10:50:00"));
        assert_eq!(due.ask(time("11:49:00")), None);
    }

    #[test]
    fn very_many_that_were_missed_are_not_counted() {
        let mut due = Due::new(Schedule::parse("* * * * *").unwrap(), Timestamp::UNIX_EPOCH);
        let minute = "2026-11-29T10:00:00Z".parse().unwrap();
        assert_eq!(due.ask(minute), Some(Firing { at: minute, missed: 1000 }));
    }

    #[test]
    fn a_clock_that_is_put_back_a_little_fires_nothing_twice() {
        let mut due = Due::new(Schedule::default(), time("10:00:00"));
        assert_eq!(due.ask(time("10:50:00.2")), firing("10:50:00", 0));
        assert_eq!(due.ask(time("10:49:59.9")), None);
        assert_eq!(due.ask(time("10:50:00.1")), None);
        assert_eq!(due.ask(time("10:20:00")), None);
        assert_eq!(due.ask(time("11:10:00")), None);
        assert_eq!(due.ask(time("11:50:00")), firing("11:50:00", 0));
    }

    #[test]
    fn a_clock_that_is_put_back_far_begins_anew() {
        let mut due = Due::new(Schedule::default(), time("20:00:00"));
        assert_eq!(due.ask(time("20:50:00")), firing("20:50:00", 0));
        assert_eq!(due.ask(time("09:00:00")), None);
        assert_eq!(due.ask(time("09:50:00")), firing("09:50:00", 0));
        // What another process did in a future that is none any more does not hold this one up.
        let mut due = Due::after(Schedule::default(), time("20:50:00"));
        assert_eq!(due.ask(time("09:00:00")), None);
        assert_eq!(due.ask(time("09:50:01")), firing("09:50:00", 0));
    }

    fn schedules() -> impl Strategy<Value = Schedule> {
        let cron = |text| Just(Schedule::parse(text).unwrap());
        prop_oneof![
            cron("50 * * * *"),
            cron("*/7 * * * *"),
            cron("5,6 3 * * mon,wed"),
            (60_u64..100_000)
                .prop_map(|seconds| Schedule::every(Duration::from_secs(seconds)).unwrap()),
        ]
    }

    fn steps(backwards: i64) -> impl Strategy<Value = Vec<i64>> {
        let step = prop_oneof![
            4 => 0_i64..10_000,
            2 => 0_i64..20_000_000,
            1 => -backwards..0,
        ];
        proptest::collection::vec(step, 1..60)
    }

    fn start() -> Timestamp {
        time("12:34:56.789")
    }

    proptest! {
        /// Steps are in milliseconds, so that instants are met from just before and just after.
        #[test]
        fn a_clock_that_never_goes_back_fires_rising_instants_and_misses_none(
            schedule in schedules(), steps in steps(1),
        ) {
            let (mut now, mut due) = (start(), Due::new(schedule.clone(), start()));
            let mut seen = 0;
            let mut last = start();
            for step in steps.into_iter().filter(|step| *step >= 0) {
                now += SignedDuration::from_millis(step);
                if let Some(Firing { at, missed }) = due.ask(now) {
                    prop_assert!(last < at && at <= now);
                    prop_assert!(schedule.next_after(at).is_some_and(|next| next > now));
                    (last, seen) = (at, seen + 1 + missed);
                }
                prop_assert_eq!(due.ask(now), None);
            }
            let instants =
                std::iter::successors(schedule.next_after(start()), |at| schedule.next_after(*at));
            let expected = instants.take_while(|at| *at <= now).count() as u64;
            prop_assert_eq!(seen, expected);
        }

        #[test]
        fn no_instant_fires_twice_in_a_row_whatever_the_clock_does(
            schedule in schedules(), steps in steps(100_000_000),
        ) {
            let (mut now, mut due) = (start(), Due::new(schedule, start()));
            let mut last = None;
            for step in steps {
                now += SignedDuration::from_millis(step);
                if let Some(Firing { at, .. }) = due.ask(now) {
                    prop_assert!(at <= now);
                    prop_assert_ne!(last.replace(at), Some(at));
                }
                prop_assert_eq!(due.ask(now), None, "more than one for one jump");
            }
        }

        #[test]
        fn a_clock_that_is_put_back_by_less_than_a_period_fires_rising_instants(
            minutes in proptest::collection::vec((0_i64..200, 0_i64..60), 1..60),
        ) {
            let (mut now, mut due) = (start(), Due::new(Schedule::default(), start()));
            let mut last = None;
            for (forwards, back) in minutes {
                now += SignedDuration::from_mins(forwards);
                for time in [now, now - SignedDuration::from_mins(back)] {
                    if let Some(Firing { at, .. }) = due.ask(time) {
                        prop_assert!(last.replace(at) < Some(at), "{at} again");
                    }
                }
            }
        }

        #[test]
        fn after_any_jump_back_the_first_or_the_second_instant_fires(
            schedule in schedules(), steps in steps(1), back in 1_i64..1_000_000_000_000,
        ) {
            let (mut now, mut due) = (start(), Due::new(schedule.clone(), start()));
            let mut fired = None;
            for step in steps.into_iter().filter(|step| *step >= 0) {
                now += SignedDuration::from_millis(step);
                fired = due.ask(now).map(|firing| firing.at).or(fired);
            }
            now -= SignedDuration::from_millis(back);
            prop_assert_eq!(due.ask(now), None);
            let first = schedule.next_after(now).unwrap();
            let at = if fired == Some(first) { schedule.next_after(first).unwrap() } else { first };
            prop_assert_eq!(due.ask(at), Some(Firing { at, missed: 0 }));
        }
    }
}
