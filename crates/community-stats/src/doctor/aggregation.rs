//! Whether the aggregation goes on, and whether what is there is enough to make anything of it.

use jiff::SignedDuration;
use stats_cache::{CacheError, Notebook, Trouble};
use stats_documents::archive::ArchiveStats;
use stats_documents::{Archive, Documents, SourceError};
use stats_model::{Clock, Day, DocumentKind, calendar::day_of};
use stats_service::{StandingStill, chain};

use super::check::{Check, plural};
use crate::config::Settings;

/// The newest bookmark of each kind, against the bound of the settings.
pub(super) fn bookmarks(
    newest: &[(DocumentKind, Option<Day>)],
    settings: &Settings,
    clock: &dyn Clock,
) -> Check {
    let name = "aggregation";
    let told = |(kind, newest): &(DocumentKind, Option<Day>)| match newest {
        Some(day) => format!("{kind} through {day}"),
        None => format!("{kind}: no bookmark"),
    };
    let detail = newest.iter().map(told).collect::<Vec<_>>().join(", ");
    let now = clock.now();
    let tomorrow = day_of(now.checked_add(SignedDuration::from_hours(24)).unwrap_or(now));
    let future = newest.iter().filter(|(_, newest)| newest.is_some_and(|day| day > tomorrow));
    let future: Vec<String> = future.map(|(kind, _)| kind.to_string()).collect();
    if !future.is_empty() {
        let future = future.join(", ");
        return Check::failed(
            name,
            format!(
                "{detail}: bookmarks of {future} are in the future, so nothing is made of them"
            ),
            "look at the clock of this machine, and at who wrote them",
        );
    }
    let Some(bound) = settings.source.still_after_days() else { return Check::ok(name, detail) };
    let still = StandingStill::among(newest.iter().copied(), day_of(clock.now()), bound);
    let mut troubles: Vec<String> = still.iter().map(ToString::to_string).collect();
    let without = newest.iter().filter(|(_, newest)| newest.is_none());
    troubles.extend(without.map(|(kind, _)| format!("{kind} has no bookmark at all")));
    if troubles.is_empty() {
        return Check::ok(name, detail);
    }
    let remedy = "look at the aggregation tasks of the Python side (its workers, its schedule); \
                  `source.still_after` says after how many days this is told";
    Check::warning(name, troubles.join("; "), remedy)
}

/// What an archive or an offline mirror lacks before anything can be made of it, and how far it was
/// aggregated.
pub(super) fn of_archive(
    archive: &Archive,
    stats: &ArchiveStats,
    settings: &Settings,
    clock: &dyn Clock,
) -> Vec<Check> {
    let mut checks: Vec<Check> = lacking_documents(stats).into_iter().collect();
    if stats.bookmarks == 0 {
        checks.push(Check::failed(
            "bookmarks",
            "there are none: nothing tells how far the aggregation went, so nothing can be made",
            "import the index stats-bookmarks-community",
        ));
    }
    if stats.communities == 0 {
        checks.push(Check::warning(
            "communities",
            "there are none: of communities nothing can be made but for those with documents, \
             without their slugs and layouts",
            "import the index communities-communities-…",
        ));
    }
    if stats.bookmarks > 0 {
        checks.push(match newest_of(archive) {
            Ok(newest) => bookmarks(&newest, settings, clock),
            Err(error) => {
                let remedy = "restore the file from a copy, or import again";
                Check::failed("aggregation", chain(&error), remedy)
            }
        });
    }
    checks
}

/// That there are no documents at all, or none of some kinds.
fn lacking_documents(stats: &ArchiveStats) -> Option<Check> {
    if stats.documents.values().sum::<u64>() == 0 {
        return Some(Check::failed(
            "documents",
            "there are none, so nothing can be made",
            "import the indices stats-community-usage-delta-…, -usage-snapshot-…, \
             -records-delta-added-… and -records-snapshot-added-…",
        ));
    }
    let is_there = |kind: &DocumentKind| stats.documents.get(kind).is_some_and(|n| *n > 0);
    let missing = DocumentKind::ALL.into_iter().filter(|kind| !is_there(kind));
    let missing: Vec<String> = missing.map(|kind| kind.to_string()).collect();
    if missing.is_empty() {
        return None;
    }
    Some(Check::warning(
        "documents",
        format!("there are none of {}: nothing can be made of them", missing.join(", ")),
        "import their indices, too",
    ))
}

fn newest_of(archive: &Archive) -> Result<Vec<(DocumentKind, Option<Day>)>, SourceError> {
    let newest = |kind| {
        let marks = archive.bookmarks(kind, &[])?;
        Ok((kind, marks.values().map(|bookmark| bookmark.day).max()))
    };
    DocumentKind::ALL.into_iter().map(newest).collect()
}

/// The responses that the last runs held or could not make.
pub(super) fn notes(notebook: &dyn Notebook) -> Result<Option<Check>, CacheError> {
    let notes = notebook.recall()?.notes;
    let held = notes.values().filter(|note| matches!(note.trouble, Trouble::Held { .. })).count();
    let failed = notes.len() - held;
    if notes.is_empty() {
        return Ok(None);
    }
    let mut found = Vec::new();
    if held > 0 {
        let held = plural(held as u64, "response is", "responses are");
        found.push(format!("{held} held, since days of their documents are gone"));
    }
    if failed > 0 {
        let failed = plural(failed as u64, "response", "responses");
        found.push(format!("{failed} could not be made the last time"));
    }
    let remedy = "`community-stats cache list` names them with their reasons; `cache generate \
                  --accept-loss` takes a loss for the truth";
    Ok(Some(Check::warning("responses", found.join("; "), remedy)))
}
