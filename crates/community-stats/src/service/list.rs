//! What is stored, and in which state; without reading a body.

use std::collections::{BTreeMap, HashSet};

use stats_cache::{EntryDescription, EntryFilter, EntryState};
use stats_series::Category;

use super::CachedResponseService;
use super::communities::{Communities, Directory};
use super::error::ServiceError;
use super::matrix::StateName;
use super::request::{Request, Years};
use crate::calendar::day_of;

/// How many keys one question to the store is about.
const KEYS_PER_QUESTION: usize = 512;

/// Which entries to list. Empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct ListFilter {
    /// Community ids or slugs.
    pub communities: Vec<String>,
    /// Years.
    pub years: Vec<i16>,
    /// Categories.
    pub categories: Vec<Category>,
    /// States; none named means everything that is stored.
    pub states: Vec<StateName>,
}

/// One cell, or one entry that belongs to none.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Community id.
    pub community: String,
    /// Slug of the community, when known.
    pub slug: Option<String>,
    /// Year.
    pub year: i16,
    /// Category.
    pub category: Category,
    /// State in one word.
    pub state: StateName,
    /// Why it is in that state.
    pub reason: String,
    /// What is stored, as far as anything is.
    pub description: Option<EntryDescription>,
}

impl ListFilter {
    fn wants(&self, state: StateName) -> bool {
        match self.states.as_slice() {
            [] => !matches!(state, StateName::Missing | StateName::Incomplete),
            states => states.contains(&state),
        }
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
            optimize: None,
            overwrite: false,
        }
    }
}

impl CachedResponseService {
    /// The cells that a filter lets through, in the order community, year, category; then the
    /// entries that belong to no cell.
    ///
    /// # Errors
    /// When a community is not known, or source or store cannot answer.
    pub fn list(&self, filter: &ListFilter) -> Result<Vec<Listed>, ServiceError> {
        let mut listed: Vec<Listed> = Vec::new();
        let mut members: Vec<usize> = Vec::new();
        let mut seen = HashSet::new();
        let plan = self.survey(&filter.request(), &mut |cell, entry| {
            let description = description(entry).map(|entry| EntryDescription {
                year: cell.year,
                category: cell.category,
                ..entry
            });
            seen.extend(description.as_ref().map(|description| description.key.clone()));
            let state = cell.verdict.name();
            if filter.wants(state) {
                members.push(cell.member);
                listed.push(Listed {
                    community: String::new(),
                    slug: None,
                    year: cell.year,
                    category: cell.category,
                    state,
                    reason: cell.verdict.reason(),
                    description,
                });
            }
        })?;
        for (listed, member) in listed.iter_mut().zip(members) {
            listed.community.clone_from(&plan.members[member].id);
            listed.slug.clone_from(&plan.members[member].slug);
        }
        if filter.wants(StateName::Orphan) {
            listed.extend(self.left_over(filter, &plan.members, &seen)?);
        }
        Ok(listed)
    }

    fn left_over(
        &self,
        filter: &ListFilter,
        members: &[super::Member],
        seen: &HashSet<String>,
    ) -> Result<Vec<Listed>, ServiceError> {
        let communities = match filter.communities.as_slice() {
            [] => Vec::new(),
            _ => members.iter().map(|member| member.id.clone()).collect(),
        };
        let wanted = EntryFilter {
            communities,
            years: filter.years.clone(),
            categories: filter.categories.clone(),
        };
        let entries = self.store.list(&wanted)?.into_iter().filter_map(description);
        let mut entries: Vec<EntryDescription> = entries.collect();
        let directory = Directory::read(self.source.as_ref())?;
        self.add_of_deleted(&directory, &mut entries)?;
        entries.retain(|entry| wanted.matches(entry) && !seen.contains(&entry.key));
        let orphan = |description: EntryDescription| Listed {
            community: description.community.clone(),
            slug: None,
            year: description.year,
            category: description.category,
            state: StateName::Orphan,
            reason: "no community, year or category that would be made".to_owned(),
            description: Some(description),
        };
        Ok(entries.into_iter().map(orphan).collect())
    }

    /// Removes the entries of communities that were deleted or are not known any more; returns
    /// how many.
    ///
    /// # Errors
    /// When source or store cannot answer.
    pub fn clear_orphans(&self) -> Result<u64, ServiceError> {
        let orphans = self.orphans()?;
        let keys: Vec<String> = orphans.into_iter().map(|entry| entry.key).collect();
        Ok(if keys.is_empty() { 0 } else { self.store.delete(&keys)? })
    }

    /// The entries of communities that were deleted or are not known any more.
    ///
    /// # Errors
    /// When source or store cannot answer.
    pub fn orphans(&self) -> Result<Vec<EntryDescription>, ServiceError> {
        let directory = Directory::read(self.source.as_ref())?;
        let shelved = self.shelved_communities()?;
        let entries = self.store.list(&EntryFilter::default())?.into_iter();
        let mut orphans: Vec<EntryDescription> = entries
            .filter_map(description)
            .filter(|entry| !directory.is_wanted(&entry.community, &shelved))
            .collect();
        self.add_of_deleted(&directory, &mut orphans)?;
        Ok(orphans)
    }

    /// Adds what stands of deleted communities and is not there yet: entries that the store does not
    /// know of itself, since another writer left them. Their keys follow from the lifespans.
    fn add_of_deleted(
        &self,
        directory: &Directory,
        entries: &mut Vec<EntryDescription>,
    ) -> Result<(), ServiceError> {
        let (source, layouts) = (self.source.as_ref(), &self.settings.layouts);
        let deleted = directory.deleted();
        if deleted.is_empty() {
            return Ok(());
        }
        let members = directory.members(deleted, source, layouts, &BTreeMap::new())?;
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
                    community: (*id).clone(),
                    year: *year,
                    category: *category,
                    ..entry
                }));
            }
        }
        Ok(())
    }
}

/// The description in a state, when there is one.
pub(super) fn description(state: EntryState) -> Option<EntryDescription> {
    match state {
        EntryState::Ours(description)
        | EntryState::Foreign(description)
        | EntryState::Expired(description) => Some(description),
        EntryState::Absent | EntryState::Damaged(_) => None,
    }
}
