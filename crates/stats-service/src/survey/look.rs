//! How a plan comes about: what a request is about, what stands there, and what has to be done.

use std::collections::BTreeSet;

use stats_cache::{EntryState, Memory, Seen, UpdateMark, UpdateMarks};
use stats_model::{Category, DocumentKind, calendar::day_of, chain};

use crate::error::ServiceError;
use crate::matrix::loss::{Former, stands_for_days};
use crate::service::CachedResponseService;
use crate::survey::at_work::AtWork;
use crate::survey::directory::Directory;
use crate::survey::judge::Judge;
use crate::survey::members::Member;
use crate::survey::names::{Communities, Found};
use crate::survey::plan::{Plan, PlannedCell};
use crate::survey::request::{KEYS_PER_QUESTION, Request};
use crate::survey::standing::Standing;
use crate::survey::still::StandingStill;

impl CachedResponseService {
    /// Finds out what a request is about, what stands and what has to be done. Reads no document
    /// and no body, and changes nothing.
    ///
    /// # Errors
    /// When a community is not known, or source or store cannot answer.
    pub fn plan(&self, request: &Request) -> Result<Plan, ServiceError> {
        Ok(self.plan_with_marks(request)?.0)
    }

    /// The same with the marks of the aggregation that it honours.
    pub(crate) fn plan_with_marks(
        &self,
        request: &Request,
    ) -> Result<(Plan, UpdateMarks), ServiceError> {
        let marks = self.marks()?;
        let plan = self.survey_marked(request, &marks.marks, &mut |_, _| ())?;
        Ok((plan, marks))
    }

    fn marks(&self) -> Result<UpdateMarks, ServiceError> {
        match &self.registry {
            Some(registry) => Ok(registry.update_marks()?),
            None => Ok(UpdateMarks::default()),
        }
    }

    /// The same, and shows each cell with what the store says of its key.
    pub(crate) fn survey(
        &self,
        request: &Request,
        look: &mut dyn FnMut(&PlannedCell, EntryState),
    ) -> Result<Plan, ServiceError> {
        let marks = self.marks();
        let known = marks.as_ref().map_or(&[][..], |marks| &marks.marks);
        let mut plan = self.survey_marked(request, known, look)?;
        // Who may only read responses sees all but what an aggregation asked for.
        plan.warnings.extend(marks.err().map(|error| chain(&error)));
        Ok(plan)
    }

    fn survey_marked(
        &self,
        request: &Request,
        marks: &[UpdateMark],
        look: &mut dyn FnMut(&PlannedCell, EntryState),
    ) -> Result<Plan, ServiceError> {
        let categories = self.categories(request);
        let directory = Directory::read(self.directory.as_ref())?;
        let accept_loss = request.accept_loss || self.settings.accept_loss;
        let standing = self.standing(request, &directory, &categories, accept_loss)?;
        let first = standing.first_shelves();
        let shelved = first.keys().cloned().collect();
        let ids = directory.select(&request.communities, self.settings.opt_in, &shelved)?;
        let members = directory.members(ids, self.directory.as_ref(), &self.settings, &first)?;
        let mut warnings = Vec::new();
        warnings.extend(nobody_takes_part(request, &directory, &members));
        let memory = self.recall().unwrap_or_else(|error| {
            warnings.push(format!("what earlier runs noted is not known: {}", chain(&error)));
            Memory::default()
        });
        let today = day_of(self.clock.now());
        if let Some(bound) = self.settings.still_after_days {
            let still = StandingStill::among(standing.newest_bookmarks(), today, bound);
            warnings.extend(still.iter().map(ToString::to_string));
        }
        let mut plan = Plan {
            members,
            categories,
            years: request.years.clone(),
            current_year: today.year(),
            optimize: request.optimize.unwrap_or(self.settings.optimize),
            marked: marks.iter().map(|mark| (mark.community.clone(), mark.year)).collect(),
            cells: Vec::new(),
            bookmarked: standing.any_bookmark(),
            open_imports: self.documents.open_imports()?,
            accept_loss,
            patient: request.patient,
            warnings,
            outside: Vec::new(),
            at_work: self.runs_at_work(),
            standing,
            memory,
        };
        plan.cells = self.cells(&plan, request, look)?;
        plan.outside = plan.years_outside();
        Ok(plan)
    }

    /// The runs that go on, where somebody tells.
    fn runs_at_work(&self) -> Vec<AtWork> {
        let told = self.at_work.as_ref().map(|tell| tell()).unwrap_or_default();
        let configured = &self.settings.categories;
        told.into_iter().filter_map(|run| AtWork::of(run, configured)).collect()
    }

    /// The communities that take part, and `global`, when the source holds `standing`.
    pub(crate) fn all_members(&self, standing: &Standing) -> Result<Vec<Member>, ServiceError> {
        let directory = Directory::read(self.directory.as_ref())?;
        let first = standing.first_shelves();
        let shelved = first.keys().cloned().collect();
        let ids = directory.select(&Communities::All, self.settings.opt_in, &shelved)?;
        directory.members(ids, self.directory.as_ref(), &self.settings, &first)
    }

    /// The communities that have documents of any kind.
    pub(crate) fn shelved_communities(&self) -> Result<BTreeSet<String>, ServiceError> {
        let kinds = DocumentKind::ALL.into_iter().collect();
        let standing = Standing::read(self.documents.as_ref(), &kinds, &[], true)?;
        Ok(standing.first_shelves().into_keys().collect())
    }

    fn categories(&self, request: &Request) -> Vec<Category> {
        let mut categories = match request.categories.as_slice() {
            [] => self.settings.categories.clone(),
            named => named.to_vec(),
        };
        categories.sort_unstable();
        categories.dedup();
        categories
    }

    fn standing(
        &self,
        request: &Request,
        directory: &Directory,
        categories: &[Category],
        accept_loss: bool,
    ) -> Result<Standing, ServiceError> {
        let source = self.documents.as_ref();
        match &request.communities {
            Communities::All => {
                let kinds = categories.iter().map(|category| category.kind()).collect();
                Standing::read(source, &kinds, &[], accept_loss)
            }
            Communities::Named(names) => {
                // An id that is only known from documents may have them in any kind.
                let kinds = DocumentKind::ALL.into_iter().collect();
                let mut ids = Vec::new();
                for name in names {
                    ids.push(match directory.look_up(name)? {
                        Found::Known(id) => id.to_string(),
                        Found::Unknown(name) => name.to_owned(),
                    });
                }
                if ids.is_empty() {
                    Ok(Standing::default())
                } else {
                    Standing::read(source, &kinds, &ids, accept_loss)
                }
            }
        }
    }

    /// Expands a plan to its cells and decides about each.
    fn cells(
        &self,
        plan: &Plan,
        request: &Request,
        look: &mut dyn FnMut(&PlannedCell, EntryState),
    ) -> Result<Vec<PlannedCell>, ServiceError> {
        let mut judge = Judge::new(self, plan, request);
        let mut cells = Vec::new();
        let mut waiting = Vec::with_capacity(KEYS_PER_QUESTION);
        for (index, member) in plan.members.iter().enumerate() {
            for year in plan.years_of(member) {
                for category in &plan.categories {
                    waiting.push((index, year, *category));
                    if waiting.len() == KEYS_PER_QUESTION {
                        self.judge(plan, &mut judge, &mut waiting, &mut cells, look)?;
                    }
                }
            }
        }
        self.judge(plan, &mut judge, &mut waiting, &mut cells, look)?;
        Ok(cells)
    }

    fn judge(
        &self,
        plan: &Plan,
        judge: &mut Judge<'_>,
        waiting: &mut Vec<(usize, i16, Category)>,
        cells: &mut Vec<PlannedCell>,
        look: &mut dyn FnMut(&PlannedCell, EntryState),
    ) -> Result<(), ServiceError> {
        let key = |(member, year, category): &(usize, i16, Category)| {
            self.key(&plan.members[*member].id, *year, *category)
        };
        let keys: Vec<String> = waiting.iter().map(key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let mut states = self.store.describe(&keys)?;
        let seen: Vec<Seen> = states.iter().map(EntryState::seen).collect();
        self.doubt_bodies(&keys, &mut states)?;
        for (((place, key), entry), seen) in waiting.drain(..).zip(keys).zip(states).zip(seen) {
            let (member, year, category) = place;
            if plan.is_before(&plan.members[member], year) && !stands_for_days(&entry) {
                continue;
            }
            let verdict = judge.verdict(place, &key, &entry);
            let former = Former::of(&entry);
            let cell = PlannedCell { member, year, category, verdict, former, seen };
            look(&cell, entry);
            cells.push(cell);
        }
        Ok(())
    }
}

/// That all communities were asked for, and there are some, and none of them takes part.
fn nobody_takes_part(
    request: &Request,
    directory: &Directory,
    members: &[Member],
) -> Option<String> {
    let known = directory.standing().count();
    let alone = request.communities == Communities::All && members.len() == 1 && known > 0;
    alone.then(|| {
        format!(
            "none of the {known} communities has switched its dashboard on \
             (stats:dashboard_enabled), so only global takes part; communities.opt_in=false takes \
             all of them"
        )
    })
}
