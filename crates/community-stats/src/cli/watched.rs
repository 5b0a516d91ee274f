//! Runs at the command line: under the eyes of the caller, and written down.

use serde_json::json;
use stats_jobs::ledger::{RunId, Trigger};
use stats_service::{Pool, Request, Run, ServiceError, Stop, Summary, chain};

use super::progress::{Progress, Unit};
use super::rate::Rate;
use super::{Global, interrupt, terminal};
use crate::app::App;
use crate::daemon::{Asked, Recorder, asked_by, kept};

/// What is written down of a run, and how it is carried out.
pub(super) struct Recorded<'a> {
    pub(super) trigger: Trigger,
    /// The run that it goes on with.
    pub(super) resumes: Option<RunId>,
    pub(super) request: &'a Request,
    /// How many shelves are read at the same time.
    pub(super) workers: usize,
}

/// Makes responses under the eyes of the caller.
pub(super) fn watched<T>(
    global: &Global,
    app: &App,
    workers: usize,
    make: impl FnOnce(&mut Run<'_>) -> Result<Summary, T>,
) -> Result<Summary, T> {
    let mut progress = Progress::new(global, Unit::Items, None);
    let made = make(&mut Run {
        hands: &Pool,
        workers,
        most: None,
        stop: Stop::when(interrupt::flag()),
        progress: &mut |at| {
            progress.show(at.done, Some(at.total), at.cell.to_string());
        },
    });
    progress.end();
    let summary = made?;
    Rate::record(app.settings(), &summary);
    Ok(summary)
}

/// The same, and the ledger remembers it. Where that does not work the run goes on, and somebody is
/// told.
pub(super) fn recorded(
    global: &Global,
    app: &App,
    Recorded { trigger, resumes, request, workers }: Recorded<'_>,
    make: impl FnOnce(&mut Run<'_>) -> Result<Summary, ServiceError>,
) -> Result<Summary, ServiceError> {
    let ledger = app.ledger_to_write().inspect_err(|error| {
        terminal::warn(&format!("this run is not remembered: {}", chain(error)));
    });
    let settings = app.settings();
    let keep = kept(&settings.run);
    let recorder = Recorder::new(ledger.ok(), app.shared_clock(), keep, interrupt::flag());
    let asked = Asked {
        trigger,
        asked_by: asked_by(),
        request: json!(request),
        resumes,
        planned: 0,
        limit: None,
        ends: None,
    };
    let mut progress = Progress::new(global, Unit::Items, None);
    let made = recorder.record(asked, |stop, note| {
        let progress = &mut |at: &stats_service::Progress<'_>| {
            progress.show(at.done, Some(at.total), at.cell.to_string());
            note(at);
        };
        make(&mut Run { hands: &Pool, workers, most: None, stop: stop.clone(), progress })
    });
    progress.end();
    let (_, summary) = made?;
    Rate::record(settings, &summary);
    Ok(summary)
}
