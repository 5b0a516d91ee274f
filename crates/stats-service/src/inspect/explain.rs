//! Everything that can be told about one response: its state, why, what it was made from, and
//! when it is due.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use stats_cache::{EntryDescription, EntryState, Note, Origin, Trouble};
use stats_documents::ImportEnding;
use stats_model::{Category, Fingerprint, Shelf};

use crate::error::ServiceError;
use crate::inspect::list::description;
use crate::matrix::loss::Loss;
use crate::matrix::verdict::{Action, Wait};
use crate::matrix::words::StateName;
use crate::service::CachedResponseService;
use crate::survey::names::{Communities, CommunityName};
use crate::survey::plan::{Plan, PlannedCell};
use crate::survey::request::{Request, Years};

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
    /// Why the last attempt to make it came to nothing; `None` when it did not.
    pub last_failure: Option<LastFailure>,
}

/// Why an attempt to make a response came to nothing.
#[derive(Debug, Clone, Serialize)]
pub struct LastFailure {
    /// What the matter was.
    pub error: String,
    /// When it was so for the first time since it last succeeded.
    pub since: Timestamp,
    /// When it was so the last time.
    pub last: Timestamp,
}

impl From<&Note> for LastFailure {
    fn from(note: &Note) -> Self {
        let error = match &note.trouble {
            Trouble::Failed { error } => error.clone(),
            Trouble::Held { then, now, .. } => Loss { then: *then, now: *now }.to_string(),
        };
        Self { error, since: note.since, last: note.last }
    }
}

impl CachedResponseService {
    /// Tells everything about one response. Of a community that is gone, as long as something of it
    /// is stored.
    ///
    /// # Errors
    /// When the community is not known, or source or store cannot answer.
    pub fn explain(
        &self,
        community: &CommunityName,
        year: i16,
        category: Category,
    ) -> Result<Explanation, ServiceError> {
        let request = only(community, year, category);
        let mut found = None;
        let surveyed = self.survey(&request, &mut |cell, entry| {
            found = Some((*cell, description(entry)));
        });
        let plan = match surveyed {
            Err(ServiceError::UnknownCommunity { id, similar }) => {
                let explained = self.explain_gone(&id, year, category)?;
                return explained.ok_or(ServiceError::UnknownCommunity { id, similar });
            }
            surveyed => surveyed?,
        };
        let member = &plan.members[0];
        let shelf = Shelf { kind: category.kind(), community: member.id.to_string(), year };
        let now = plan.standing.fingerprint(&shelf);
        let bookmark = plan.standing.bookmark(category.kind(), &member.id);
        let key = self.key(&member.id, year, category);
        let blank = Explanation {
            slug: member.slug.clone(),
            documents_now: now.count,
            aggregated_through: bookmark.map(|bookmark| bookmark.day.to_string()),
            last_failure: plan.memory.notes.get(&key).map(LastFailure::from),
            ..Explanation::blank(&member.id, year, category, key)
        };
        let Some((cell, entry)) = found else {
            let (first, last) = (member.first_year, plan.current_year);
            let reason = format!("{year} is outside the lifespan of the community, {first}-{last}");
            let wanted = member.wanted;
            return self.left_over(Explanation { reason, ..blank }, category, wanted);
        };
        let entry = entry.unwrap_or_else(|| self.nothing(&blank, category));
        let state = plan.state(&cell);
        Ok(Explanation {
            reason: reason(&plan, &cell, &entry, now),
            since: match plan.run_of(&cell) {
                Some(run) => Some(run.since.to_string()),
                None => since(state, &entry, &blank),
            },
            due: due(&plan, &cell, &entry),
            state: Some(state),
            ..blank.made_as(entry)
        })
    }

    /// What is stored of a community that nobody knows any more, if anything is.
    fn explain_gone(
        &self,
        id: &str,
        year: i16,
        category: Category,
    ) -> Result<Option<Explanation>, ServiceError> {
        let blank = Explanation::blank(id, year, category, self.key(id, year, category));
        let explained = self.left_over(blank, category, false)?;
        Ok(explained.state.is_some().then_some(explained))
    }

    /// The same with what stands under the key though it belongs to no cell.
    fn left_over(
        &self,
        blank: Explanation,
        category: Category,
        wanted: bool,
    ) -> Result<Explanation, ServiceError> {
        let states = self.store.describe(std::slice::from_ref(&blank.cache_key))?;
        let state = states.into_iter().next();
        if let Some(EntryState::Damaged(entry)) = &state {
            let (state, reason) = (Some(StateName::Damaged), entry.to_string());
            return Ok(Explanation { state, reason, ..blank });
        }
        let Some(entry) = state.and_then(description) else { return Ok(blank) };
        let entry = EntryDescription { category, ..entry };
        let (state, reason) = self.state_of_left_over(wanted, &entry);
        let since = since(state, &entry, &blank);
        let reason = reason.to_owned();
        Ok(Explanation { state: Some(state), reason, since, ..blank.made_as(entry) })
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

/// A request for one response.
fn only(community: &CommunityName, year: i16, category: Category) -> Request {
    Request {
        communities: Communities::Named(vec![community.clone()]),
        years: Years::Named(vec![year]),
        categories: vec![category],
        patient: true,
        ..Request::default()
    }
}

impl Explanation {
    /// Of a response of which nothing is known but its place and key.
    fn blank(community_id: &str, year: i16, category: Category, cache_key: String) -> Self {
        Self {
            community_id: community_id.to_owned(),
            slug: None,
            year,
            category: category.query_name(),
            cache_key,
            state: None,
            reason: String::new(),
            since: None,
            made_from: None,
            documents_then: None,
            documents_now: 0,
            data_through: None,
            aggregated_through: None,
            created_at: None,
            expires_at: None,
            due: None,
            last_failure: None,
        }
    }

    fn made_as(self, entry: EntryDescription) -> Self {
        Self {
            documents_then: entry.origin.as_ref().map(|origin| origin.shelf.count),
            made_from: entry.origin,
            data_through: entry.data_through,
            created_at: entry.created,
            expires_at: entry.expires,
            ..self
        }
    }
}

const NOT_ENABLED: &str =
    "the community has not switched its dashboard on, so it is made only when it is named";

fn reason(plan: &Plan, cell: &PlannedCell, entry: &EntryDescription, now: Fingerprint) -> String {
    let member = plan.member(cell);
    if !member.wanted && plan.state(cell) == StateName::Orphan {
        return "the community is gone".to_owned();
    }
    let mut reason = plan.reason(cell);
    if let Some(origin) = entry.origin.as_ref().filter(|it| it.shelf.count != now.count) {
        let then = origin.shelf.count;
        reason.push_str(&format!(" ({then} documents then, {} now)", now.count));
    }
    if matches!(cell.verdict.action, Action::Make(_) | Action::Wait(_)) && !member.takes_part {
        reason.push_str(&format!("; {NOT_ENABLED}"));
    }
    reason
}

/// A fresh entry is so since it was made, an expired one since its end. Since when documents are
/// other ones nobody noted, only that it was after the entry was made.
fn since(state: StateName, entry: &EntryDescription, blank: &Explanation) -> Option<String> {
    match state {
        StateName::Fresh | StateName::Foreign | StateName::Orphan => {
            entry.created.map(|created| created.to_string())
        }
        StateName::Expired => entry.expires.map(|expires| expires.to_string()),
        StateName::Stale | StateName::Held => {
            entry.created.map(|created| format!("some time after {created}"))
        }
        StateName::Incomplete => {
            blank.aggregated_through.as_ref().map(|day| format!("the end of {day}"))
        }
        StateName::Failed | StateName::Dead => {
            blank.last_failure.as_ref().map(|failure| failure.since.to_string())
        }
        StateName::Missing | StateName::Damaged | StateName::Running => None,
    }
}

fn due(plan: &Plan, cell: &PlannedCell, entry: &EntryDescription) -> Option<String> {
    match cell.verdict.action {
        Action::Make(_) if !plan.member(cell).takes_part => Some("when it is named".to_owned()),
        Action::Make(_) => Some("now".to_owned()),
        Action::Keep(_) => entry.expires.map(|expires| expires.to_string()),
        Action::Wait(Wait::Import(import)) => Some(match import.ending {
            ImportEnding::Running(_) => "when it has ended".to_owned(),
            _ => "when an import of the same is complete".to_owned(),
        }),
        Action::Wait(Wait::Aggregation(gap)) => {
            let midnight: Option<Timestamp> = format!("{}T00:00:00Z", gap.needed).parse().ok();
            let next = midnight?.checked_add(SignedDuration::from_hours(24)).ok()?;
            Some(format!("when {} is aggregated, not before {next}", gap.needed))
        }
        Action::Wait(Wait::Pause(pause)) => pause.until.map(|until| until.to_string()),
        Action::Wait(Wait::ImportedMeanwhile | Wait::NotSearchable | Wait::Replaced) => {
            Some("with the next run".to_owned())
        }
        Action::Hold(_) => Some("when the days are back, or with --accept-loss".to_owned()),
        Action::Refuse(_) => None,
    }
}
