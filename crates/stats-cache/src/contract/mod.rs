//! The conformance suite of [`CacheStore`]: what every store has to do, checked on the store itself.
//!
//! A backend implements [`Harness`] for its tests and calls
//! [`cache_store_contract!`](crate::cache_store_contract), which makes one test of every case:
//!
//! ```text
//! stats_cache::cache_store_contract!(MyHarness::start);
//! ```
//!
//! Where stores may differ, the harness says how. A bug found in one store becomes a case for all.

mod cases;
mod hard_cases;
mod meanwhile;
mod remembering;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use stats_model::Category;

pub use self::cases::*;
pub use self::hard_cases::*;
pub use self::meanwhile::*;
pub use self::remembering::*;
use crate::{
    Body, CacheStore, EntryDescription, EntryState, Notebook, Origin, ShelfMark, response_key,
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

    /// The prefix of keys that the store serves.
    fn prefix(&self) -> &str;

    /// What time it is for the store.
    fn now(&self) -> Timestamp;

    /// Lets time pass for the store: moves its clock, or waits.
    fn pass(&self, duration: Duration);

    /// A lifetime that is long enough to look at an entry, and short enough to outwait it.
    fn short_life(&self) -> Duration;

    /// Whether an entry whose time is over is still known (as [`EntryState::Expired`]) until it is
    /// removed. Otherwise it is absent.
    fn keeps_expired(&self) -> bool;

    /// Does something to the stored bytes of an entry, past the store.
    fn damage(&self, key: &str, damage: Damage);

    /// Writes `bytes` under `key` as another program would, past the store, over what is there.
    /// Returns false when nobody else can write into such a store.
    fn write_as_another(&self, key: &str, bytes: &[u8], expires: Option<Timestamp>) -> bool;

    /// Makes every following write fail (until called with false). Returns false when that cannot
    /// be arranged.
    fn refuse_writes(&self, refuse: bool) -> bool;
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

/// Makes a test of each case of the suite. The argument is an expression that can be called without
/// arguments and returns `Option<impl Harness>`; with `None` the test is skipped, and whoever returns
/// it says why.
#[macro_export]
macro_rules! cache_store_contract {
    ($start:expr) => {
        $crate::cache_store_contract!($start,
            absent_keys_are_no_error
            what_is_gone_is_absent
            what_was_put_is_got
            every_part_of_a_description_comes_back
            bodies_in_another_encoding_are_taken
            a_put_replaces_the_whole_entry
            an_entry_ends_when_its_time_is_over
            an_entry_stored_too_late_is_not_served
            deleting_counts_what_was_there
            states_come_in_the_order_of_the_keys
            lists_are_filtered_and_sorted
            clearing_leaves_nothing
            a_summary_adds_up
            unusual_names_are_only_names
            another_process_sees_the_same
            readers_never_see_a_mixture
            writers_on_many_keys_do_not_disturb_each_other
            a_big_body_comes_back
            damaged_entries_are_counted_and_absent
            damaged_entries_can_be_removed
            a_failed_put_leaves_the_old_entry
            entries_of_others_are_recognised
            entries_of_others_over_ours_are_recognised
            what_others_write_and_is_no_json_is_damaged
            only_what_was_seen_is_written_over
            what_others_wrote_meanwhile_is_not_written_over
            one_of_many_who_saw_the_same_writes_over_it
            an_entry_can_be_prolonged
            an_expired_entry_can_be_prolonged_where_it_is_known
            an_entry_of_others_can_be_prolonged
            an_entry_is_adopted_with_its_own_body_only
            notes_come_back_until_they_are_forgotten
            first_years_are_known
        );
    };
    ($start:expr, $($case:ident)+) => {
        $(
            #[test]
            fn $case() {
                if let Some(harness) = ($start)() {
                    $crate::contract::$case(&harness);
                }
            }
        )+
    };
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
