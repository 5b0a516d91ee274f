//! The registry.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use redis::Value;
use stats_cache::{FirstRun, RedisRegistry, Registry, UpdateMark};
use stats_model::ManualClock;

use crate::support::RedisServer;

const A: &str = "7d9c1e52-0b7a-4c9e-9a51-2f7f0e6c9d10";

struct Fixture {
    server: RedisServer,
    clock: Arc<ManualClock>,
    registry: RedisRegistry,
}

fn fixture() -> Option<Fixture> {
    let server = RedisServer::shared()?;
    let now: Timestamp = "2025-06-15T12:34:56.789Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(now));
    let registry = RedisRegistry::new(server.client(), clock.clone());
    Some(Fixture { server, clock, registry })
}

impl Fixture {
    fn text(&self, key: &str) -> Option<String> {
        match self.server.say(&format!("GET {key}")) {
            Value::BulkString(text) => Some(String::from_utf8(text).unwrap()),
            _ => None,
        }
    }

    /// What the dashboard page of a community asks.
    fn page_finds(&self, pattern: &str) -> usize {
        match self.server.say(&format!("KEYS {pattern}")) {
            Value::Array(keys) => keys.len(),
            other => panic!("{other:?}"),
        }
    }
}

fn years(of: &[(&str, i16)]) -> Vec<(String, i16)> {
    of.iter().map(|&(community, year)| (community.to_owned(), year)).collect()
}

#[test]
fn marks_of_a_run_are_what_the_page_looks_for() {
    let Some(fixture) = fixture() else { return };
    let marked = years(&[(A, 2024), (A, 2025), ("global", 2025)]);
    fixture.registry.mark_generating("one", &marked, false).unwrap();
    let key = format!("{A}_cache_2024");
    assert_eq!(fixture.text(&key).as_deref(), Some("2025-06-15T12:34:56.000"));
    let Value::Int(seconds) = fixture.server.say(&format!("TTL {key}")) else { panic!() };
    assert!((55..=60).contains(&seconds), "{seconds}");
    assert_eq!(fixture.page_finds(&format!("{A}_cache_*")), 2);
    assert_eq!(fixture.page_finds(&format!("{A}_agg*")), 0);

    fixture.registry.unmark_generating("one", &marked).unwrap();
    assert_eq!(fixture.server.say("DBSIZE"), Value::Int(0));
    fixture.registry.unmark_generating("one", &marked).unwrap();
}

#[test]
fn a_mark_stays_until_the_last_run_that_holds_it_ends() {
    let Some(fixture) = fixture() else { return };
    let key = format!("{A}_cache_2025");
    let marked = years(&[(A, 2025)]);
    fixture.registry.mark_generating("one", &marked, false).unwrap();
    fixture.clock.advance(SignedDuration::from_secs(30));
    fixture.registry.mark_generating("two", &marked, false).unwrap();
    fixture.registry.unmark_generating("two", &marked).unwrap();
    assert!(fixture.text(&key).is_some());
    fixture.registry.unmark_generating("one", &marked).unwrap();
    assert_eq!(fixture.text(&key), None);

    // A run that died does not hold a mark for ever.
    fixture.registry.mark_generating("dead", &marked, false).unwrap();
    fixture.clock.advance(SignedDuration::from_secs(50));
    fixture.registry.mark_generating("two", &marked, false).unwrap();
    fixture.clock.advance(SignedDuration::from_secs(20));
    fixture.registry.unmark_generating("two", &marked).unwrap();
    assert_eq!(fixture.server.say("DBSIZE"), Value::Int(0));
}

#[test]
fn a_mark_that_python_wrote_over_ours_is_python_s() {
    let Some(fixture) = fixture() else { return };
    let key = format!("{A}_cache_2025");
    let marked = years(&[(A, 2025)]);
    fixture.registry.mark_generating("one", &marked, false).unwrap();
    fixture.server.say(&format!("SETEX {key} 7200 2025-06-15T12:40:00.000"));
    fixture.registry.unmark_generating("one", &marked).unwrap();
    assert_eq!(fixture.text(&key).as_deref(), Some("2025-06-15T12:40:00.000"));
    assert_eq!(fixture.server.say("DBSIZE"), Value::Int(1));
}

#[test]
fn a_run_that_is_alone_owes_nothing_to_runs_that_died() {
    let Some(fixture) = fixture() else { return };
    let marked = years(&[(A, 2025)]);
    fixture.registry.mark_generating("dead", &marked, true).unwrap();
    fixture.clock.advance(SignedDuration::from_secs(60));
    fixture.registry.mark_generating("two", &marked, true).unwrap();
    // Again, as a long run does.
    fixture.clock.advance(SignedDuration::from_secs(2400));
    fixture.registry.mark_generating("two", &marked, true).unwrap();
    let key = format!("{A}_cache_2025");
    assert_eq!(fixture.text(&key).as_deref(), Some("2025-06-15T13:15:56.000"));
    fixture.registry.unmark_generating("two", &marked).unwrap();
    assert_eq!(fixture.server.say("DBSIZE"), Value::Int(0));
}

#[test]
fn a_mark_that_python_set_before_us_stays_python_s() {
    let Some(fixture) = fixture() else { return };
    let key = format!("{A}_cache_2025");
    let marked = years(&[(A, 2025)]);
    fixture.server.say(&format!("SETEX {key} 100 2025-06-15T12:30:00.000"));
    for alone in [false, true] {
        fixture.registry.mark_generating("one", &marked, alone).unwrap();
        assert_eq!(fixture.text(&key).as_deref(), Some("2025-06-15T12:30:00.000"));
        let Value::Int(seconds) = fixture.server.say(&format!("TTL {key}")) else { panic!() };
        assert!(seconds <= 100, "{seconds}");
        fixture.registry.unmark_generating("one", &marked).unwrap();
        assert_eq!(fixture.server.say("DBSIZE"), Value::Int(1));
    }

    // Python ends first: from then on the mark is ours.
    fixture.registry.mark_generating("one", &marked, true).unwrap();
    fixture.server.say(&format!("DEL {key}"));
    fixture.registry.mark_generating("one", &marked, true).unwrap();
    assert_eq!(fixture.text(&key).as_deref(), Some("2025-06-15T12:34:56.000"));
    fixture.registry.unmark_generating("one", &marked).unwrap();
    assert_eq!(fixture.server.say("DBSIZE"), Value::Int(0));
}

#[test]
fn thousands_are_marked_and_unmarked() {
    let Some(fixture) = fixture() else { return };
    let marked: Vec<(String, i16)> =
        (0..2500).map(|number| (format!("community-{number}"), 2025)).collect();
    fixture.registry.mark_generating("one", &marked, false).unwrap();
    assert_eq!(fixture.page_finds("*_cache_2025"), 5000);
    assert_eq!(fixture.page_finds("community-1*_cache_*"), 1111);
    fixture.registry.unmark_generating("one", &marked).unwrap();
    assert_eq!(fixture.server.say("DBSIZE"), Value::Int(0));
}

#[test]
fn first_runs_are_read_and_completed() {
    let Some(fixture) = fixture() else { return };
    fixture.server.say("SET a_first_run in_progress");
    fixture.server.say("SET b_first_run completed");
    fixture.server.say("SET d_first_run whatever");
    let communities = ["a", "b", "c", "d"].map(str::to_owned);
    let states = fixture.registry.first_runs(&communities).unwrap();
    let expected =
        [Some(FirstRun::InProgress), Some(FirstRun::Completed), None, Some(FirstRun::Unknown)];
    assert_eq!(states, expected);
    assert_eq!(fixture.registry.first_runs(&[]).unwrap(), []);

    fixture.registry.complete_first_run("a").unwrap();
    assert_eq!(fixture.text("a_first_run").as_deref(), Some("completed"));
    assert_eq!(fixture.server.say("TTL a_first_run"), Value::Int(-1));
}

#[test]
fn marked_years_are_found_among_thousands_of_keys() {
    let Some(fixture) = fixture() else { return };
    for number in 0..3000 {
        fixture.server.say(&format!("SET other-{number} 1"));
    }
    let value = "2025-06-15T12:34:56.123456+00:00";
    for (key, value) in [
        (format!("{A}_agg_updated_2023"), value),
        (format!("{A}_agg_updated_987"), value),
        ("global_agg_updated_2024".to_owned(), value),
        ("x_agg_updated_twenty".to_owned(), value),
        ("x_agg_updated_2024_agg_updated_2023".to_owned(), value),
        ("x_agg_updated_+2024".to_owned(), value),
        (format!("{A}_agg"), value),
    ] {
        fixture.server.say(&format!("SETEX {key} 604800 {value}"));
    }
    let found = fixture.registry.update_marks().unwrap();
    let mark = |community: &str, year| UpdateMark {
        community: community.to_owned(),
        year,
        value: value.to_owned(),
    };
    assert_eq!(found.marks, [mark(A, 987), mark(A, 2023), mark("global", 2024)]);
    let unreadable =
        ["x_agg_updated_+2024", "x_agg_updated_2024_agg_updated_2023", "x_agg_updated_twenty"];
    assert_eq!(found.unreadable, unreadable);
}

#[test]
fn a_mark_is_removed_only_while_it_is_the_one_that_was_read() {
    let Some(fixture) = fixture() else { return };
    let key = format!("{A}_agg_updated_2023");
    fixture.server.say(&format!("SETEX {key} 604800 2025-06-15T12:34:56.123456+00:00"));
    let read = fixture.registry.update_marks().unwrap().marks.remove(0);
    fixture.server.say(&format!("SETEX {key} 604800 2025-06-15T12:35:00.000001+00:00"));
    assert!(!fixture.registry.remove_update_mark(&read).unwrap());
    assert!(fixture.text(&key).is_some());
    let read = fixture.registry.update_marks().unwrap().marks.remove(0);
    assert!(fixture.registry.remove_update_mark(&read).unwrap());
    assert!(!fixture.registry.remove_update_mark(&read).unwrap());
    assert_eq!(fixture.registry.update_marks().unwrap().marks, []);
}
