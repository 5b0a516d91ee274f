//! Positions from answers, and what lies between two of them.

use serde_json::{Value, json};
use stats_model::{Position, PositionMark};

use super::changes::moved_indices;
use super::statistics::Statistics;
use crate::opensearch::failure::Failure;

fn parse_stats(answer: Value) -> Result<Position, Failure> {
    let statistics: Statistics = serde_json::from_value(answer).unwrap();
    statistics.position("test")
}

fn stats(memory: u64, max: i64, external: u64) -> Value {
    json!({"_shards": {"failed": 0}, "indices": {"i-2025": {"uuid": "u", "shards": {"0": [
        {"routing": {"primary": false}, "seq_no": {"max_seq_no": 1, "global_checkpoint": 1},
         "refresh": {"total": 1, "external_total": 1}, "commit": {"user_data": {"history_uuid": "h"}}},
        {"routing": {"primary": true}, "seq_no": {"max_seq_no": max, "global_checkpoint": max},
         "refresh": {"total": 5, "external_total": external},
         "segments": {"index_writer_memory_in_bytes": memory},
         "commit": {"user_data": {"history_uuid": "h"}}},
    ]}}}})
}

#[test]
fn what_is_not_visible_yet_makes_another_position_later() {
    let settled = parse_stats(stats(0, 9, 5)).unwrap();
    let mark = PositionMark::written("i-2025/u/0/h", 9);
    assert_eq!(settled.0, [mark]);
    let buffered = parse_stats(stats(100, 9, 5)).unwrap();
    let hidden = parse_stats(stats(0, 9, 4)).unwrap();
    assert!(buffered != settled && hidden != settled && buffered != hidden);
    assert_eq!(moved_indices(&buffered, &settled), None);
    let moved = moved_indices(&settled, &parse_stats(stats(0, 12, 5)).unwrap());
    assert_eq!(moved, Some(vec![("i-2025".to_owned(), Some(9), 12)]));
}

/// A replica that is recovering has no engine, and may even fail.
#[test]
fn only_primaries_have_to_answer() {
    let mut answer = stats(0, 9, 5);
    let expected = parse_stats(answer.clone()).unwrap();
    let copies = |answer: &mut Value, copy: usize| {
        answer["indices"]["i-2025"]["shards"]["0"][copy].as_object_mut().unwrap().clone()
    };
    answer["indices"]["i-2025"]["shards"]["0"][0] = json!({"routing": {"primary": false}});
    assert_eq!(parse_stats(answer.clone()).unwrap(), expected);
    let failure =
        |shard: u64| json!({"index": "i-2025", "shard": shard, "reason": {"reason": "r"}});
    answer["_shards"] = json!({"failed": 1, "failures": [failure(0)]});
    assert_eq!(parse_stats(answer.clone()).unwrap(), expected);

    let whole = copies(&mut answer, 1);
    let incomplete = |answer: &Value, reason: &str| match parse_stats(answer.clone()) {
        Err(Failure::Incomplete(text)) => assert!(text.contains(reason), "{text}"),
        other => panic!("{other:?}"),
    };
    for missing in ["commit", "seq_no", "refresh"] {
        let mut primary = whole.clone();
        primary.remove(missing);
        answer["indices"]["i-2025"]["shards"]["0"][1] = Value::Object(primary);
        incomplete(&answer, "primary shard 0 of i-2025 failed: r");
        answer["_shards"] = json!({"failed": 0});
        incomplete(&answer, "i-2025 lacks primary shard 0");
        answer["_shards"] = json!({"failed": 1, "failures": [failure(0)]});
    }
    answer["indices"]["i-2025"]["shards"]["0"][1] = Value::Object(whole);
    answer["_shards"] = json!({"failed": 1, "failures": [failure(1)]});
    incomplete(&answer, "primary shard 1 of i-2025 failed: r");
    answer["_shards"] = json!({"failed": 2, "failures": [failure(0)]});
    incomplete(&answer, "2 shards failed");
}

#[test]
fn empty_and_new_indices() {
    let empty = parse_stats(stats(0, -1, 5)).unwrap();
    let filled = parse_stats(stats(0, 1, 5)).unwrap();
    let expected = Some(vec![("i-2025".to_owned(), None, 1)]);
    assert_eq!(moved_indices(&empty, &filled), expected);
    assert_eq!(moved_indices(&Position::default(), &filled), expected);
    assert_eq!(moved_indices(&filled, &Position::default()), None);
}
