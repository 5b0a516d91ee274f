//! What is stored, and in which state; without reading a body.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use stats_cache::{DamagedEntry, EntryDescription, EntryFilter, EntryState, MemoryChanges, Note};
use stats_model::{Category, GLOBAL, calendar::day_of};

use crate::error::ServiceError;
use crate::matrix::words::StateName;
use crate::service::CachedResponseService;
use crate::survey::directory::Directory;
use crate::survey::left_over::GONE;
use crate::survey::names::{Communities, CommunityName};
use crate::survey::plan::Plan;
use crate::survey::request::{KEYS_PER_QUESTION, Request, Years};

/// Which entries to list. Empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Communities.
    pub communities: Vec<CommunityName>,
    /// Years.
    pub years: Vec<i16>,
    /// Categories.
    pub categories: Vec<Category>,
    /// States; none named means everything that is stored or could not be made.
    pub states: Vec<StateName>,
}

/// One cell, or one entry that belongs to none.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Community id; `None` of what is damaged and belongs to no cell, since nothing tells what it was.
    pub community: Option<String>,
    /// Slug of the community, when known.
    pub slug: Option<String>,
    /// Year; `None` likewise.
    pub year: Option<i16>,
    /// Category; `None` likewise.
    pub category: Option<Category>,
    /// State in one word.
    pub state: StateName,
    /// Why it is in that state.
    pub reason: String,
    /// Under which key something is stored, if anything is.
    pub key: Option<String>,
    /// What is stored, as far as that is known.
    pub description: Option<EntryDescription>,
    /// Why it could not be made the last time, if it could not.
    pub note: Option<Note>,
}

impl ListFilter {
    fn wants(&self, state: StateName) -> bool {
        match self.states.as_slice() {
            [] => !matches!(state, StateName::Missing | StateName::Incomplete),
            states => states.contains(&state),
        }
    }

    fn shows(&self, state: StateName, note: Option<&Note>) -> bool {
        self.wants(state) || (self.states.is_empty() && note.is_some())
    }

    /// Whether it is about the whole store: nothing tells the place of what is damaged.
    fn is_of_all_places(&self) -> bool {
        self.communities.is_empty() && self.years.is_empty() && self.categories.is_empty()
    }

    fn request(&self) -> Request {
        Request {
            communities: match self.communities.as_slice() {
                [] => Communities::All,
                names => Communities::Named(names.to_vec()),
            },
            years: match self.years.as_slice() {
                [] => Years::Auto,
                years => Years::Named(years.to_vec()),
            },
            categories: match self.categories.as_slice() {
                [] => Category::ALL.to_vec(),
                categories => categories.to_vec(),
            },
            patient: true,
            ..Request::default()
        }
    }
}

impl CachedResponseService {
    /// The cells that a filter lets through, in the order community, year, category, those of
    /// communities that do not take part after the others; then the entries that belong to no cell.
    ///
    /// # Errors
    /// When a community is not known, or source or store cannot answer.
    pub fn list(&self, filter: &ListFilter) -> Result<Vec<Listed>, ServiceError> {
        let mut seen = HashSet::new();
        let (plan, mut listed) = self.list_cells(filter, &filter.request(), &mut seen)?;
        let (entries, mut damaged) = self.entries(!filter.communities.is_empty(), &plan)?;
        damaged.retain(|entry| filter.is_of_all_places() && !seen.contains(&entry.key));
        let directory = Directory::read(self.directory.as_ref())?;
        let unplanned = unplanned(&directory, &plan, &entries, !damaged.is_empty());
        if filter.communities.is_empty() && !unplanned.is_empty() {
            let communities = Communities::Named(unplanned);
            let request = Request { communities, ..filter.request() };
            let (_, others) = self.list_cells(filter, &request, &mut seen)?;
            listed.extend(others.into_iter().filter(|other| other.key.is_some()));
        }
        let left = self.beyond_cells(&directory, entries, &seen)?;
        listed.extend(
            left.into_iter().filter(|it| filter.lets_through(it) && filter.wants(it.state)),
        );
        // It is damaged, and an orphan as well.
        if filter.wants(StateName::Damaged) || filter.wants(StateName::Orphan) {
            damaged.retain(|entry| !seen.contains(&entry.key));
            listed.extend(damaged.into_iter().map(damaged_left_over));
        }
        Ok(listed)
    }

    /// What stands and belongs to none of the cells whose keys were `seen`.
    pub(crate) fn beyond_cells(
        &self,
        directory: &Directory,
        mut entries: Vec<EntryDescription>,
        seen: &HashSet<String>,
    ) -> Result<Vec<Listed>, ServiceError> {
        self.add_of_deleted(directory, &mut entries)?;
        let shelved = self.shelved_communities()?;
        let wanted = |entry: &EntryDescription| directory.is_wanted(&entry.community, &shelved);
        let left = entries.into_iter().filter(|entry| !seen.contains(&entry.key));
        let left =
            left.map(|entry| left_over(self.state_of_left_over(wanted(&entry), &entry), entry));
        Ok(left.collect())
    }

    fn list_cells(
        &self,
        filter: &ListFilter,
        request: &Request,
        seen: &mut HashSet<String>,
    ) -> Result<(Plan, Vec<Listed>), ServiceError> {
        let mut found: HashMap<(usize, i16, Category), EntryDescription> = HashMap::new();
        let mut damaged: HashSet<String> = HashSet::new();
        let plan = self.survey(request, &mut |cell, entry| {
            if let EntryState::Damaged(DamagedEntry { key, .. }) = &entry {
                damaged.insert(key.clone());
            }
            let Some(entry) = description(entry) else { return };
            let (year, category) = (cell.year, cell.category);
            let entry = EntryDescription { year, category, ..entry };
            found.insert((cell.member, year, category), entry);
        })?;
        let mut listed = Vec::new();
        for cell in &plan.cells {
            let member = plan.member(cell);
            let state = plan.state(cell);
            let key = self.key(&member.id, cell.year, cell.category);
            // Also where nothing stands: it may be stored before the store is asked what it knows.
            seen.insert(key.clone());
            let note = plan.memory.notes.get(&key).cloned();
            // What is running is in another state, too, until it is made.
            let is_shown = match state {
                StateName::Running if filter.states.contains(&state) => true,
                StateName::Running => filter.shows(cell.verdict.name(), note.as_ref()),
                state => filter.shows(state, note.as_ref()),
            };
            if !is_shown {
                continue;
            }
            let description = found.remove(&(cell.member, cell.year, cell.category));
            let stands = description.is_some() || damaged.contains(&key);
            listed.push(Listed {
                community: Some(member.id.to_string()),
                slug: member.slug.clone(),
                year: Some(cell.year),
                category: Some(cell.category),
                state,
                reason: if state == StateName::Orphan {
                    GONE.to_owned()
                } else {
                    plan.reason(cell)
                },
                key: stands.then_some(key),
                description,
                note,
            });
        }
        Ok((plan, listed))
    }

    /// What the store knows of itself, of the communities of a plan alone where some were `named`; and
    /// what is damaged of it.
    pub(crate) fn entries(
        &self,
        named: bool,
        plan: &Plan,
    ) -> Result<(Vec<EntryDescription>, Vec<DamagedEntry>), ServiceError> {
        let communities = match named {
            false => Vec::new(),
            true => plan.members.iter().map(|member| member.id.to_string()).collect(),
        };
        let (mut entries, mut damaged) = (Vec::new(), Vec::new());
        for state in self.store.list(&EntryFilter { communities, ..EntryFilter::default() })? {
            match state {
                EntryState::Damaged(entry) => damaged.push(entry),
                state => entries.extend(description(state)),
            }
        }
        Ok((entries, damaged))
    }

    /// Removes the orphans, and what was noted of them; returns how many there were.
    ///
    /// # Errors
    /// When source or store cannot answer.
    pub fn clear_orphans(&self) -> Result<u64, ServiceError> {
        let keys = self.orphans()?;
        let removed = if keys.is_empty() { 0 } else { self.store.delete(&keys)? };
        if let Some(notebook) = &self.notebook {
            let forget = self.notes_of_the_gone()?;
            notebook.remember(&MemoryChanges { forget, ..MemoryChanges::default() })?;
        }
        Ok(removed)
    }

    /// The keys of what `list` calls orphans: entries of communities that were deleted or are not
    /// known any more, and of years that a community never had, and what is damaged and belongs to no
    /// cell.
    ///
    /// # Errors
    /// When source or store cannot answer.
    pub fn orphans(&self) -> Result<Vec<String>, ServiceError> {
        let filter = ListFilter { states: vec![StateName::Orphan], ..ListFilter::default() };
        Ok(self.list(&filter)?.into_iter().filter_map(|listed| listed.key).collect())
    }

    fn notes_of_the_gone(&self) -> Result<Vec<String>, ServiceError> {
        let directory = Directory::read(self.directory.as_ref())?;
        let shelved = self.shelved_communities()?;
        let notes = self.recall()?.notes.into_iter();
        let gone = notes.filter(|(_, note)| !directory.is_wanted(&note.community, &shelved));
        Ok(gone.map(|(key, _)| key).collect())
    }

    /// Adds what stands of deleted communities and is not there yet: entries that the store does not
    /// know of itself, since another writer left them. Their keys follow from the lifespans.
    fn add_of_deleted(
        &self,
        directory: &Directory,
        entries: &mut Vec<EntryDescription>,
    ) -> Result<(), ServiceError> {
        let source = self.directory.as_ref();
        let deleted = directory.deleted();
        if deleted.is_empty() {
            return Ok(());
        }
        let members = directory.members(deleted, source, &self.settings, &BTreeMap::new())?;
        let current_year = day_of(self.clock.now()).year();
        let mut cells = Vec::new();
        for member in &members {
            for year in member.first_year..=current_year {
                cells.extend(Category::ALL.map(|category| (&member.id, year, category)));
            }
        }
        let known: HashSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for cells in cells.chunks(KEYS_PER_QUESTION) {
            let keys: Vec<String> =
                cells.iter().map(|(id, year, category)| self.key(id, *year, *category)).collect();
            for ((id, year, category), state) in cells.iter().zip(self.store.describe(&keys)?) {
                let entry = description(state).filter(|entry| !known.contains(&entry.key));
                entries.extend(entry.map(|entry| EntryDescription {
                    community: id.to_string(),
                    year: *year,
                    category: *category,
                    ..entry
                }));
            }
        }
        Ok(())
    }
}

impl ListFilter {
    /// Whether an entry that belongs to no cell is meant. Communities were asked for already.
    fn lets_through(&self, entry: &Listed) -> bool {
        let year = |year| self.years.is_empty() || self.years.contains(&year);
        let category = |one| self.categories.is_empty() || self.categories.contains(&one);
        entry.year.is_none_or(year) && entry.category.is_none_or(category)
    }
}

/// The communities that stand, have entries, and are not in a plan: they do not take part. With
/// `all`, also those without entries.
pub(crate) fn unplanned(
    directory: &Directory,
    plan: &Plan,
    entries: &[EntryDescription],
    all: bool,
) -> Vec<CommunityName> {
    let planned: HashSet<&str> = plan.members.iter().map(|member| member.id.as_str()).collect();
    let mut stored: BTreeSet<&str> = entries.iter().map(|entry| entry.community.as_str()).collect();
    if all {
        stored.extend(directory.standing().map(|community| community.id.as_str()));
    }
    let stored = stored.into_iter().filter(|id| *id != GLOBAL && !planned.contains(id));
    let standing = stored.filter(|id| directory.is_wanted(id, &BTreeSet::new()));
    standing.map(|id| CommunityName::Any(id.to_owned())).collect()
}

/// What stands and belongs to no cell.
fn left_over((state, reason): (StateName, &str), entry: EntryDescription) -> Listed {
    Listed {
        community: Some(entry.community.clone()),
        slug: None,
        year: Some(entry.year),
        category: Some(entry.category),
        state,
        reason: reason.to_owned(),
        key: Some(entry.key.clone()),
        description: Some(entry),
        note: None,
    }
}

/// What is damaged and belongs to no cell.
pub(crate) fn damaged_left_over(entry: DamagedEntry) -> Listed {
    Listed {
        community: None,
        slug: None,
        year: None,
        category: None,
        state: StateName::Damaged,
        reason: format!("belongs to no response; {entry}"),
        key: Some(entry.key),
        description: None,
        note: None,
    }
}

/// The description in a state, when there is one.
pub(crate) fn description(state: EntryState) -> Option<EntryDescription> {
    match state {
        EntryState::Ours(description)
        | EntryState::Foreign(description)
        | EntryState::Expired(description) => Some(description),
        EntryState::Absent | EntryState::Damaged(_) => None,
    }
}
