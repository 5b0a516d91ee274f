//! `cache generate --async`: the work is sent to whoever performs tasks, and may be followed.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Map, Value, json};
use stats_jobs::{Failure as TaskFailure, Producer, Results, TaskMessage, TaskResult, TaskState};
use stats_model::{Cell, DocumentKind};
use stats_service::{Communities, Request, Years};

use super::super::table::count;
use super::super::{Ending, Exit, Failure, Global, interrupt, terminal};
use crate::app::{App, Jobs};
use crate::daemon::{BATCH, BULK};

/// How the work is sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    /// A task for each shelf, which only this program performs, in place of one for all.
    pub(super) fan_out: bool,
    /// Whether to wait for the end.
    pub(super) wait: bool,
}

/// Whoever gave no sign for so long is not there any more.
const SILENT: Duration = Duration::from_secs(60);
/// So often the results are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Sends what a request asks for.
pub(super) fn send(global: &Global, app: &App, request: &Request, how: How) -> Ending {
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
    start_worker_if_nobody_works(global, app, &jobs, ids.len())?;
    let sent = json!({"async": true, "task_count": ids.len(), "task_ids": ids});
    match jobs.results.filter(|_| how.wait) {
        Some(results) => follow(global, results.as_ref(), &ids, sent),
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

/// Without a broker somebody has to be there who performs what waits in the file: if nobody is, a worker
/// of its own is started, which ends when nothing is left.
fn start_worker_if_nobody_works(
    global: &Global,
    app: &App,
    jobs: &Jobs,
    sent: usize,
) -> Result<(), Failure> {
    if jobs.file.is_none() || sent == 0 || somebody_works(app) {
        return Ok(());
    }
    let log = app.settings().data.dir.join("worker.log");
    let open = || OpenOptions::new().create(true).append(true).open(&log);
    let failed = |error: std::io::Error| {
        let message = format!("nobody works on the queue, and no worker could be started: {error}");
        Failure::new(Exit::Failed, message).hint("start one: community-stats run")
    };
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command
        .args(["run", "--role", "worker", "--until-empty"])
        .args(global.as_arguments())
        .stdin(Stdio::null())
        .stdout(open().map_err(failed)?)
        .stderr(open().map_err(failed)?)
        .process_group(0);
    let worker = command.spawn().map_err(failed)?;
    terminal::say(&format!(
        "nobody works on this queue, so a worker was started (process {}); it ends when the queue is \
         empty, and says what it does in {}",
        worker.id(),
        log.display()
    ));
    Ok(())
}

fn somebody_works(app: &App) -> bool {
    let Ok(Some(ledger)) = app.ledger_to_read() else { return false };
    let now = app.clock().now();
    let workers = ledger.workers().unwrap_or_default();
    workers.iter().any(|worker| worker.role != "scheduler" && !worker.is_lost(now, SILENT))
}

/// Waits for the end of all tasks, and ends as what came of them.
fn follow(global: &Global, results: &dyn Results, ids: &[&str], mut sent: Value) -> Ending {
    let ended = interrupt::flag();
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
