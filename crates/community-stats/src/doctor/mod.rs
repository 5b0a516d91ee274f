//! Looks at everything that the present settings need: is it there, which version, how quick, what
//! is wrong with it, and what to do about that.
//!
//! A check is plain data. Nothing here prints, and nothing is changed anywhere, but for one empty
//! file that is made in the data folder and removed again. No check shows a secret.
//!
//! * `aggregation`: how far the documents go, and what is held
//! * `files`: data folder, archive or mirror, SQLite store
//! * `jobs`: the queue and the ledger, where they are files
//! * `search`: OpenSearch
//! * `redis`: the three Redis databases and the lock
//! * `postgres`: the communities table
//! * `broker`, `amqp`: whether the message broker listens, and takes the login
//! * `clocks`: theirs against ours

mod aggregation;
mod amqp;
mod broker;
mod check;
mod clocks;
mod files;
mod jobs;
mod postgres;
mod redis;
mod search;

use std::thread;

use stats_model::Clock;

pub use check::{Check, State};

use crate::config::{CommunitySource, Settings, SourceKind, StoreKind};

/// Examines every dependency of these settings, those on other machines at the same time. The
/// checks come in a fixed order.
#[must_use]
pub fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let documents = settings.source.kind == SourceKind::Opensearch;
    let communities = settings.communities.source == CommunitySource::Opensearch;
    let needs_search = (documents || communities) && !settings.mirror.offline;
    let needs_redis = settings.cache.store == StoreKind::Redis;
    let needs_database = settings.communities.source == CommunitySource::Postgres;
    thread::scope(|scope| {
        let remote = [
            needs_search.then(|| scope.spawn(|| search::examine(settings, clock))),
            needs_redis.then(|| scope.spawn(|| redis::examine(settings, clock))),
            needs_database.then(|| scope.spawn(|| postgres::examine(settings, clock))),
            Some(scope.spawn(|| broker::examine(settings))),
        ];
        let mut checks = vec![life(settings), configuration(settings)];
        checks.extend(files::examine(settings, clock));
        checks.extend(jobs::examine(settings));
        for thread in remote.into_iter().flatten() {
            match thread.join() {
                Ok(found) => checks.extend(found),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        checks
    })
}

/// The worst of some states; all is well without any.
#[must_use]
pub fn worst(checks: &[Check]) -> State {
    checks.iter().map(|check| check.state).max().unwrap_or(State::Ok)
}

/// Which of its two lives the program leads, and what it takes for granted.
fn life(settings: &Settings) -> Check {
    let told = settings.told_life();
    match settings.assumptions().as_slice() {
        [] => Check::ok("life", told),
        assumed => Check::warning("life", told, assumed.join("; ")),
    }
}

fn configuration(settings: &Settings) -> Check {
    let name = "settings";
    let file = match settings.file() {
        Some(file) => format!("from {} and the environment", file.display()),
        None => "from flags and the environment, without a file".to_owned(),
    };
    if let Err(error) = settings.refuse_undecided() {
        let told = settings.warnings().join("; ");
        let remedy = error.hint().unwrap_or_default().to_owned();
        return Check::failed(name, format!("{told}; commands that write refuse to"), remedy);
    }
    match settings.warnings() {
        [] => Check::ok(name, file),
        warnings => {
            let remedy = "`community-stats config show --origin` shows what counts";
            Check::warning(name, warnings.join("; "), remedy)
        }
    }
}
