//! How far the indices of a kind have moved, and who was touched since.
//!
//! A position has for every primary shard a mark with the highest number written: history
//! `<index>/<index uuid>/<shard>/<history uuid>`, and `…/empty` while nothing was written, since
//! numbers begin with 0. Writes become visible to searches a little later.
//! Where some are not visible yet, a second mark, `…/refreshes`, has the count of refreshes: the
//! next refresh makes the position another one, even if nothing more is written. The mark is
//! `…/perhaps/refreshes` where nothing is buffered, but there were more refreshes than searches
//! saw. Usually the next one shows what they brought; but the counts stay apart for ever once a
//! refresh for the cluster's own use came between two writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;
use stats_model::{DocumentKind, Position, PositionMark};

use super::answer::{
    Indices, Listed, MOST_HITS, MOST_NAMES, MOST_SHARDS, Named, ShardFailure, Signed, Term, Whole,
};
use super::client::{Call, Client, Request};
use super::failure::Failure;
use super::fingerprints::communities_between;
use super::numbers::{Numbers, whole};
use super::search::search;
use super::targets::{Group, Target, escape};
use crate::Changes;

const REFRESHES: &str = PositionMark::UNSEEN;
const EMPTY: &str = "/empty";
const SEARCHED: &str = "/searched";

/// The position of the indices of `kind` behind `name`; from searching alone where the right to
/// see their statistics is missing.
pub(super) fn position(
    client: &Client,
    call: &Call,
    name: &str,
    kind: DocumentKind,
    numbers: Numbers,
) -> Result<Position, Failure> {
    let request = Request::get(format!(
        "/{}/_stats/refresh,segments?level=shards&filter_path=_shards,indices.*.uuid,\
         indices.*.shards.*.routing.primary,indices.*.shards.*.seq_no,indices.*.shards.*.refresh,\
         indices.*.shards.*.commit.user_data.history_uuid,\
         indices.*.shards.*.segments.index_writer_memory_in_bytes",
        escape(name)
    ));
    // A primary that just moves or starts is there a moment later.
    let mut attempts = client.attempts(call);
    loop {
        let position = match client.json::<Stats>(call, &request) {
            Ok(stats) => stats.position(name),
            Err(failure) if failure.is_declined() && !failure.is_missing() => {
                return searched_position(client, call, name, kind, numbers);
            }
            Err(failure) => return Err(failure),
        };
        match position {
            Ok(position) => return Ok(position),
            Err(failure) => attempts.again(failure)?,
        }
    }
}

/// Who has changes after `since`, now that the position is `now`.
pub(super) fn changes(
    client: &Client,
    call: &Call,
    target: &Target,
    since: &Position,
    now: &Position,
    numbers: Numbers,
) -> Result<Changes, Failure> {
    if since == now {
        return Ok(Changes::Communities(BTreeSet::new()));
    }
    if since.0.is_empty() || numbers == Numbers::Times {
        return Ok(Changes::Everything);
    }
    let Some(moved) = moved_indices(since, now) else { return Ok(Changes::Everything) };
    let mut communities = BTreeSet::new();
    for (index, from, to) in moved {
        for group in target.groups_of(&index) {
            let group = Group { name: index.clone(), community: group.community.clone() };
            // What comes later belongs to the next question, and may not make up for a removal.
            let (touched, documents) = communities_between(client, call, &group, from, to)?;
            // Every write left a document, or else: a removal, a document written twice, a write
            // that is not visible yet.
            let writes = from.map_or(to.saturating_add(1), |from| to - from);
            if documents != writes {
                return Ok(Changes::Everything);
            }
            communities.extend(touched);
        }
    }
    Ok(Changes::Communities(communities))
}

/// The indices with new numbers, from where (`None`: from the first) and up to where. `None` if
/// the marks cannot tell.
fn moved_indices(since: &Position, now: &Position) -> Option<Vec<(String, Option<u64>, u64)>> {
    let before: BTreeMap<&str, u64> =
        since.0.iter().map(|mark| (mark.history.as_str(), mark.sequence)).collect();
    let after: BTreeMap<&str, u64> =
        now.0.iter().map(|mark| (mark.history.as_str(), mark.sequence)).collect();
    // A history that ended, an index that was made anew, writes that were not visible then.
    for (history, sequence) in &before {
        if history.ends_with(EMPTY) {
            continue;
        }
        let comparable = !history.ends_with(REFRESHES) && !history.ends_with(SEARCHED);
        if !comparable || after.get(history).is_none_or(|now| now < sequence) {
            return None;
        }
    }
    let mut shards = BTreeMap::new();
    for (history, to) in after {
        if history.ends_with(REFRESHES) || history.ends_with(EMPTY) {
            continue;
        }
        let index = history.split('/').next()?;
        let from = before.get(history).copied();
        // Numbers of different shards of one index cannot be told apart by a search.
        if shards.insert(index, (from, to)).is_some() {
            return None;
        }
    }
    let moved = shards.into_iter().filter(|(_, (from, to))| *from != Some(*to));
    Some(moved.map(|(index, (from, to))| (index.to_owned(), from, to)).collect())
}

#[derive(Debug, Deserialize)]
struct Stats {
    #[serde(rename = "_shards")]
    shards: Option<ShardCount>,
    #[serde(default)]
    indices: Named<IndexStats, MOST_NAMES>,
}

#[derive(Debug, Deserialize)]
struct ShardCount {
    failed: Whole,
    failures: Option<Listed<ShardFailure, MOST_HITS>>,
}

#[derive(Debug, Deserialize)]
struct IndexStats {
    uuid: String,
    shards: Named<Listed<ShardStats, MOST_SHARDS>, MOST_SHARDS>,
}

/// One copy of a shard. A copy that only just starts says nothing but who it is.
#[derive(Debug, Deserialize)]
struct ShardStats {
    routing: Routing,
    seq_no: Option<SequenceStats>,
    refresh: Option<RefreshStats>,
    #[serde(default)]
    segments: SegmentStats,
    commit: Option<Commit>,
}

#[derive(Debug, Deserialize)]
struct Routing {
    primary: bool,
}

#[derive(Debug, Deserialize)]
struct SequenceStats {
    max_seq_no: Signed,
    global_checkpoint: Signed,
}

#[derive(Debug, Deserialize)]
struct RefreshStats {
    total: Whole,
    external_total: Whole,
}

#[derive(Debug, Default, Deserialize)]
struct SegmentStats {
    index_writer_memory_in_bytes: Option<Whole>,
}

#[derive(Debug, Deserialize)]
struct Commit {
    user_data: UserData,
}

#[derive(Debug, Deserialize)]
struct UserData {
    history_uuid: String,
}

/// A primary shard, as far as a position needs it.
struct Primary<'a> {
    history_uuid: &'a str,
    seq_no: &'a SequenceStats,
    refresh: &'a RefreshStats,
    segments: &'a SegmentStats,
}

impl Stats {
    fn position(&self, name: &str) -> Result<Position, Failure> {
        self.check_failures()?;
        let mut marks = Vec::new();
        for (index, stats) in &self.indices.0 {
            for number in stats.shards.0.keys() {
                let Some(primary) = stats.primary(number) else {
                    return Err(Failure::Incomplete(format!(
                        "{index} lacks primary shard {number}"
                    )));
                };
                let history = format!("{index}/{}/{number}/{}", stats.uuid, primary.history_uuid);
                if let Some(unseen) = primary.unseen() {
                    let Whole(sequence) = primary.refresh.external_total;
                    marks.push(PositionMark { history: format!("{history}{unseen}"), sequence });
                }
                marks.push(match u64::try_from(primary.seq_no.max_seq_no.0) {
                    Ok(sequence) => PositionMark { history, sequence },
                    Err(_) => PositionMark { history: format!("{history}{EMPTY}"), sequence: 0 },
                });
            }
        }
        if marks.is_empty() {
            return Err(Failure::Incomplete(format!("no shard of {name} is started")));
        }
        marks.sort();
        Ok(Position(marks))
    }

    /// Copies may fail where their primary has answered. A shard of which nothing came at all is
    /// only known from its failure; where the cluster names fewer failures than it counts, there
    /// may be such a shard.
    fn check_failures(&self) -> Result<(), Failure> {
        let Some(ShardCount { failed: Whole(failed), failures }) = &self.shards else {
            return Err(Failure::without_shards());
        };
        let failures = failures.as_ref().map(|failures| failures.0.as_slice()).unwrap_or_default();
        let answered = |failure: &&ShardFailure| {
            let index = failure.index.as_ref().and_then(|index| self.indices.0.get(index));
            let shard = failure.shard.map(|Whole(shard)| shard.to_string()).unwrap_or_default();
            index.is_some_and(|index| index.primary(&shard).is_some())
        };
        match failures.iter().find(|failure| !answered(failure)) {
            Some(failure) => Err(Failure::Incomplete(format!(
                "primary shard {} of {} failed: {}",
                failure.shard.map_or(0, |Whole(shard)| shard),
                failure.index.as_deref().unwrap_or("an index"),
                failure.reason()
            ))),
            None if (failures.len() as u64) < *failed => {
                Err(Failure::Incomplete(format!("{failed} shards failed")))
            }
            None => Ok(()),
        }
    }
}

impl IndexStats {
    /// The primary copy of a shard, if its engine is open.
    fn primary(&self, number: &str) -> Option<Primary<'_>> {
        let copies = self.shards.0.get(number)?;
        copies.0.iter().filter(|copy| copy.routing.primary).find_map(|copy| {
            Some(Primary {
                history_uuid: &copy.commit.as_ref()?.user_data.history_uuid,
                seq_no: copy.seq_no.as_ref()?,
                refresh: copy.refresh.as_ref()?,
                segments: &copy.segments,
            })
        })
    }
}

impl Primary<'_> {
    /// How to mark that not everything written is visible to searches: something is buffered or on
    /// its way, or there were refreshes that searches perhaps do not see.
    fn unseen(&self) -> Option<&'static str> {
        if self.segments.index_writer_memory_in_bytes.is_some_and(|Whole(bytes)| bytes != 0)
            || self.seq_no.global_checkpoint != self.seq_no.max_seq_no
        {
            return Some(PositionMark::UNSEEN);
        }
        (self.refresh.total != self.refresh.external_total).then_some(PositionMark::PERHAPS_UNSEEN)
    }
}

/// What tells an index from another one with the same name and numbers; nothing where the right to
/// look at indices is missing.
fn incarnations(
    client: &Client,
    call: &Call,
    name: &str,
) -> Result<BTreeMap<String, String>, Failure> {
    let request = Request::get(format!(
        "/{}?filter_path=*.settings.index.uuid,*.settings.index.history.uuid",
        escape(name)
    ));
    #[derive(Deserialize)]
    struct Answer {
        settings: Option<Settings>,
    }
    #[derive(Deserialize)]
    struct Settings {
        index: Option<Index>,
    }
    #[derive(Deserialize)]
    struct Index {
        uuid: Option<String>,
        history: Option<History>,
    }
    #[derive(Deserialize)]
    struct History {
        uuid: Option<String>,
    }
    let indices = match client.json::<Named<Answer, MOST_NAMES>>(call, &request) {
        Ok(Named(indices)) => indices,
        Err(failure) if failure.is_declined() && !failure.is_missing() => {
            return Ok(BTreeMap::new());
        }
        Err(failure) => return Err(failure),
    };
    let incarnation = |(index, answer): (String, Answer)| {
        let settings = answer.settings.and_then(|settings| settings.index);
        let (uuid, history) =
            settings.map(|settings| (settings.uuid, settings.history)).unwrap_or_default();
        // Restored from a snapshot in its own place, an index keeps the one and gets another.
        let history = history.and_then(|history| history.uuid).unwrap_or_default();
        (index, format!("{}.{history}", uuid.unwrap_or_default()))
    };
    Ok(indices.into_iter().map(incarnation).collect())
}

/// A position from what searches see: count, highest and sum of all sequence numbers of each
/// index; of times, whose sum would be too large, count and highest, and the latest day.
fn searched_position(
    client: &Client,
    call: &Call,
    name: &str,
    kind: DocumentKind,
    numbers: Numbers,
) -> Result<Position, Failure> {
    // Asked for first: an index that is made anew in between is noticed the next time.
    let incarnations = incarnations(client, call, name)?;
    let body = json!({
        "size": 0,
        "track_total_hits": false,
        "aggs": {"indices": {
            "terms": {"field": "_index", "size": 1_000},
            "aggs": {"of": numbers.stats(), "day": {"max": {"field": kind.day_field()}}},
        }},
    });
    let summary = search::<Indices>(client, call, name, None, body)?;
    let mut marks = Vec::new();
    for Term { key: index, doc_count: Whole(documents), of, day } in
        summary.aggregations()?.indices.all()?
    {
        let marks_of_index = match numbers {
            Numbers::Sequences => {
                let state = numbers.fingerprint(of.as_ref(), Some(documents))?;
                [("count", state.count), ("max", state.max), ("sum", state.sum)]
            }
            Numbers::Times => {
                let of = of.unwrap_or_default();
                let count = of.count.map_or(0, |Whole(count)| count);
                let day = whole_or_none(day.and_then(|day| day.value))?;
                [("count", count), ("day", day), ("max", whole_or_none(of.max)?)]
            }
        };
        let incarnation = incarnations.get(&index).map_or("", String::as_str);
        for (what, sequence) in marks_of_index {
            let history = format!("{index}/{incarnation}/{what}{SEARCHED}");
            marks.push(PositionMark { history, sequence });
        }
    }
    marks.sort();
    Ok(Position(marks))
}

/// A time, 0 where there is none.
fn whole_or_none(value: Option<f64>) -> Result<u64, Failure> {
    match value {
        Some(odd) => whole(value).ok_or_else(|| Failure::Malformed(format!("{odd} is no time"))),
        None => Ok(0),
    }
}

/// The indices that a position is about.
pub(super) fn indices(position: &Position) -> BTreeSet<&str> {
    position.0.iter().filter_map(|mark| mark.history.split('/').next()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn parse_stats(answer: Value) -> Result<Position, Failure> {
        let stats: Stats = serde_json::from_value(answer).unwrap();
        stats.position("test")
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
        let mark = PositionMark { history: "i-2025/u/0/h".to_owned(), sequence: 9 };
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
}
