//! Making what a plan asks for: shelves are read by several threads or processes, each read feeds every
//! category that wants it, and each response stands or fails for itself.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use stats_model::{Cell, DocumentKind, GLOBAL};

use crate::make::context::MakeContext;
use crate::make::outcome::{Outcome, Over, ShelfReport};
use crate::make::task::ShelfTask;
use crate::matrix::verdict::{Action, Wait};
use crate::report::{Held, Stored, Summary};
use crate::run::hands::{Hands, Job};
use crate::service::CachedResponseService;
use crate::stop::Stop;
use crate::survey::plan::Plan;

/// How a run is carried out.
pub struct Run<'a> {
    /// Who makes its tasks: threads of this process, a [`Pool`], or others, too.
    pub hands: &'a dyn Hands,
    /// How many threads read shelves here; at least one does.
    pub workers: usize,
    /// How many responses are made at most; what is left is for the next run. `None`: all.
    pub most: Option<u64>,
    /// Ends it early: shelves that are being read are abandoned, and no further one begins.
    pub stop: Stop,
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
    /// The cell of the last one.
    pub cell: &'a Cell,
    /// What came of it.
    pub outcome: &'a Outcome,
    /// How long its shelf took, with all that was made of it.
    pub took: Duration,
}

impl CachedResponseService {
    /// Makes the cells that a plan wants made, without lock or marks.
    pub fn execute(&self, plan: &Plan, run: &mut Run<'_>) -> Summary {
        let stop = run.stop.clone();
        self.execute_until(plan, run, &stop)
    }

    pub(crate) fn execute_until(&self, plan: &Plan, run: &mut Run<'_>, stop: &Stop) -> Summary {
        let begun = Instant::now();
        let mut summary = Summary {
            bookmarked: plan.bookmarked,
            open_imports: plan.open_imports.clone(),
            outside: plan.outside.clone(),
            warnings: plan.warnings.clone(),
            ..Summary::default()
        };
        count_settled(plan, &mut summary);
        self.work(plan, run, stop, &mut summary);
        self.look_back(&mut summary);
        stop.look();
        if !stop.is_lost() {
            self.keep_alive(stop, &mut summary);
            self.note_down(plan, stop, &mut summary);
        }
        summary.lock_lost = stop.is_lost();
        summary.interrupted = stop.is_set() || summary.total() != plan.cells.len() as u64;
        summary.elapsed = begun.elapsed();
        summary
    }

    fn work(&self, plan: &Plan, run: &mut Run<'_>, stop: &Stop, summary: &mut Summary) {
        let (mut tasks, total) = tasks(plan);
        let kinds: BTreeSet<DocumentKind> = tasks.iter().map(|task| task.kind).collect();
        let settled = self.settle(kinds, stop);
        let can_be_made = |kind| !matches!(settled.instead(kind), Some(Outcome::Waiting(_)));
        let total = no_more_than(run.most, &mut tasks, total, can_be_made);
        let context = MakeContext::new(plan, settled, stop.clone());
        let (workers, fence) = (run.workers, stop.token());
        let job = Job { service: self, context, workers, fence };
        let mut done = 0;
        let mut tell = |report| record(report, summary, total, &mut done, run.progress);
        let warnings = run.hands.make_all(&job, tasks, &mut tell);
        summary.warnings.extend(warnings);
    }
}

/// Threads of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pool;

impl Hands for Pool {
    fn make_all(
        &self,
        job: &Job<'_>,
        tasks: VecDeque<ShelfTask>,
        tell: &mut dyn FnMut(ShelfReport),
    ) -> Vec<String> {
        let workers = job.workers().clamp(1, tasks.len().max(1));
        let queue = Mutex::new(tasks);
        let (sender, receiver) = mpsc::sync_channel(workers);
        thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, queue) = (sender.clone(), &queue);
                scope.spawn(move || {
                    while let Some(task) = next(queue, job) {
                        if sender.send(job.make(&task)).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            receiver.into_iter().for_each(tell);
        });
        Vec::new()
    }
}

/// Counts the cells that need no work.
fn count_settled(plan: &Plan, summary: &mut Summary) {
    for cell in &plan.cells {
        match cell.verdict.action {
            Action::Make(_) => {}
            Action::Keep(keep) => summary.keep(keep),
            Action::Wait(wait) => summary.wait(plan.place(cell), wait),
            Action::Hold(loss) => {
                let (cell, missing) = (plan.place(cell), plan.missing(cell));
                summary.hold(Held { cell, loss, missing, found: None });
            }
            Action::Refuse(_) => summary.fail(plan.place(cell), plan.refusal(cell)),
        }
    }
}

/// The tasks of a plan, in its order, and the number of cells they make. Where nobody waits for them in
/// that order, what is looked at most comes first: the current year, and in it the whole repository.
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
    if plan.patient {
        let is_last = |task: &ShelfTask| (task.year != plan.current_year, task.community != GLOBAL);
        tasks.make_contiguous().sort_by_key(is_last);
    }
    (tasks, total)
}

/// Leaves out what is too much, and says of how many responses the rest is. Those of which it is known
/// that they cannot be made now take the place of none that can.
fn no_more_than(
    most: Option<u64>,
    tasks: &mut VecDeque<ShelfTask>,
    total: u64,
    can_be_made: impl Fn(DocumentKind) -> bool,
) -> u64 {
    let Some(mut room) = most.filter(|most| *most < total) else { return total };
    let mut rest = 0;
    tasks.retain_mut(|task| {
        if can_be_made(task.kind) {
            task.categories.truncate(usize::try_from(room).unwrap_or(usize::MAX));
            room -= task.categories.len() as u64;
        }
        rest += task.categories.len() as u64;
        !task.categories.is_empty()
    });
    rest
}

fn next(queue: &Mutex<VecDeque<ShelfTask>>, job: &Job<'_>) -> Option<ShelfTask> {
    if job.should_stop() {
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
    for (category, outcome) in report.outcomes {
        if matches!(outcome, Outcome::Abandoned | Outcome::Left(_)) {
            continue;
        }
        *done += 1;
        let cell = Cell::new(report.community.as_str(), report.year, category);
        let took = report.took;
        progress(&Progress { done: *done, total, cell: &cell, outcome: &outcome, took });
        count(cell, outcome, summary);
    }
}

fn count(cell: Cell, outcome: Outcome, summary: &mut Summary) {
    match outcome {
        Outcome::Abandoned | Outcome::Left(_) => {}
        Outcome::Waiting(wait) => {
            summary.changed_meanwhile |= wait == Wait::Replaced;
            summary.imported_meanwhile |= matches!(wait, Wait::Import(_) | Wait::ImportedMeanwhile);
            summary.wait(cell, wait);
        }
        Outcome::Failed(error) => summary.fail(cell, error),
        Outcome::Held { loss, shelf, length } => {
            summary.hold(Held { cell, loss, missing: None, found: Some((shelf, length)) });
        }
        Outcome::Stored { key, plain_length, over } => {
            summary.success += 1;
            summary.adopted += u64::from(over == Over::Same);
            summary.replaced += u64::from(over == Over::Theirs);
            summary.response_bytes += plain_length;
            summary.responses.push(Stored { cell, cache_key: key });
        }
    }
}

#[cfg(test)]
mod tests {
    use stats_model::Category;

    use super::*;

    #[test]
    fn what_cannot_be_made_takes_no_place() {
        let task = |kind, categories: &[Category]| ShelfTask {
            kind,
            community: GLOBAL.to_owned(),
            year: 2025,
            categories: categories.to_vec(),
        };
        let (deltas, records) = (DocumentKind::UsageDelta, DocumentKind::RecordDelta);
        let all = || {
            let of_deltas = [Category::UsageDelta, Category::UsageDeltaDataViews];
            let of_records = [Category::RecordDelta, Category::RecordDeltaDataAdded];
            VecDeque::from([task(deltas, &of_deltas), task(records, &of_records)])
        };
        let left = |most, can_be_made: &dyn Fn(DocumentKind) -> bool| {
            let mut tasks = all();
            let total = no_more_than(most, &mut tasks, 4, can_be_made);
            let numbers: Vec<usize> = tasks.iter().map(|task| task.categories.len()).collect();
            (total, numbers)
        };
        assert_eq!(left(None, &|_| true), (4, vec![2, 2]));
        assert_eq!(left(Some(3), &|_| true), (3, vec![2, 1]));
        assert_eq!(left(Some(2), &|_| true), (2, vec![2]));
        assert_eq!(left(Some(1), &|kind| kind == records), (3, vec![2, 1]));
    }
}
