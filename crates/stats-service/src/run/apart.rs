//! Making a task for a run that another process carries out.

use std::sync::Arc;
use std::time::Instant;

use stats_cache::Lease;

use crate::error::ServiceError;
use crate::make::context::MakeContext;
use crate::make::outcome::{Outcome, Over, ShelfReport};
use crate::matrix::verdict::{Action, Verdict};
use crate::run::errand::Errand;
use crate::run::meanwhile::while_renewing;
use crate::service::CachedResponseService;
use crate::stop::Stop;
use crate::survey::names::{Communities, CommunityName};
use crate::survey::plan::Plan;
use crate::survey::request::{Request, Years};

impl CachedResponseService {
    /// Makes a task for a run that goes on elsewhere, as long as that holds the lock: each write is held
    /// against its lease. What stands by now as it should is not made again.
    ///
    /// # Errors
    /// [`RunOver`](ServiceError::RunOver) when the run lost the lock or ended,
    /// [`OtherHands`](ServiceError::OtherHands) when settings or source are not those of the run, and when
    /// source, store or lock cannot answer. What cannot be made of single responses is in the report.
    pub fn make_errand(&self, errand: &Errand, stop: &Stop) -> Result<ShelfReport, ServiceError> {
        let Some(token) = &errand.fence else { return self.make_here(errand, stop) };
        let Some(lock) = &self.lock else {
            return Err(ServiceError::OtherHands("the lock of bulk runs is switched off"));
        };
        let lease: Arc<dyn Lease> = Arc::from(lock.join(token)?.ok_or(ServiceError::RunOver)?);
        let stop = stop.or_lost(Some(Arc::clone(&lease)));
        let made = while_renewing(&*lease, || {
            let fenced = self.fenced(&lease).map_err(|error| match stop.is_lost_by(&error) {
                true => ServiceError::RunOver,
                false => error.into(),
            })?;
            fenced.make_here(errand, &stop)
        });
        stop.look();
        if stop.is_lost() { Err(ServiceError::RunOver) } else { made }
    }

    fn make_here(&self, errand: &Errand, stop: &Stop) -> Result<ShelfReport, ServiceError> {
        let (begun, task) = (Instant::now(), &errand.task);
        let plan = self.plan(&Request {
            communities: Communities::Named(vec![CommunityName::Any(task.community.clone())]),
            years: Years::Named(vec![task.year]),
            categories: task.categories.clone(),
            optimize: Some(errand.optimize),
            overwrite: errand.overwrite,
            accept_loss: errand.accept_loss,
            patient: errand.patient,
        })?;
        self.refuse_other_responses(errand, &plan)?;
        let context = MakeContext::new(&plan, self.settle([task.kind], stop), stop.clone());
        let mut report = self.make(task, &context);
        for (category, outcome) in &mut report.outcomes {
            match outcome {
                Outcome::Abandoned if stop.is_set() => return Err(ServiceError::Interrupted),
                Outcome::Left(verdict) => {
                    let key = self.key(&task.community, task.year, *category);
                    *outcome = left(*verdict, key);
                }
                _ => {}
            }
        }
        Ok(ShelfReport { took: begun.elapsed(), ..report })
    }

    /// What is made from another source or under other settings would be made anew by the next run, and
    /// that again by whoever has these settings.
    fn refuse_other_responses(&self, errand: &Errand, plan: &Plan) -> Result<(), ServiceError> {
        let position = plan.standing.position(errand.task.kind);
        let same_source =
            errand.position.goes_on_in(&position) || position.goes_on_in(&errand.position);
        if !same_source {
            return Err(ServiceError::OtherHands("the documents are those of another source"));
        }
        let same = |cell| self.recipe(plan, cell) == errand.recipe;
        if !plan.cells.iter().all(same) {
            return Err(ServiceError::OtherHands("the version or the settings differ"));
        }
        Ok(())
    }
}

/// What became of a response that need not be made any more.
fn left(verdict: Verdict, key: String) -> Outcome {
    match verdict.action {
        Action::Keep(_) => Outcome::Stored { key, plain_length: 0, over: Over::Found },
        Action::Wait(wait) => Outcome::Waiting(wait),
        Action::Hold(loss) => Outcome::Held { loss, shelf: Default::default(), length: 0 },
        Action::Refuse(_) | Action::Make(_) => Outcome::Failed(verdict.reason()),
    }
}
