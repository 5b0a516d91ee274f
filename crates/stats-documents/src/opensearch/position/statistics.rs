//! The position in an answer of `_stats`.

use serde::Deserialize;
use stats_model::{MarkKind, Position, PositionMark};

use crate::opensearch::answer::{MOST_HITS, MOST_NAMES, MOST_SHARDS, ShardFailure};
use crate::opensearch::failure::Failure;
use crate::opensearch::json::{Listed, Named, Signed, Whole};

#[derive(Debug, Deserialize)]
pub(super) struct Statistics {
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

impl Statistics {
    /// The position; there has to be an index.
    pub(super) fn position(&self, name: &str) -> Result<Position, Failure> {
        let marks = self.marks()?;
        if marks.is_empty() {
            return Err(Failure::Incomplete(format!("no shard of {name} is started")));
        }
        Ok(Position(marks))
    }

    /// The marks of all primary shards, in order.
    pub(super) fn marks(&self) -> Result<Vec<PositionMark>, Failure> {
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
                if let Some(kind) = primary.unseen() {
                    let Whole(sequence) = primary.refresh.external_total;
                    marks.push(PositionMark { history: history.clone(), kind, sequence });
                }
                marks.push(match u64::try_from(primary.seq_no.max_seq_no.0) {
                    Ok(sequence) => PositionMark::written(history, sequence),
                    Err(_) => PositionMark { history, kind: MarkKind::Empty, sequence: 0 },
                });
            }
        }
        marks.sort();
        Ok(marks)
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
    fn unseen(&self) -> Option<MarkKind> {
        if self.segments.index_writer_memory_in_bytes.is_some_and(|Whole(bytes)| bytes != 0)
            || self.seq_no.global_checkpoint != self.seq_no.max_seq_no
        {
            return Some(MarkKind::Unseen);
        }
        (self.refresh.total != self.refresh.external_total).then_some(MarkKind::PerhapsUnseen)
    }
}
