//! One shelf read, and each response that is made of it put in its place: stored, taken over, or held
//! back.

use stats_cache::{Body, EntryDescription, Origin, Seen};
use stats_model::{Bookmark, Category};
use stats_series::GENERATOR_VERSION;

use crate::error::{ServiceError, chain};
use crate::halt::Halt;
use crate::make::reading::Reading;
use crate::make::settled::Unsettled;
use crate::make::task::{Outcome, Over, Response, ShelfJob, ShelfReport};
use crate::matrix::completeness::gap;
use crate::matrix::loss::{Former, Loss, days_of_body};
use crate::matrix::verdict::ForeignRule;
use crate::service::CachedResponseService;
use crate::survey::plan::Plan;
use crate::survey::standing::mark;

/// Why a response waits although its period is aggregated.
const NOT_SEARCHABLE: &str = "written but not searchable yet";

impl CachedResponseService {
    pub(crate) fn make_shelf(
        &self,
        plan: &Plan,
        job: &ShelfJob<'_>,
        halt: Halt<'_>,
    ) -> ShelfReport {
        match self.try_make_shelf(plan, job, halt) {
            Ok(report) => report,
            Err(ServiceError::Interrupted) => job.report(|| Outcome::Abandoned),
            Err(error) => {
                let text = chain(&error);
                job.report(|| Outcome::Failed(text.clone()))
            }
        }
    }

    /// The bookmark is read before, for the plan, and after: a response is stored only when its
    /// period was complete both times, so that documents written in between cannot be half of a
    /// day. Only what was written before the plan is known to be readable.
    fn try_make_shelf(
        &self,
        plan: &Plan,
        job: &ShelfJob<'_>,
        halt: Halt<'_>,
    ) -> Result<ShelfReport, ServiceError> {
        match &job.unsettled {
            Some(Unsettled::NotSearchable) => {
                return Ok(job.report(|| Outcome::Incomplete(NOT_SEARCHABLE.to_owned())));
            }
            Some(Unsettled::Unknown(error)) => {
                return Ok(job.report(|| Outcome::Failed(error.clone())));
            }
            None => {}
        }
        let before = plan.standing.bookmark(job.kind, &job.member.id);
        if let Some(gap) = gap(before, job.year, self.clock.now()) {
            return Ok(job.report(|| Outcome::Incomplete(gap.to_string())));
        }
        let reading = self.read_shelf(&job.shelf(), &job.specs(plan.optimize), halt)?;
        let after = self.bookmark(job)?;
        if let Some(gap) = gap(after, job.year, self.clock.now()) {
            return Ok(job.report(|| Outcome::Incomplete(gap.to_string())));
        }
        // What an import wrote meanwhile may be half of what it brings.
        if let Some(unsettled) =
            self.source.unsettled_reading(&job.shelf(), &reading.fingerprint)?
        {
            return Ok(job.report(|| Outcome::Imported(unsettled)));
        }
        let through = before.min_by_day(after).map(|bookmark| bookmark.day.to_string());
        let origin = self.origin(plan, job, &reading);
        let mut report = job.report(|| Outcome::Abandoned);
        (report.documents, report.bytes) = (reading.documents, reading.bytes);
        halt.ask();
        for (index, (category, outcome)) in report.outcomes.iter_mut().enumerate() {
            if halt.is_set() {
                break;
            }
            let mut response = job.responses[index];
            if plan.accept_loss && response.former != Former::Adoptable {
                response.former = Former::Nothing;
            }
            let mut origin = origin.clone();
            if let Former::Days(then) = response.former {
                origin.days = origin.days.max(Some(then));
            }
            let description = self.description_of(job, *category, origin, through.clone());
            *outcome = match self.place(plan, &reading, index, description, response) {
                Ok(outcome) => outcome,
                Err(text) => Outcome::Failed(text),
            };
        }
        Ok(report)
    }

    /// Puts the response at `index` of a reading in its place, unless that would lose days, or
    /// something else stands there than what it was held against.
    fn place(
        &self,
        plan: &Plan,
        reading: &Reading,
        index: usize,
        description: EntryDescription,
        Response { former, mut seen, .. }: Response,
    ) -> Result<Outcome, String> {
        let held = |loss, length| {
            let shelf = mark(reading.fingerprint);
            Outcome::Held { loss, shelf, length }
        };
        if let Former::Days(then) = former
            && let Some(loss) = Loss::between(then, reading.days)
        {
            let length = self.length_of(&description.key)?;
            return Ok(held(loss, length));
        }
        let body = self.body(reading, index)?;
        let mut over = Over::Ours;
        if former == Former::Adoptable {
            if self.settings.foreign == ForeignRule::Adopt
                && let Some(adopted) = self.adopt(&description, &body)?
            {
                return Ok(adopted);
            }
            over = Over::Theirs;
        }
        if matches!(former, Former::Unknown | Former::Adoptable) && !plan.accept_loss {
            let stored = self.store.get(&description.key).map_err(|error| chain(&error))?;
            if let (Seen::Foreign { sha256, .. }, Some(entry)) = (&mut seen, &stored) {
                *sha256 = entry.description.sha256;
            }
            let stored = stored.map(|entry| entry.body).unwrap_or_default();
            if let Some(loss) = Loss::between(days_of_body(&stored), reading.days) {
                return Ok(held(loss, stored.len() as u64));
            }
        }
        if !self.store.put_over(seen, &description, &body).map_err(|error| chain(&error))? {
            return Ok(Outcome::Changed);
        }
        let EntryDescription { key, .. } = description;
        Ok(Outcome::Stored { key, plain_length: body.plain_length, over })
    }

    /// Makes somebody else's entry ours when it has the very bytes that were made.
    fn adopt(
        &self,
        description: &EntryDescription,
        body: &Body,
    ) -> Result<Option<Outcome>, String> {
        let plain_length = body.plain_length;
        let description =
            EntryDescription { plain_length, sha256: Some(body.sha256), ..description.clone() };
        let adopted = self.store.adopt(&description).map_err(|error| chain(&error))?;
        let EntryDescription { key, .. } = description;
        Ok(adopted.then_some(Outcome::Stored { key, plain_length, over: Over::Same }))
    }

    fn length_of(&self, key: &str) -> Result<u64, String> {
        let keys = [key.to_owned()];
        let states = self.store.describe(&keys).map_err(|error| chain(&error))?;
        let known = states.first().and_then(|state| state.description());
        Ok(known.map_or(0, |known| known.plain_length))
    }

    fn bookmark(&self, job: &ShelfJob<'_>) -> Result<Option<Bookmark>, ServiceError> {
        let mut found = self.source.bookmarks(job.kind, &[job.member.id.to_string()])?;
        Ok(found.remove(job.member.id.as_str()))
    }

    fn origin(&self, plan: &Plan, job: &ShelfJob<'_>, reading: &Reading) -> Origin {
        Origin {
            shelf: mark(reading.fingerprint),
            days: Some(reading.days),
            position: reading.position.clone(),
            layout: if plan.optimize { job.member.layout.hash.clone() } else { String::new() },
            configuration: self.configuration.clone(),
            optimized: plan.optimize,
            generator: GENERATOR_VERSION,
        }
    }

    fn description_of(
        &self,
        job: &ShelfJob<'_>,
        category: Category,
        origin: Origin,
        data_through: Option<String>,
    ) -> EntryDescription {
        EntryDescription {
            origin: Some(origin),
            data_through,
            ..self.new_description(&job.member.id, job.year, category)
        }
    }
}

trait Earlier {
    fn min_by_day(self, other: Self) -> Self;
}

impl Earlier for Option<Bookmark> {
    fn min_by_day(self, other: Self) -> Self {
        match (self, other) {
            (Some(one), Some(two)) => Some(if two.day < one.day { two } else { one }),
            (one, two) => one.or(two),
        }
    }
}
