//! The rows of runs, and what can be read of them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::ledger::RunId;
use crate::ledger::book::Progress;
use crate::ledger::keep::Aged;
use crate::ledger::record::{self, Course};
use crate::ledger::run::{Run, RunState};

/// What [`run`] reads.
pub(super) const COLUMNS: &str =
    "id, begun, last_sign, ended, state, planned, done, counts, error, cancel_asked";

/// The run of a row; `None` when it cannot be read.
pub(super) fn run(row: &Row<'_>) -> Option<Run> {
    let bytes = |column| row.get_ref(column).ok()?.as_bytes().ok();
    let number = |column| row.get_ref(column).ok()?.as_i64().ok();
    let text = |column| row.get_ref(column).ok()?.as_str_or_null().ok();
    let course = Course {
        last_sign: Timestamp::from_millisecond(number("last_sign")?).ok()?,
        ended: match row.get_ref("ended").ok()?.as_i64_or_null().ok()? {
            Some(ended) => Some(Timestamp::from_millisecond(ended).ok()?),
            None => None,
        },
        state: RunState::written(bytes("state")?)?,
        planned: u64::try_from(number("planned")?).ok()?,
        done: u64::try_from(number("done")?).ok()?,
        counts: serde_json::from_slice(bytes("counts")?).ok()?,
        error: text("error")?.map(str::to_owned),
        cancel_asked: number("cancel_asked")? != 0,
    };
    record::run(text("id")??, bytes("begun")?, course)
}

/// What is known of the age of the run of a row; `None` when it cannot be read.
pub(super) fn aged(row: &Row<'_>) -> Option<Aged> {
    let Run { state, last_sign, .. } = run(row)?;
    let outcomes = row.get_ref("kept").ok()?.as_i64().ok()?;
    let outcomes = u64::try_from(outcomes).ok()?;
    Some(Aged { running: state == RunState::Running, last_sign, outcomes })
}

/// Writes a new run down; false when there is one with its id.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    run: &Run,
    begun: &str,
) -> rusqlite::Result<bool> {
    let known = "SELECT 1 FROM runs WHERE id = ?1";
    if transaction.prepare_cached(known)?.exists([run.id.as_str()])? {
        return Ok(false);
    }
    let insert =
        "INSERT INTO runs (id, begun, last_sign, ended, state, planned, done, counts, error,
                                    cancel_asked, told, kept)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0)";
    transaction.prepare_cached(insert)?.execute(params![
        run.id.as_str(),
        begun,
        run.last_sign.as_millisecond(),
        run.ended.map(Timestamp::as_millisecond),
        run.state.name(),
        integer(run.planned),
        integer(run.done),
        written(&record::counts(&[], &run.counts)),
        run.error.as_deref().map(record::shortened),
        run.cancel_asked,
    ])?;
    Ok(true)
}

/// Where a run stands, and where its outcomes go on.
struct Place {
    number: i64,
    told: i64,
    counts: BTreeMap<String, u64>,
    cancel_asked: bool,
}

/// Adds to a run; whether somebody asked that it end, or `None` when there is none.
pub(super) fn advance(
    transaction: &Transaction<'_>,
    id: &RunId,
    progress: &Progress<'_>,
    outcomes: &[String],
) -> rusqlite::Result<Option<bool>> {
    let Some(mut place) = find(transaction, id)? else { return Ok(None) };
    for (name, more) in record::counts(progress.outcomes, &progress.counted) {
        let count = place.counts.entry(name).or_default();
        *count = count.saturating_add(more);
    }
    let mut insert = transaction
        .prepare_cached("INSERT INTO outcomes (run, place, outcome) VALUES (?1, ?2, ?3)")?;
    for (at, outcome) in (place.told + 1..).zip(outcomes) {
        insert.execute(params![place.number, at, outcome])?;
    }
    let update = "UPDATE runs SET last_sign = ?2, planned = ?3, done = ?4, counts = ?5,
                                  told = told + ?6, kept = kept + ?6
                  WHERE number = ?1";
    transaction.prepare_cached(update)?.execute(params![
        place.number,
        progress.at.as_millisecond(),
        integer(progress.planned),
        integer(progress.done),
        written(&place.counts),
        integer(outcomes.len() as u64),
    ])?;
    Ok(Some(place.cancel_asked))
}

fn find(transaction: &Transaction<'_>, id: &RunId) -> rusqlite::Result<Option<Place>> {
    let select = "SELECT number, told, counts, cancel_asked FROM runs WHERE id = ?1";
    let place = |row: &Row<'_>| {
        let counts = row.get_ref(2)?.as_bytes().ok();
        Ok(Place {
            number: row.get(0)?,
            told: row.get(1)?,
            // What cannot be read any more must not keep a run from going on.
            counts: counts.and_then(|it| serde_json::from_slice(it).ok()).unwrap_or_default(),
            cancel_asked: row.get(3)?,
        })
    };
    transaction.prepare_cached(select)?.query_row([id.as_str()], place).optional()
}

fn written(counts: &BTreeMap<String, u64>) -> String {
    serde_json::Value::from_iter(counts.clone()).to_string()
}

fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
