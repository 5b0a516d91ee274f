//! What a bulk run shares with others that write to the same place: the lock, marks of what goes on,
//! and the marks of the aggregation (cache-and-jobs specification, sections 5, 8 and 9).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use stats_cache::{CacheError, FirstRun, Lease, Registry, UpdateMark};
use stats_model::{Category, chain};

use crate::error::ServiceError;
use crate::matrix::verdict::{Action, Keep};
use crate::report::Summary;
use crate::run::meanwhile::{while_renewing, while_repeating};
use crate::run::pool::Run;
use crate::service::CachedResponseService;
use crate::stop::Stop;
use crate::survey::plan::Plan;
use crate::survey::request::Request;

impl CachedResponseService {
    /// Makes what a request asks for: takes the lock, marks what goes on, plans, makes, and keeps
    /// the marks of the aggregation true.
    ///
    /// # Errors
    /// When another run holds the lock, or the plan cannot be made. Failures of single responses
    /// are in the summary.
    pub fn create(&self, request: &Request, run: &mut Run<'_>) -> Result<Summary, ServiceError> {
        let held = match &self.lock {
            None => None,
            Some(lock) => match lock.acquire(self.clock.now())? {
                Some(held) => Some(Arc::<dyn Lease>::from(held)),
                // Who holds it only helps: that nobody could say is no other failure.
                None => return Err(ServiceError::Locked(lock.told_holder().ok().flatten())),
            },
        };
        let stop = run.stop.or_lost(held.clone());
        let created = match &held {
            None => self.create_marked(request, run, &stop),
            Some(held) => while_renewing(&**held, || self.create_fenced(held, request, run, &stop)),
        };
        match (created, held.map(|held| held.release())) {
            (Ok(mut summary), Some(Err(error))) => {
                summary.warnings.push(format!("the lock was not given back: {}", chain(&error)));
                Ok(summary)
            }
            (Ok(mut summary), Some(Ok(false))) => {
                summary.lock_lost = true;
                Ok(summary)
            }
            (Err(error), Some(Err(release))) => {
                Err(ServiceError::NotReleased { error: Box::new(error), release })
            }
            (created, _) => created,
        }
    }

    /// Before the plan: what the last run wrote is seen in it, and nothing comes after that.
    fn create_fenced(
        &self,
        held: &Arc<dyn Lease>,
        request: &Request,
        run: &mut Run<'_>,
        stop: &Stop,
    ) -> Result<Summary, ServiceError> {
        match self.fenced(held) {
            Ok(fenced) => fenced.create_marked(request, run, stop),
            Err(error) if stop.is_lost_by(&error) => {
                Ok(Summary { interrupted: true, lock_lost: true, ..Summary::default() })
            }
            Err(error) => Err(error.into()),
        }
    }

    fn create_marked(
        &self,
        request: &Request,
        run: &mut Run<'_>,
        stop: &Stop,
    ) -> Result<Summary, ServiceError> {
        let Some(registry) = self.registry.as_deref() else {
            let plan = self.plan(request)?;
            return Ok(self.execute_until(&plan, run, stop));
        };
        let (mut plan, marks) = self.plan_with_marks(request)?;
        let years = years_of(&plan);
        let name = format!("{}-{}", std::process::id(), self.clock.now().as_nanosecond());
        let mut troubles = unreadable_marks(&marks.unreadable);
        note(&mut troubles, self.look_at_some(&mut plan));
        let mark = || registry.mark_generating(&name, &years, stop.is_alone());
        note(&mut troubles, mark());
        let mut summary = while_repeating(registry.marks_last() / 3, &mark, || {
            self.execute_until(&plan, run, stop)
        });
        note(&mut troubles, registry.unmark_generating(&name, &years));
        stop.look();
        summary.lock_lost |= stop.is_lost();
        if !summary.lock_lost {
            let stored = stored_years(&plan, &summary);
            note(&mut troubles, complete_first_runs(registry, &plan, &stored));
            note(&mut troubles, remove_marks(registry, &marks.marks, &plan, &stored));
        }
        summary.warnings.extend(troubles);
        Ok(summary)
    }
}

impl CachedResponseService {
    /// Does what the registry waits for and nothing has to be made for: first runs that are complete,
    /// and marks of the aggregation whose years stand. Tells what went wrong.
    pub(crate) fn settle_registry(&self, plan: &Plan) -> Vec<String> {
        let mut troubles = Vec::new();
        let Some(registry) = self.registry.as_deref() else { return troubles };
        let nothing = Summary::default();
        let stored = stored_years(plan, &nothing);
        note(&mut troubles, complete_first_runs(registry, plan, &stored));
        let removed = registry
            .update_marks()
            .and_then(|marks| remove_marks(registry, &marks.marks, plan, &stored));
        note(&mut troubles, removed);
        troubles
    }
}

/// Keys that look like marks of the aggregation and are none, in one line.
fn unreadable_marks(keys: &[String]) -> Vec<String> {
    const NAMED: usize = 5;
    let named = keys.get(..NAMED).unwrap_or(keys).join(", ");
    let more = match keys.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match keys {
        [] => Vec::new(),
        _ => vec![format!(
            "these keys of the registry name no community and year, and were ignored: {named}{more}"
        )],
    }
}

/// What goes wrong with the registry spoils no response.
fn note<T>(troubles: &mut Vec<String>, result: Result<T, CacheError>) {
    if let Err(error) = result {
        troubles.push(chain(&error));
    }
}

fn years_of(plan: &Plan) -> Vec<(String, i16)> {
    let mut years: Vec<(usize, i16)> =
        plan.cells.iter().map(|cell| (cell.member, cell.year)).collect();
    years.dedup();
    years.into_iter().map(|(member, year)| (plan.members[member].id.to_string(), year)).collect()
}

/// For each community and year the categories that stand now as they should: stored by this run,
/// or found unchanged.
fn stored_years<'a>(
    plan: &'a Plan,
    summary: &'a Summary,
) -> BTreeMap<(&'a str, i16), BTreeSet<Category>> {
    let made = summary
        .responses
        .iter()
        .map(|made| ((made.cell.community.as_str(), made.cell.year), made.cell.category));
    let unchanged = plan
        .cells
        .iter()
        .filter(|cell| cell.verdict.action == Action::Keep(Keep::Unchanged))
        .map(|cell| ((plan.member(cell).id.as_str(), cell.year), cell.category));
    let mut years: BTreeMap<_, BTreeSet<Category>> = BTreeMap::new();
    for (year, category) in made.chain(unchanged) {
        years.entry(year).or_default().insert(category);
    }
    years
}

type StoredYears<'a> = BTreeMap<(&'a str, i16), BTreeSet<Category>>;

/// A first run is complete when the four categories of the current year stand (section 8.7).
fn complete_first_runs(
    registry: &dyn Registry,
    plan: &Plan,
    stored: &StoredYears<'_>,
) -> Result<(), CacheError> {
    let complete = |id: &&str| {
        let categories = stored.get(&(*id, plan.current_year));
        categories.is_some_and(|categories| {
            Category::UPSTREAM.iter().all(|category| categories.contains(category))
        })
    };
    let ids = plan.members.iter().map(|member| member.id.as_str()).filter(complete);
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    if ids.is_empty() {
        return Ok(());
    }
    for (id, state) in ids.iter().zip(registry.first_runs(&ids)?) {
        if state == Some(FirstRun::InProgress) {
            registry.complete_first_run(id)?;
        }
    }
    Ok(())
}

/// A mark has done its work when the four categories of its year stand (section 8.8, without
/// weakness 16.3).
fn remove_marks(
    registry: &dyn Registry,
    marks: &[UpdateMark],
    plan: &Plan,
    stored: &StoredYears<'_>,
) -> Result<(), CacheError> {
    let ids: BTreeSet<&str> = plan.members.iter().map(|member| member.id.as_str()).collect();
    for mark in marks.iter().filter(|mark| ids.contains(mark.community.as_str())) {
        let categories = stored.get(&(mark.community.as_str(), mark.year));
        if categories.is_some_and(|c| Category::UPSTREAM.iter().all(|one| c.contains(one))) {
            registry.remove_update_mark(mark)?;
        }
    }
    Ok(())
}
