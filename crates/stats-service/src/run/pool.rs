//! Making what a plan asks for: shelves are read by several threads, each read feeds every
//! category that wants it, and each response stands or fails for itself.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Instant;

use stats_cache::Lease;
use stats_model::{Category, DocumentKind};

use crate::halt::Halt;
use crate::make::context::MakeContext;
use crate::make::outcome::{Lack, Outcome, Over, ShelfReport};
use crate::make::task::ShelfTask;
use crate::matrix::verdict::Action;
use crate::report::{Failure, Held, Stored, Summary, Waiting};
use crate::service::CachedResponseService;
use crate::survey::plan::Plan;

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
    /// What came of it.
    pub outcome: &'a Outcome,
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
        let (tasks, total) = tasks(plan);
        let kinds: BTreeSet<DocumentKind> = tasks.iter().map(|task| task.kind).collect();
        let context = MakeContext::new(plan, self.settle(kinds, halt), halt);
        let workers = run.workers.clamp(1, tasks.len().max(1));
        let queue = Mutex::new(tasks);
        let (sender, receiver) = mpsc::sync_channel(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, queue, context) = (sender.clone(), &queue, &context);
                scope.spawn(move || {
                    while let Some(task) = next(queue, halt) {
                        if sender.send(self.make(&task, context)).is_err() {
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

/// The tasks of a plan, in its order, and the number of cells they make.
fn tasks(plan: &Plan) -> (VecDeque<ShelfTask>, u64) {
    let (mut tasks, mut total): (VecDeque<ShelfTask>, u64) = (VecDeque::new(), 0);
    let mut first_of_group = 0;
    let mut group = None;
    for cell in plan.to_make() {
        total += 1;
        if group != Some((cell.member, cell.year)) {
            group = Some((cell.member, cell.year));
            first_of_group = tasks.len();
        }
        let (kind, category) = (cell.category.kind(), cell.category);
        match tasks.iter_mut().skip(first_of_group).find(|task| task.kind == kind) {
            Some(task) => task.categories.push(category),
            None => tasks.push_back(ShelfTask {
                kind,
                community: plan.member(cell).id.to_string(),
                year: cell.year,
                categories: vec![category],
            }),
        }
    }
    (tasks, total)
}

fn next(queue: &Mutex<VecDeque<ShelfTask>>, halt: Halt<'_>) -> Option<ShelfTask> {
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
        if matches!(outcome, Outcome::Abandoned | Outcome::Left(_)) {
            continue;
        }
        *done += 1;
        let (community, done) = (community_id.as_str(), *done);
        progress(&Progress { done, total, community, year, category, outcome: &outcome });
        match outcome {
            Outcome::Abandoned | Outcome::Left(_) => {}
            Outcome::Waiting(lack) => {
                summary.changed_meanwhile |= lack == Lack::Changed;
                summary.imported_meanwhile |= matches!(lack, Lack::Import(_));
                let community_id = community_id.clone();
                summary.wait(lack.to_string(), Waiting { community_id, year, category });
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
    }
}
