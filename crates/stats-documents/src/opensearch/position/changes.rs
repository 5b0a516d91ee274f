//! Who was touched between two positions.

use std::collections::{BTreeMap, BTreeSet};

use stats_model::{MarkKind, Position};

use crate::Changes;
use crate::opensearch::client::{Call, Client};
use crate::opensearch::failure::Failure;
use crate::opensearch::fingerprints::communities_between;
use crate::opensearch::targets::{Group, Target};

/// Who has changes after `since`, now that the position is `now`.
pub(in crate::opensearch) fn changes(
    client: &Client,
    call: &Call,
    target: &Target,
    since: &Position,
    now: &Position,
) -> Result<Changes, Failure> {
    if since == now {
        return Ok(Changes::Communities(BTreeSet::new()));
    }
    if since.0.is_empty() {
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
pub(super) fn moved_indices(
    since: &Position,
    now: &Position,
) -> Option<Vec<(String, Option<u64>, u64)>> {
    let mut before = BTreeMap::new();
    for mark in &since.0 {
        match mark.kind {
            MarkKind::Written => drop(before.insert(mark.history.as_str(), mark.sequence)),
            MarkKind::Empty => {}
            // Writes that were not visible then, or no numbers of writes at all.
            MarkKind::Unseen | MarkKind::PerhapsUnseen | MarkKind::Searched => return None,
        }
    }
    let mut after = BTreeMap::new();
    for mark in &now.0 {
        match mark.kind {
            MarkKind::Written => drop(after.insert(mark.history.as_str(), mark)),
            MarkKind::Empty | MarkKind::Unseen | MarkKind::PerhapsUnseen => {}
            MarkKind::Searched => return None,
        }
    }
    // A history that ended, or an index that was made anew.
    let ended = |(history, from): (&&str, &u64)| {
        after.get(*history).is_none_or(|mark| mark.sequence < *from)
    };
    if before.iter().any(ended) {
        return None;
    }
    let mut shards = BTreeMap::new();
    for (history, mark) in after {
        let (from, to) = (before.get(history).copied(), mark.sequence);
        // Numbers of different shards of one index cannot be told apart by a search.
        if shards.insert(mark.root(), (from, to)).is_some() {
            return None;
        }
    }
    let moved = shards.into_iter().filter(|(_, (from, to))| *from != Some(*to));
    Some(moved.map(|(index, (from, to))| (index.to_owned(), from, to)).collect())
}
