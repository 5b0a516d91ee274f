//! The conformance suite of [`CacheStore`]: what every store has to do, checked on the store itself.
//!
//! A backend implements [`Harness`] for its tests and calls
//! [`cache_store_contract!`](crate::cache_store_contract), which makes one test of every case:
//!
//! ```text
//! stats_cache::cache_store_contract! {
//!     start: MyHarness::start,
//!     start_alone: MyHarness::start_server,
//!     keeps_expired: true,
//!     others_write: false,
//! }
//! ```
//!
//! In what stores may differ is named where the suite is called. A bug found in one store becomes a
//! case for all.

mod cases;
mod fences;
mod hard_cases;
mod meanwhile;
mod others;
mod remembering;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stats_model::Category;

pub use self::cases::*;
pub use self::fences::*;
pub use self::hard_cases::*;
pub use self::meanwhile::*;
pub use self::others::*;
pub use self::remembering::*;
use crate::{
    Body, BulkLock, CacheStore, EntryDescription, EntryState, Notebook, Origin, Seen, ShelfMark,
    response_key,
};

/// A store under test with everything a test has to be able to do to it.
///
/// Each test gets its own, empty.
pub trait Harness: Sync {
    /// The store.
    fn store(&self) -> &dyn CacheStore;

    /// A second way into the same place, as another process would have it.
    fn other(&self) -> Box<dyn CacheStore>;

    /// The notebook of the store.
    fn notebook(&self) -> &dyn Notebook;

    /// The notebook of [`other`](Self::other).
    fn other_notebook(&self) -> Box<dyn Notebook>;

    /// The lock of bulk runs that goes with the store.
    fn lock(&self) -> Box<dyn BulkLock>;

    /// The prefix of keys that the store serves.
    fn prefix(&self) -> &str;

    /// What time it is for the store.
    fn now(&self) -> Timestamp;

    /// Lets time pass for the store: moves its clock, or waits.
    fn pass(&self, duration: Duration);

    /// A lifetime that is long enough to look at an entry, and short enough to outwait it.
    fn short_life(&self) -> Duration;

    /// Does something to the stored bytes of an entry, past the store.
    fn damage(&self, key: &str, damage: Damage);

    /// Makes every following write fail, until called with false. Asked only of a harness of
    /// `start_alone`.
    fn refuse_writes(&self, refuse: bool);
}

/// A store into which other programs write, too.
pub trait SharedHarness: Harness {
    /// Writes `bytes` under `key` as another program would, past the store, over what is there.
    fn write_as_another(&self, key: &str, bytes: &[u8], expires: Option<Timestamp>);
}

/// What can happen to the stored bytes of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// One byte of the body is another; length and expiry stay.
    Altered,
    /// The end of the body is missing; the expiry stays.
    Cut,
    /// The body is empty; the expiry stays.
    Emptied,
    /// What is known about the entry has a format version that nobody knows.
    UnknownFormat,
}

impl Damage {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Altered, Self::Cut, Self::Emptied, Self::UnknownFormat];
}

/// Makes a test of each case of the suite.
///
/// * `start` can be called without arguments and returns `Option<impl Harness>`. With `None` the test
///   is skipped, and whoever returns it says why.
/// * `start_alone`: the same in a place that no other test uses, where all writes can be refused.
/// * `keeps_expired`: whether an entry whose time is over is still known (as
///   [`EntryState::Expired`](crate::EntryState::Expired)) until it is removed. Otherwise it is absent.
/// * `others_write`: `true` where other programs write into the store, whose harness is a
///   [`SharedHarness`] then; else `false`.
#[macro_export]
macro_rules! cache_store_contract {
    (
        start: $start:expr,
        start_alone: $start_alone:expr,
        keeps_expired: $keeps_expired:expr,
        others_write: true $(,)?
    ) => {
        $crate::cache_store_contract! {
            start: $start,
            start_alone: $start_alone,
            keeps_expired: $keeps_expired,
            others_write: false,
        }
        $crate::conformance_tests! { $start =>
            entries_of_others_are_recognised()
            entries_of_others_over_ours_are_recognised()
            what_others_write_and_is_no_json_is_damaged()
            what_others_wrote_meanwhile_is_not_written_over()
            an_entry_of_others_can_be_prolonged()
            an_entry_of_others_is_adopted_with_its_own_body_only()
        }
    };
    (
        start: $start:expr,
        start_alone: $start_alone:expr,
        keeps_expired: $keeps_expired:expr,
        others_write: false $(,)?
    ) => {
        $crate::conformance_tests! { $start =>
            absent_keys_are_no_error()
            what_is_gone_is_absent()
            what_was_put_is_got()
            every_part_of_a_description_comes_back()
            bodies_in_another_encoding_are_taken()
            a_put_replaces_the_whole_entry()
            an_entry_ends_when_its_time_is_over($keeps_expired)
            an_entry_stored_too_late_is_not_served()
            deleting_counts_what_was_there()
            states_come_in_the_order_of_the_keys()
            lists_are_filtered_and_sorted()
            clearing_leaves_nothing()
            a_summary_adds_up()
            unusual_names_are_only_names()
            another_process_sees_the_same()
            readers_never_see_a_mixture()
            writers_on_many_keys_do_not_disturb_each_other()
            a_big_body_comes_back()
            damaged_entries_are_counted_and_absent()
            damaged_entries_can_be_removed()
            only_what_was_seen_is_written_over()
            one_of_many_who_saw_the_same_writes_over_it()
            an_entry_can_be_prolonged()
            an_expired_entry_can_be_prolonged_where_it_is_known($keeps_expired)
            an_entry_is_adopted_with_its_own_body_only()
            notes_come_back_until_they_are_forgotten()
            first_years_are_known()
        }
        $crate::conformance_tests! { $start_alone =>
            a_failed_put_leaves_the_old_entry()
        }
        $crate::cache_store_fences_contract! { start: $start }
    };
}

/// Makes a test of each case that is about the fences of runs: where the same store may go with
/// different locks, once for each; `start` as in [`cache_store_contract!`](crate::cache_store_contract).
#[macro_export]
macro_rules! cache_store_fences_contract {
    (start: $start:expr $(,)?) => {
        $crate::conformance_tests! { $start =>
            the_holder_of_the_lock_may_write()
            whoever_lost_the_lock_changes_nothing()
            whoever_comes_late_does_not_disturb_the_holder()
            nothing_is_written_once_a_successor_begins()
            a_lock_that_is_renewed_lets_its_holder_write()
            whoever_joins_a_run_writes_as_long_as_it_lasts()
        }
    };
}

/// One test for each of some cases, which are functions of `contract` that take a harness and, in
/// brackets, how the store differs from others.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($start:expr => $($case:ident($($how:expr)?))+) => {$(
        #[test]
        fn $case() {
            if let Some(harness) = ($start)() {
                $crate::contract::$case(&harness $(, $how)?);
            }
        }
    )+};
}

/// A description for tests, of a response that is made now and never ends.
#[must_use]
pub fn description(
    harness: &dyn Harness,
    community: &str,
    year: i16,
    category: Category,
) -> EntryDescription {
    let now = to_the_millisecond(harness.now());
    EntryDescription {
        key: response_key(harness.prefix(), community, year, category).into_string(),
        community: community.to_owned(),
        year,
        category,
        created: Some(now),
        expires: None,
        data_through: Some(format!("{year}-12-31")),
        origin: Some(Origin {
            shelf: ShelfMark { count: 365, max: u64::MAX, sum: 1 << 53 },
            days: Some(364),
            position: "index:history:42".to_owned(),
            layout: "00ff".to_owned(),
            configuration: "beef".to_owned(),
            optimized: true,
            generator: 7,
        }),
        plain_length: 0,
        stored_length: 0,
        sha256: None,
    }
}

fn lasting(description: EntryDescription, lifetime: Duration) -> EntryDescription {
    let created = description.created.unwrap_or(Timestamp::UNIX_EPOCH);
    let lifetime = SignedDuration::try_from(lifetime).expect("a lifetime fits");
    EntryDescription { expires: Some(created + lifetime), ..description }
}

fn to_the_millisecond(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).expect("a time has milliseconds")
}

fn put(harness: &dyn Harness, description: &EntryDescription, plain: &[u8]) {
    let body = body(harness, plain);
    harness.store().put(description, &body).expect("an entry is stored");
}

fn body(harness: &dyn Harness, plain: &[u8]) -> Body {
    Body::from_plain(harness.store().encoding(), plain).expect("a body is encoded")
}

fn put_over(store: &dyn CacheStore, seen: Seen, one: &EntryDescription, new: &Body) -> bool {
    store.put_over(seen, one, new).expect("the store answers")
}

/// A description of an entry with this body, which lasts for an hour.
fn of_body(harness: &dyn Harness, plain: &[u8]) -> EntryDescription {
    let made = body(harness, plain);
    let one = description(harness, "global", 2024, Category::UsageDelta);
    EntryDescription {
        plain_length: made.plain_length,
        sha256: Some(made.sha256),
        ..lasting(one, Duration::from_secs(3600))
    }
}

/// In so many hours.
fn soon(harness: &dyn Harness, hours: i64) -> Timestamp {
    to_the_millisecond(harness.now()) + SignedDuration::from_hours(hours)
}

fn state(store: &dyn CacheStore, key: &str) -> EntryState {
    let states = store.describe(&[key.to_owned()]).expect("a state is told");
    let [state] = <[EntryState; 1]>::try_from(states).expect("one key has one state");
    state
}

fn plain_body(store: &dyn CacheStore, key: &str) -> Option<Vec<u8>> {
    store.get(key).expect("the store answers").map(|entry| entry.body)
}

fn damaged_reads(harness: &dyn Harness) -> u64 {
    harness.store().summary().expect("a summary is given").damaged_reads
}

#[cfg(test)]
mod tests {
    /// The case's name stands in a file of cases and in the list of the suite.
    #[test]
    fn no_case_is_left_out_of_the_suite() {
        let cases = [
            include_str!("cases.rs"),
            include_str!("fences.rs"),
            include_str!("hard_cases.rs"),
            include_str!("meanwhile.rs"),
            include_str!("others.rs"),
            include_str!("remembering.rs"),
        ]
        .concat();
        let names = cases.split("\npub fn ").skip(1);
        for name in names.map(|rest| rest.split('(').next().unwrap_or_default()) {
            assert!(include_str!("mod.rs").contains(&format!("\n            {name}(")), "{name}");
        }
    }
}
