//! Everything that can be told about one response: its state, why, what it was made from, and
//! when it is due.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stats_cache::{EntryDescription, Origin};
use stats_documents::{Fingerprint, Shelf};
use stats_series::Category;

use super::CachedResponseService;
use super::communities::Communities;
use super::error::ServiceError;
use super::list::description;
use super::matrix::{Action, StateName, Wait};
use super::request::{Request, Years};

/// What is known about one response.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// Community id.
    pub community_id: String,
    /// Slug of the community, when known.
    pub slug: Option<String>,
    /// Year.
    pub year: i16,
    /// Query name of the category.
    pub category: &'static str,
    /// Its key.
    pub cache_key: String,
    /// State in one word; `None` when the year is outside the lifespan of the community.
    pub state: Option<StateName>,
    /// Why it is in that state, and what will be done.
    pub reason: String,
    /// Since when it is in that state, as far as that is known.
    pub since: Option<String>,
    /// What it was made from.
    pub made_from: Option<Origin>,
    /// How many documents it was made from.
    pub documents_then: Option<u64>,
    /// How many documents there are now.
    pub documents_now: u64,
    /// The last aggregated day when it was made.
    pub data_through: Option<String>,
    /// The last aggregated day now.
    pub aggregated_through: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When its lifetime ends; `None` also when it never does.
    pub expires_at: Option<Timestamp>,
    /// When it will be made again: an instant, a day, or `now`; `None`: not as things are.
    pub due: Option<String>,
}

impl CachedResponseService {
    /// Tells everything about one response.
    ///
    /// # Errors
    /// When the community is not known, or source or store cannot answer.
    pub fn explain(
        &self,
        community: &str,
        year: i16,
        category: Category,
    ) -> Result<Explanation, ServiceError> {
        let request = Request {
            communities: Communities::Named(vec![community.to_owned()]),
            years: Years::Named(vec![year]),
            categories: vec![category],
            ..Request::default()
        };
        let mut found = None;
        let plan = self.survey(&request, &mut |cell, entry| {
            found = Some((cell.verdict, description(entry)));
        })?;
        let member = &plan.members[0];
        let shelf = Shelf { kind: category.kind(), community: member.id.clone(), year };
        let now = plan.standing.fingerprint(&shelf);
        let bookmark = plan.standing.bookmark(category.kind(), &member.id);
        let blank = Explanation {
            community_id: member.id.clone(),
            slug: member.slug.clone(),
            year,
            category: category.query_name(),
            cache_key: self.key(&member.id, year, category),
            state: None,
            reason: String::new(),
            since: None,
            made_from: None,
            documents_then: None,
            documents_now: now.count,
            data_through: None,
            aggregated_through: bookmark.map(|bookmark| bookmark.day.to_string()),
            created_at: None,
            expires_at: None,
            due: None,
        };
        let Some((verdict, entry)) = found else {
            let (first, last) = (member.first_year, plan.current_year);
            let reason = format!("{year} is outside the lifespan of the community, {first}-{last}");
            return Ok(Explanation { reason, ..blank });
        };
        let entry = entry.unwrap_or_else(|| self.nothing(&blank, category));
        let state = verdict.name();
        Ok(Explanation {
            reason: reason(&verdict.reason(), &entry, now),
            since: since(state, &entry, &blank),
            due: due(verdict.action, &entry),
            state: Some(state),
            documents_then: entry.origin.as_ref().map(|origin| origin.shelf.count),
            made_from: entry.origin,
            data_through: entry.data_through,
            created_at: entry.created,
            expires_at: entry.expires,
            ..blank
        })
    }

    /// The description of an entry that is not there.
    fn nothing(&self, place: &Explanation, category: Category) -> EntryDescription {
        EntryDescription {
            created: None,
            expires: None,
            ..self.new_description(&place.community_id, place.year, category)
        }
    }
}

fn reason(verdict: &str, entry: &EntryDescription, now: Fingerprint) -> String {
    match &entry.origin {
        Some(origin) if origin.shelf.count != now.count => {
            format!("{verdict} ({} documents then, {} now)", origin.shelf.count, now.count)
        }
        _ => verdict.to_owned(),
    }
}

/// A fresh entry is so since it was made, an expired one since its end. Since when documents are
/// other ones nobody noted, only that it was after the entry was made.
fn since(state: StateName, entry: &EntryDescription, blank: &Explanation) -> Option<String> {
    match state {
        StateName::Fresh | StateName::Foreign | StateName::Orphan => {
            entry.created.map(|created| created.to_string())
        }
        StateName::Expired => entry.expires.map(|expires| expires.to_string()),
        StateName::Stale => entry.created.map(|created| format!("some time after {created}")),
        StateName::Incomplete => {
            blank.aggregated_through.as_ref().map(|day| format!("the end of {day}"))
        }
        StateName::Missing | StateName::Damaged => None,
    }
}

fn due(action: Action, entry: &EntryDescription) -> Option<String> {
    match action {
        Action::Make(_) => Some("now".to_owned()),
        Action::Keep(_) => entry.expires.map(|expires| expires.to_string()),
        Action::Wait(Wait::Import(_)) => Some("when an import of the same is complete".to_owned()),
        Action::Wait(Wait::Aggregation(gap)) => {
            let midnight: Option<Timestamp> = format!("{}T00:00:00Z", gap.needed).parse().ok();
            let next = midnight?.checked_add(SignedDuration::from_hours(24)).ok()?;
            Some(format!("when {} is aggregated, not before {next}", gap.needed))
        }
        Action::Refuse(_) => None,
    }
}
