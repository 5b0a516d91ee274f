//! `cache generate --async`: the work is sent to whoever performs tasks, and may be followed.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use stats_jobs::{Failure as TaskFailure, Producer, Results, TaskMessage, TaskResult, TaskState};
use stats_model::{Cell, DocumentKind};
use stats_service::{Action, Communities, Plan, Request, Years};

use super::super::table::count;
use super::super::{Ending, Exit, Failure, Global, interrupt, terminal};
use crate::app::{App, SILENT};
use crate::daemon::{BATCH, BULK};

/// How the work is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// A task for each shelf, which only this program performs, in place of one for all.
    pub(super) fan_out: bool,
    /// Whether to wait for the end.
    pub(super) wait: bool,
}

/// So often somebody looks whether anybody still works.
const LOOK_AFTER_HANDS: Duration = Duration::from_secs(2);
/// So often the results are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Sends what a request asks for.
pub(super) fn send(global: &Global, app: &App, request: &Request, how: How) -> Ending {
    // What cannot be asked about is not sent, either.
    app.service_to_read()?;
    let jobs = app.jobs()?;
    if how.wait && jobs.results.is_none() {
        let message = "nothing says where results are kept, so nobody can wait for them";
        return Err(Failure::new(Exit::Usage, message).hint("set broker.result_backend"));
    }
    let producer = Producer::new(jobs.queue.clone(), jobs.serializer);
    let tasks = match how.fan_out {
        true => fanned_out(app, &producer, request)?,
        false => vec![bulk(app, &producer, request)?],
    };
    for task in &tasks {
        producer.send(task)?;
    }
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    if !global.json {
        tell_ids(&ids)?;
    }
    let mut hands = Hands { global, app, needed: jobs.file.is_some(), worker: None };
    if !ids.is_empty() {
        hands.look_after()?;
    }
    let sent = json!({"async": true, "task_count": ids.len(), "task_ids": ids});
    match jobs.results.filter(|_| how.wait) {
        Some(results) => {
            let ended = follow(global, results.as_ref(), &ids, sent, &mut hands)?;
            // Tasks say what they did; what stands now is for the matrix to say.
            let request = Request { overwrite: false, ..request.clone() };
            Ok(if ended == Exit::Done {
                truth(&app.service_to_read()?.plan(&request)?)
            } else {
                ended
            })
        }
        None => {
            if global.json {
                terminal::print_json(&sent)?;
            }
            Ok(Exit::Done)
        }
    }
}

/// The lines of the Python package, and the ids where there are several.
fn tell_ids(ids: &[&str]) -> Result<(), Failure> {
    let mut page = terminal::page();
    writeln!(page, "Starting async cache generation...")?;
    match ids {
        [] => writeln!(page, "No cache entries to generate.")?,
        [id] => {
            writeln!(page, "Task started with ID: {id}")?;
            writeln!(page, "Use Celery monitoring tools to track progress.")?;
        }
        ids => {
            writeln!(page, "{} tasks started with IDs:", count(ids.len() as u64))?;
            for id in ids {
                writeln!(page, "  {id}")?;
            }
            writeln!(page, "Use Celery monitoring tools to track progress.")?;
        }
    }
    Ok(page.flush()?)
}

/// The task of the Python package, with its own arguments (cache-and-jobs specification, section 11.2).
fn bulk(app: &App, producer: &Producer, request: &Request) -> Result<TaskMessage, Failure> {
    if !request.categories.is_empty() || request.accept_loss {
        let message = "the task of the Python package knows neither categories nor losses";
        return Err(Failure::new(Exit::Usage, message)
            .hint("leave out --category and --accept-loss, or say --fan-out for categories"));
    }
    let communities = match &request.communities {
        Communities::All => json!("all"),
        Communities::Named(names) => {
            let ids = app.service_to_read()?.communities(names)?;
            ids.iter().map(|id| json!(id.as_str())).collect()
        }
    };
    let years = match &request.years {
        Years::Auto => json!("auto"),
        Years::Named(years) => {
            let mut years = years.clone();
            years.sort_unstable();
            json!(years)
        }
    };
    let mut keywords = Map::new();
    keywords.insert("community_ids".to_owned(), communities);
    keywords.insert("years".to_owned(), years);
    keywords.insert("overwrite".to_owned(), json!(request.overwrite));
    keywords.insert("current_year_only".to_owned(), json!(false));
    if let Some(optimize) = request.optimize {
        keywords.insert("optimize".to_owned(), json!(optimize));
    }
    Ok(TaskMessage { keywords, ..producer.task(BULK) })
}

/// A task of the design document for each shelf of which something has to be made.
fn fanned_out(
    app: &App,
    producer: &Producer,
    request: &Request,
) -> Result<Vec<TaskMessage>, Failure> {
    if request.optimize.is_some() || request.accept_loss || request.overwrite {
        let message = "the tasks of the design say only what is made, not how";
        return Err(Failure::new(Exit::Usage, message)
            .hint("leave out --overwrite, --force, --optimize and --accept-loss, or --fan-out"));
    }
    let plan = app.service_to_read()?.plan(request)?;
    let mut shelves: BTreeMap<(String, i16, DocumentKind), Vec<Value>> = BTreeMap::new();
    for cell in plan.to_make() {
        let Cell { community, year, category } = plan.place(cell);
        let triple = json!([community, year, category.query_name()]);
        shelves.entry((community, year, category.kind())).or_default().push(triple);
    }
    let task = |triples: Vec<Value>| TaskMessage {
        arguments: vec![Value::Array(triples)],
        ..producer.task(BATCH)
    };
    Ok(shelves.into_values().map(task).collect())
}

/// Who performs what waits in a file: without a broker somebody has to be there.
struct Hands<'a> {
    global: &'a Global,
    app: &'a App,
    /// Whether there is no broker.
    needed: bool,
    /// The worker that was started here.
    worker: Option<Child>,
}

impl Hands<'_> {
    /// Starts a worker of its own where nobody works, which ends when nothing is left.
    fn look_after(&mut self) -> Result<(), Failure> {
        if let Some(worker) = &mut self.worker {
            match worker.try_wait()? {
                None => return Ok(()),
                Some(status) if status.success() => self.worker = None,
                Some(status) => {
                    let message = format!("the worker that was started here ended: {status}");
                    let log = self.log();
                    return Err(Failure::new(Exit::Failed, message)
                        .hint(format!("it says why in {}", log.display())));
                }
            }
        }
        if self.needed && !somebody_works(self.app) {
            self.worker = Some(self.start()?);
        }
        Ok(())
    }

    fn log(&self) -> PathBuf {
        self.app.settings().data.dir.join("worker.log")
    }

    fn start(&self) -> Result<Child, Failure> {
        let alone = |error: &dyn std::fmt::Display| {
            let message = format!("nobody works on the queue, and no worker was started: {error}");
            Failure::new(Exit::Failed, message).hint("start one: community-stats run")
        };
        self.global.refuse_to_read_twice().map_err(|failure| alone(&failure.message))?;
        let log = self.log();
        let open = || OpenOptions::new().create(true).append(true).open(&log);
        let program = std::env::current_exe().map_err(|error| alone(&error))?;
        let mut command = Command::new(program);
        command
            .args(["run", "--role", "worker", "--until-empty"])
            .args(self.global.as_arguments())
            .stdin(Stdio::null())
            .stdout(open().map_err(|error| alone(&error))?)
            .stderr(open().map_err(|error| alone(&error))?)
            .process_group(0);
        let worker = command.spawn().map_err(|error| alone(&error))?;
        terminal::say(&format!(
            "nobody works on this queue, so a worker was started (process {}); it ends when the queue \
             is empty, and says what it does in {}",
            worker.id(),
            log.display()
        ));
        Ok(worker)
    }
}

fn somebody_works(app: &App) -> bool {
    let Ok(Some(ledger)) = app.ledger_to_read() else { return false };
    let now = app.clock().now();
    let workers = ledger.workers().unwrap_or_default();
    workers.iter().any(|worker| worker.role != "scheduler" && !worker.is_lost(now, SILENT))
}

/// Waits for the end of all tasks, and ends as what came of them.
fn follow(
    global: &Global,
    results: &dyn Results,
    ids: &[&str],
    mut sent: Value,
    hands: &mut Hands<'_>,
) -> Ending {
    let ended = interrupt::flag();
    let mut looked = Instant::now();
    let mut done: BTreeMap<&str, TaskResult> = BTreeMap::new();
    while done.len() < ids.len() {
        for id in ids {
            if done.contains_key(id) {
                continue;
            }
            if let Some(result) = results.read(id)?.filter(|result| result.state.is_final()) {
                done.insert(id, result);
            }
        }
        if ended.load(std::sync::atomic::Ordering::Relaxed) {
            terminal::say("the tasks go on; nobody waits for them any more");
            return Ok(Exit::Interrupted);
        }
        if done.len() < ids.len() {
            std::thread::sleep(LOOK_EVERY);
            if looked.elapsed() >= LOOK_AFTER_HANDS {
                hands.look_after()?;
                looked = Instant::now();
            }
        }
    }
    let in_order: Vec<&TaskResult> = ids.iter().filter_map(|id| done.get(id)).collect();
    if global.json {
        sent["results"] = in_order.iter().map(|result| result.result.clone()).collect();
        terminal::print_json(&sent)?;
    }
    ending(global, &in_order)
}

fn ending(global: &Global, results: &[&TaskResult]) -> Ending {
    let (mut stored, mut failed, mut partly) = (0, 0, false);
    for result in results {
        match (&result.state, &result.result) {
            (TaskState::Success, Value::Array(made)) => {
                let good = made.iter().filter(|it| it["success"] == true).count() as u64;
                stored += good;
                failed += made.len() as u64 - good;
            }
            (TaskState::Success, run) if run["success"] == false => {
                let why = run["reason"].as_str().or(run["error"].as_str()).unwrap_or("no reason");
                return Err(Failure::new(Exit::Failed, why.to_owned()));
            }
            (TaskState::Success, run) => {
                stored += run["success"].as_u64().unwrap_or_default();
                failed += run["failed"].as_u64().unwrap_or_default();
                partly |= run["held"].as_u64().is_some_and(|held| held > 0);
            }
            (state, failure) => {
                let said = TaskFailure::from_value(failure, result.traceback.clone());
                let said = said.map_or_else(String::new, |said| format!(": {}", said.message));
                let message = format!("task {} ended as {}{said}", result.id, state.as_str());
                return Err(Failure::new(Exit::Failed, message));
            }
        }
    }
    if !global.json {
        let mut page = terminal::page();
        writeln!(page, "Cache generation completed")?;
        writeln!(page, "Success: {stored}, Failed: {failed}")?;
        page.flush()?;
    }
    Ok(if failed > 0 || partly { Exit::Partly } else { Exit::Done })
}

/// How a command ends whose work was done by others: as what stands says.
fn truth(plan: &Plan) -> Exit {
    let keeps_any = plan.cells.iter().any(|cell| matches!(cell.verdict.action, Action::Keep(_)));
    let in_vain = !keeps_any
        && if plan.cells.is_empty() { !plan.outside.is_empty() } else { !plan.bookmarked };
    let all_true = plan.cells.iter().all(|cell| cell.verdict.is_true());
    if all_true && plan.open_imports.is_empty() && !in_vain {
        return Exit::Done;
    }
    terminal::warn("not all of what was asked for is as it should be");
    terminal::hint("see which and why: community-stats cache generate --dry-run");
    Exit::Partly
}
