//! Making what a plan asks for: shelves are read by several threads, each read feeds every
//! category that wants it, and each response stands or fails for itself.

use std::collections::{BTreeSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use stats_cache::Lease;
use stats_model::{Category, DocumentKind};

use crate::halt::Halt;
use crate::make::task::{Outcome, Over, Response, ShelfJob, ShelfReport};
use crate::matrix::verdict::Action;
use crate::report::{Failure, Held, Stored, Summary, Waiting};
use crate::service::CachedResponseService;
use crate::survey::plan::Plan;

/// Why a response that was made is not stored.
const CHANGED: &str = "was changed meanwhile; what stands there now stays until the next run";

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

impl CachedResponseService {
    /// Makes the cells that a plan wants made, without lock or marks.
    pub fn execute(&self, plan: &Plan, run: &mut Run<'_>) -> Summary {
        self.execute_with(plan, run, None)
    }

    pub(crate) fn execute_with(
        &self,
        plan: &Plan,
        run: &mut Run<'_>,
        lock: Option<&dyn Lease>,
    ) -> Summary {
        let begun = Instant::now();
        let halt = Halt { asked: run.cancel, lock };
        let mut summary = Summary {
            bookmarked: plan.bookmarked,
            open_imports: plan.open_imports.clone(),
            outside: plan.outside.clone(),
            warnings: plan.warnings.clone(),
            ..Summary::default()
        };
        count_settled(plan, &mut summary);
        self.work(plan, run, halt, &mut summary);
        self.look_back(&mut summary);
        halt.ask();
        if !halt.lost() {
            self.keep_alive(&mut summary);
            self.note_down(plan, &mut summary);
        }
        summary.lock_lost = halt.lost();
        summary.interrupted = halt.is_set() || summary.total() != plan.cells.len() as u64;
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
}

/// Counts the cells that need no work.
fn count_settled(plan: &Plan, summary: &mut Summary) {
    for cell in &plan.cells {
        match cell.verdict.action {
            Action::Make(_) => {}
            Action::Keep(_) => summary.skip(cell.verdict.reason()),
            Action::Wait(_) => {
                let community_id = plan.member(cell).id.to_string();
                let (year, category) = (cell.year, cell.category);
                summary.wait(cell.verdict.reason(), Waiting { community_id, year, category });
            }
            Action::Hold(loss) => summary.hold(Held {
                community_id: plan.member(cell).id.to_string(),
                year: cell.year,
                category: cell.category,
                days_then: loss.then,
                days_now: loss.now,
                reason: plan.reason(cell),
                found: None,
            }),
            Action::Refuse(_) => {
                summary.failed += 1;
                summary.errors.push(Failure {
                    community_id: plan.member(cell).id.to_string(),
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
        let response = Response { category: cell.category, former: cell.former, seen: cell.seen };
        match jobs.iter_mut().skip(first_of_group).find(|job| job.kind == kind) {
            Some(job) => job.responses.push(response),
            None => jobs.push_back(ShelfJob {
                member: plan.member(cell),
                year: cell.year,
                kind,
                responses: vec![response],
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
            Outcome::Changed => {
                summary.changed_meanwhile = true;
                let community_id = community_id.clone();
                summary.wait(CHANGED.to_owned(), Waiting { community_id, year, category });
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
            Outcome::Held { loss, shelf, length } => summary.hold(Held {
                community_id: community_id.clone(),
                year,
                category,
                days_then: loss.then,
                days_now: loss.now,
                reason: loss.to_string(),
                found: Some((shelf, length)),
            }),
            Outcome::Stored { key, plain_length, over } => {
                summary.success += 1;
                summary.adopted += u64::from(over == Over::Same);
                summary.replaced += u64::from(over == Over::Theirs);
                summary.response_bytes += plain_length;
                let community_id = community_id.clone();
                summary.responses.push(Stored { community_id, year, category, cache_key: key });
            }
        }
        *done += 1;
        progress(&Progress { done: *done, total, community: &community_id, year, category });
    }
}
