//! One shelf read, and each response that is made of it put in its place: stored, taken over, or held
//! back.

use std::panic::{AssertUnwindSafe, catch_unwind};

use stats_cache::{Body, CacheError, EntryDescription, Origin, Seen};
use stats_model::{Bookmark, chain};
use stats_series::{GENERATOR_VERSION, ResponseSpec, Selection};

use crate::error::ServiceError;
use crate::make::context::MakeContext;
use crate::make::outcome::{Outcome, Over, ShelfReport};
use crate::make::reading::Reading;
use crate::make::task::ShelfTask;
use crate::matrix::completeness::gap;
use crate::matrix::loss::{Former, Loss, days_of_body};
use crate::matrix::verdict::{Action, Cause, ForeignRule, Wait};
use crate::service::CachedResponseService;
use crate::survey::members::MemberLayout;
use crate::survey::plan::{Plan, PlannedCell};
use crate::survey::standing::mark;

const UNPLANNED: &str = "the plan of this run has no such cell";

impl CachedResponseService {
    /// Does a task: reads its shelf once, and stores what is made of it. A panic is a failure of its
    /// responses, not of the run.
    pub fn make(&self, task: &ShelfTask, context: &MakeContext<'_>) -> ShelfReport {
        let made = catch_unwind(AssertUnwindSafe(|| self.try_make(task, context)));
        match made {
            Ok(Ok(report)) => report,
            Ok(Err(ServiceError::Interrupted)) => task.report(&Outcome::Abandoned),
            Ok(Err(error)) => task.report(&Outcome::Failed(chain(&error))),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(ToString::to_string);
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                let text = text.unwrap_or_else(|| "without a message".to_owned());
                task.report(&Outcome::Failed(format!("the generator panicked: {text}")))
            }
        }
    }

    /// The bookmark is read before, for the plan, and after: a response is stored only when its
    /// period was complete both times, so that documents written in between cannot be half of a
    /// day. Only what was written before the plan is known to be readable.
    fn try_make(
        &self,
        task: &ShelfTask,
        context: &MakeContext<'_>,
    ) -> Result<ShelfReport, ServiceError> {
        if let Some(outcome) = context.settled.instead(task.kind) {
            return Ok(task.report(outcome));
        }
        let mut report = task.report(&Outcome::Abandoned);
        let Some(job) = job_of(task, context, &mut report) else { return Ok(report) };
        let waits = |wait| Ok(task.report(&Outcome::Waiting(wait)));
        let before = context.plan.standing.bookmark(task.kind, &task.community);
        if let Some(gap) = gap(before, task.year, self.clock.now()) {
            return waits(Wait::Aggregation(gap));
        }
        let shelf = task.shelf();
        let reading = self.read_shelf(&shelf, &job.specs(context.plan.optimize), &context.stop)?;
        let after = self.bookmark(task)?;
        if let Some(gap) = gap(after, task.year, self.clock.now()) {
            return waits(Wait::Aggregation(gap));
        }
        // What an import wrote meanwhile may be half of what it brings.
        if let Some(unsettled) = self.documents.unsettled_reading(&shelf, &reading.fingerprint)? {
            return waits(unsettled.into());
        }
        let through = before.min_by_day(after).map(|bookmark| bookmark.day.to_string());
        let made = Made { through, origin: self.origin(context.plan, &job, &reading), reading };
        (report.documents, report.bytes) = (made.reading.documents, made.reading.bytes);
        self.place_all(&job, &made, context, &mut report);
        Ok(report)
    }

    /// Puts the responses of a reading in their places, as long as nothing stops the run.
    fn place_all(
        &self,
        job: &Job<'_>,
        made: &Made,
        context: &MakeContext<'_>,
        report: &mut ShelfReport,
    ) {
        context.stop.look();
        let accept_loss = context.plan.accept_loss;
        for (index, (place, cell)) in job.cells.iter().enumerate() {
            if context.stop.is_set() {
                break;
            }
            let mut former = cell.former;
            if accept_loss && former != Former::Adoptable {
                former = Former::Nothing;
            }
            let mut origin = made.origin.clone();
            if let Former::Days(then) = former {
                origin.days = origin.days.max(Some(then));
            }
            let description = EntryDescription {
                origin: Some(origin),
                data_through: made.through.clone(),
                ..self.new_description(&report.community, report.year, cell.category)
            };
            let rewrite = cell.verdict.action == Action::Make(Cause::Overwrite);
            let response = Response { index, former, seen: cell.seen, accept_loss, rewrite };
            let placed = self.place(&made.reading, description, response);
            report.outcomes[*place].1 = placed.unwrap_or_else(|error| match error {
                Unplaced::Refused(error) if context.stop.is_lost_by(&error) => Outcome::Abandoned,
                Unplaced::Refused(error) => Outcome::Failed(chain(&error)),
                Unplaced::Unmade(error) => Outcome::Failed(error),
            });
        }
    }

    /// Puts the response at `index` of a reading in its place, unless that would lose days, or
    /// something else stands there than what it was held against.
    fn place(
        &self,
        reading: &Reading,
        description: EntryDescription,
        Response { index, former, mut seen, accept_loss, rewrite }: Response,
    ) -> Result<Outcome, Unplaced> {
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
        let body = self.body(reading, index).map_err(Unplaced::Unmade)?;
        if let Seen::Ours { sha256: Some(known), .. } = seen
            && known == body.sha256
            && !rewrite
            && let Some(kept) = self.adopt(&description, &body, Over::Equal)?
        {
            return Ok(kept);
        }
        let mut over = Over::Ours;
        if former == Former::Adoptable {
            if self.settings.foreign == ForeignRule::Adopt
                && let Some(adopted) = self.adopt(&description, &body, Over::Same)?
            {
                return Ok(adopted);
            }
            over = Over::Theirs;
        }
        if matches!(former, Former::Unknown | Former::Adoptable) && !accept_loss {
            let stored = self.store.get(&description.key)?;
            if let (Seen::Foreign { sha256, .. }, Some(entry)) = (&mut seen, &stored) {
                *sha256 = entry.description.sha256;
            }
            let stored = stored.map(|entry| entry.body).unwrap_or_default();
            if let Some(loss) = Loss::between(days_of_body(&stored), reading.days) {
                return Ok(held(loss, stored.len() as u64));
            }
        }
        if !self.store.put_over(seen, &description, &body)? {
            return Ok(Outcome::Waiting(Wait::Replaced));
        }
        let EntryDescription { key, .. } = description;
        Ok(Outcome::Stored { key, plain_length: body.plain_length, over })
    }

    /// Makes what stands the entry that is described when it has the very bytes that were made.
    fn adopt(
        &self,
        description: &EntryDescription,
        body: &Body,
        over: Over,
    ) -> Result<Option<Outcome>, Unplaced> {
        let plain_length = body.plain_length;
        let description =
            EntryDescription { plain_length, sha256: Some(body.sha256), ..description.clone() };
        let adopted = self.store.adopt(&description)?;
        let EntryDescription { key, .. } = description;
        Ok(adopted.then_some(Outcome::Stored { key, plain_length, over }))
    }

    fn length_of(&self, key: &str) -> Result<u64, Unplaced> {
        let keys = [key.to_owned()];
        let states = self.store.describe(&keys)?;
        let known = states.first().and_then(|state| state.description());
        Ok(known.map_or(0, |known| known.plain_length))
    }

    fn bookmark(&self, task: &ShelfTask) -> Result<Option<Bookmark>, ServiceError> {
        let mut found =
            self.documents.bookmarks(task.kind, std::slice::from_ref(&task.community))?;
        Ok(found.remove(&task.community))
    }

    fn origin(&self, plan: &Plan, job: &Job<'_>, reading: &Reading) -> Origin {
        Origin {
            shelf: mark(reading.fingerprint),
            days: Some(reading.days),
            position: reading.position.clone(),
            layout: if plan.optimize { job.layout.hash.clone() } else { String::new() },
            configuration: self.configuration.clone(),
            optimized: plan.optimize,
            generator: GENERATOR_VERSION,
        }
    }
}

/// What a plan says of a task.
struct Job<'a> {
    layout: &'a MemberLayout,
    /// The cells to make, and where in the task they stand.
    cells: Vec<(usize, &'a PlannedCell)>,
}

impl Job<'_> {
    fn specs(&self, optimize: bool) -> Vec<ResponseSpec> {
        let selection = || if optimize { self.layout.selection() } else { Selection::All };
        let spec =
            |cell: &PlannedCell| ResponseSpec { category: cell.category, selection: selection() };
        self.cells.iter().map(|(_, cell)| spec(cell)).collect()
    }
}

/// A reading, and what its responses have in common.
struct Made {
    reading: Reading,
    origin: Origin,
    through: Option<String>,
}

/// One response that is to be put in its place.
struct Response {
    /// Its number in the reading.
    index: usize,
    /// What it has to be held against.
    former: Former,
    /// What it may take the place of.
    seen: Seen,
    /// Whether a loss of days is taken for the truth.
    accept_loss: bool,
    /// Whether its body is written even if it is the one that stands.
    rewrite: bool,
}

/// Why a response could not be put in its place.
enum Unplaced {
    /// The store could not do its part.
    Refused(CacheError),
    /// It could not be made.
    Unmade(String),
}

impl From<CacheError> for Unplaced {
    fn from(error: CacheError) -> Self {
        Self::Refused(error)
    }
}

/// What has to be made of a task; `None` when nothing has. What need not be made is reported.
fn job_of<'a>(
    task: &ShelfTask,
    context: &MakeContext<'a>,
    report: &mut ShelfReport,
) -> Option<Job<'a>> {
    let mut cells = Vec::new();
    for (place, (category, outcome)) in report.outcomes.iter_mut().enumerate() {
        match context.cell(task, *category) {
            Some(cell) if matches!(cell.verdict.action, Action::Make(_)) => {
                cells.push((place, cell));
            }
            Some(cell) => *outcome = Outcome::Left(cell.verdict),
            None => *outcome = Outcome::Failed(UNPLANNED.to_owned()),
        }
    }
    let (_, first) = cells.first()?;
    Some(Job { layout: context.plan.member(first).layout.as_ref(), cells })
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
