//! Making what a plan asks for: shelves are read by several threads, each read feeds every
//! category that wants it, and each response stands or fails for itself.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use stats_cache::{Body, EntryDescription, Origin};
use stats_documents::{Bookmark, Shelf, Unsettled};
use stats_series::{Category, DocumentKind, GENERATOR_VERSION, ResponseSpec, Selection};

use super::CachedResponseService;
use super::bulk::{Halt, HeldBulkLock};
use super::communities::Member;
use super::completeness::gap;
use super::error::{ServiceError, chain};
use super::matrix::Action;
use super::plan::{Plan, mark};
use super::settled::Unsettled as NotSettled;
use super::shelf::Reading;
use super::summary::{Failure, Stored, Summary, Waiting};

/// Why a response waits although its period is aggregated.
const NOT_SEARCHABLE: &str = "written but not searchable yet";

/// How a run is carried out.
pub struct Run<'a> {
    /// How many threads read shelves; at least one does.
    pub workers: usize,
    /// Set from outside: shelves that are being read are abandoned, and no further one begins.
    pub cancel: &'a AtomicBool,
    /// Told after each response.
    pub progress: &'a mut dyn FnMut(&Progress<'_>),
}

/// How far a run is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Responses that are done, whatever came out.
    pub done: u64,
    /// Responses that the run makes.
    pub total: u64,
    /// Community of the last one.
    pub community: &'a str,
    /// Year of the last one.
    pub year: i16,
    /// Category of the last one.
    pub category: Category,
}

/// The cells that one reading of a shelf makes.
struct ShelfJob<'a> {
    member: &'a Member,
    year: i16,
    kind: DocumentKind,
    categories: Vec<Category>,
    /// Why nothing may be stored that is made from what can be read.
    unsettled: Option<NotSettled>,
}

struct ShelfReport {
    community: String,
    year: i16,
    outcomes: Vec<(Category, Outcome)>,
    documents: u64,
    bytes: u64,
}

enum Outcome {
    Stored {
        key: String,
        plain_length: u64,
    },
    Incomplete(String),
    /// An import changes the documents.
    Imported(Unsettled),
    Failed(String),
    Abandoned,
}

impl CachedResponseService {
    /// Makes the cells that a plan wants made, without lock or marks.
    pub fn execute(&self, plan: &Plan, run: &mut Run<'_>) -> Summary {
        self.execute_with(plan, run, None)
    }

    pub(super) fn execute_with(
        &self,
        plan: &Plan,
        run: &mut Run<'_>,
        lock: Option<&dyn HeldBulkLock>,
    ) -> Summary {
        let begun = Instant::now();
        let halt = Halt { asked: run.cancel, lock };
        let mut summary = Summary {
            bookmarked: plan.bookmarked,
            open_imports: plan.open_imports.clone(),
            ..Summary::default()
        };
        count_settled(plan, &mut summary);
        self.work(plan, run, halt, &mut summary);
        summary.lock_lost = halt.lost();
        summary.interrupted = halt.is_set();
        summary.elapsed = begun.elapsed();
        summary
    }

    fn work(&self, plan: &Plan, run: &mut Run<'_>, halt: Halt<'_>, summary: &mut Summary) {
        let (mut jobs, total) = jobs(plan);
        let kinds: BTreeSet<DocumentKind> = jobs.iter().map(|job| job.kind).collect();
        let unsettled = self.settle(kinds, halt);
        for job in &mut jobs {
            job.unsettled = unsettled.get(&job.kind).cloned();
        }
        let workers = run.workers.clamp(1, jobs.len().max(1));
        let queue = Mutex::new(jobs);
        let (sender, receiver) = mpsc::sync_channel(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || {
                    while let Some(job) = next(queue, halt) {
                        if sender.send(self.make_shelf_guarded(plan, &job, halt)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let mut done = 0;
            for report in receiver {
                record(report, summary, total, &mut done, run.progress);
            }
        });
    }

    /// A panic while one shelf is made is a failure of its cells, not of the run.
    fn make_shelf_guarded(&self, plan: &Plan, job: &ShelfJob<'_>, halt: Halt<'_>) -> ShelfReport {
        let made = catch_unwind(AssertUnwindSafe(|| self.make_shelf(plan, job, halt)));
        made.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<&str>().map(ToString::to_string);
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
            let text = text.unwrap_or_else(|| "without a message".to_owned());
            job.report(|| Outcome::Failed(format!("the generator panicked: {text}")))
        })
    }

    fn make_shelf(&self, plan: &Plan, job: &ShelfJob<'_>, halt: Halt<'_>) -> ShelfReport {
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
            Some(NotSettled::NotSearchable) => {
                return Ok(job.report(|| Outcome::Incomplete(NOT_SEARCHABLE.to_owned())));
            }
            Some(NotSettled::Unknown(error)) => {
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
            *outcome = self.body(&reading, index).map_or_else(Outcome::Failed, |body| {
                let description = self.description_of(job, *category, &origin, through.clone());
                self.store_body(&description, &body)
            });
        }
        Ok(report)
    }

    fn bookmark(&self, job: &ShelfJob<'_>) -> Result<Option<Bookmark>, ServiceError> {
        let mut found = self.source.bookmarks(job.kind, std::slice::from_ref(&job.member.id))?;
        Ok(found.remove(&job.member.id))
    }

    fn origin(&self, plan: &Plan, job: &ShelfJob<'_>, reading: &Reading) -> Origin {
        Origin {
            shelf: mark(reading.fingerprint),
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
        origin: &Origin,
        data_through: Option<String>,
    ) -> EntryDescription {
        EntryDescription {
            origin: Some(origin.clone()),
            data_through,
            ..self.new_description(&job.member.id, job.year, category)
        }
    }

    fn store_body(&self, description: &EntryDescription, body: &Body) -> Outcome {
        match self.store.put(description, body) {
            Ok(()) => {
                Outcome::Stored { key: description.key.clone(), plain_length: body.plain_length }
            }
            Err(error) => Outcome::Failed(chain(&error)),
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

impl ShelfJob<'_> {
    fn shelf(&self) -> Shelf {
        Shelf { kind: self.kind, community: self.member.id.clone(), year: self.year }
    }

    fn specs(&self, optimize: bool) -> Vec<ResponseSpec> {
        let selection = || if optimize { self.member.layout.selection() } else { Selection::All };
        self.categories
            .iter()
            .map(|category| ResponseSpec { category: *category, selection: selection() })
            .collect()
    }

    fn report(&self, outcome: impl Fn() -> Outcome) -> ShelfReport {
        ShelfReport {
            community: self.member.id.clone(),
            year: self.year,
            outcomes: self.categories.iter().map(|category| (*category, outcome())).collect(),
            documents: 0,
            bytes: 0,
        }
    }
}

/// Counts the cells that need no work.
fn count_settled(plan: &Plan, summary: &mut Summary) {
    for cell in &plan.cells {
        match cell.verdict.action {
            Action::Make(_) => {}
            Action::Keep(_) => summary.skip(cell.verdict.reason()),
            Action::Wait(_) => {
                let community_id = plan.member(cell).id.clone();
                let (year, category) = (cell.year, cell.category);
                summary.wait(cell.verdict.reason(), Waiting { community_id, year, category });
            }
            Action::Refuse(_) => {
                summary.failed += 1;
                summary.errors.push(Failure {
                    community_id: plan.member(cell).id.clone(),
                    year: cell.year,
                    category: cell.category,
                    error: plan.refusal(cell),
                });
            }
        }
    }
}

/// The shelves to read, in the order of the plan, and the number of cells they make.
fn jobs(plan: &Plan) -> (VecDeque<ShelfJob<'_>>, u64) {
    let (mut jobs, mut total): (VecDeque<ShelfJob<'_>>, u64) = (VecDeque::new(), 0);
    let mut first_of_group = 0;
    let mut group = None;
    for cell in plan.to_make() {
        total += 1;
        if group != Some((cell.member, cell.year)) {
            group = Some((cell.member, cell.year));
            first_of_group = jobs.len();
        }
        let kind = cell.category.kind();
        match jobs.iter_mut().skip(first_of_group).find(|job| job.kind == kind) {
            Some(job) => job.categories.push(cell.category),
            None => jobs.push_back(ShelfJob {
                member: plan.member(cell),
                year: cell.year,
                kind,
                categories: vec![cell.category],
                unsettled: None,
            }),
        }
    }
    (jobs, total)
}

fn next<'a>(queue: &Mutex<VecDeque<ShelfJob<'a>>>, halt: Halt<'_>) -> Option<ShelfJob<'a>> {
    if halt.is_set() {
        return None;
    }
    queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

fn record(
    report: ShelfReport,
    summary: &mut Summary,
    total: u64,
    done: &mut u64,
    progress: &mut dyn FnMut(&Progress<'_>),
) {
    summary.documents += report.documents;
    summary.document_bytes += report.bytes;
    let (community_id, year) = (report.community, report.year);
    for (category, outcome) in report.outcomes {
        match outcome {
            Outcome::Abandoned => continue,
            Outcome::Incomplete(reason) => {
                let community_id = community_id.clone();
                summary.wait(reason, Waiting { community_id, year, category });
            }
            Outcome::Imported(unsettled) => {
                summary.imported_meanwhile = true;
                let community_id = community_id.clone();
                summary.wait(unsettled.to_string(), Waiting { community_id, year, category });
            }
            Outcome::Failed(error) => {
                summary.failed += 1;
                let community_id = community_id.clone();
                summary.errors.push(Failure { community_id, year, category, error });
            }
            Outcome::Stored { key, plain_length } => {
                summary.success += 1;
                summary.response_bytes += plain_length;
                let community_id = community_id.clone();
                summary.responses.push(Stored { community_id, year, category, cache_key: key });
            }
        }
        *done += 1;
        progress(&Progress { done: *done, total, community: &community_id, year, category });
    }
}
