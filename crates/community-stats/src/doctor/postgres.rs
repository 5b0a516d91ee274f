//! The database of InvenioRDM, where communities come from it.

use std::time::Instant;

use jiff::SignedDuration;
use stats_documents::postgres::{DatabaseReport, PostgresCommunities};
use stats_documents::{SourceError, SourceErrorKind};
use stats_model::{Clock, Community, DeletionStatus};
use stats_service::chain;

use super::check::{Check, State, plural};
use super::clocks;
use crate::config::Settings;
use crate::connections::postgres_settings;

const SERVER: &str = "postgresql";
const TABLE: &str = "communities table";

pub(super) fn examine(settings: &Settings, clock: &dyn Clock) -> Vec<Check> {
    let Some(url) = &settings.communities.database_url else {
        // Settings refuse this combination; here it is only told.
        let detail = "no address is set";
        return vec![Check::failed(SERVER, detail, "set `communities.database_url`")];
    };
    let connected = PostgresCommunities::connect(postgres_settings(url));
    let communities = match connected {
        Ok(communities) => communities,
        Err(error) => return vec![broken(SERVER, &error)],
    };
    let (before, asked) = (clock.now(), Instant::now());
    let report = match communities.examine() {
        Ok(report) => report,
        Err(error) => return vec![broken(SERVER, &error)],
    };
    let (took, after) = (asked.elapsed(), clock.now());
    let step = SignedDuration::from_millis(1);
    vec![
        server(&report, &communities).took(took),
        clocks::check(SERVER, report.clock, before, after, step),
        table(&report, &communities),
    ]
}

fn server(report: &DatabaseReport, communities: &PostgresCommunities) -> Check {
    let address = communities.settings().to_string();
    let check = if report.standby {
        Check::warning(
            SERVER,
            format!("{address} is a standby"),
            "its communities may be behind; name the primary if that matters",
        )
    } else {
        Check::ok(SERVER, address)
    };
    check.version(report.version.split(' ').next().unwrap_or_default())
}

fn table(report: &DatabaseReport, communities: &PostgresCommunities) -> Check {
    let database = &report.database;
    if !report.table {
        let detail = format!("the database {database} has no table communities_metadata");
        return Check::failed(TABLE, detail, "name the database of InvenioRDM");
    }
    let missing = report.missing_columns();
    if !missing.is_empty() {
        let detail = format!("communities_metadata has no column {}", missing.join(", "));
        return Check::failed(TABLE, detail, "InvenioRDM 12 to 14 is understood");
    }
    let unreadable = report.unreadable_columns();
    if !unreadable.is_empty() {
        let detail = format!("no right to read {}", unreadable.join(", "));
        let columns = stats_documents::postgres::NEEDED_COLUMNS.join(", ");
        let remedy = format!("GRANT SELECT ({columns}) ON communities_metadata TO the user");
        return Check::failed(TABLE, detail, remedy);
    }
    let asked = Instant::now();
    match communities.communities() {
        Ok(communities) => Check::ok(TABLE, counted(&communities)).took(asked.elapsed()),
        Err(error) => broken(TABLE, &error),
    }
}

fn counted(communities: &[Community]) -> String {
    let published =
        communities.iter().filter(|community| community.deletion == DeletionStatus::Published);
    let enabled = published.clone().filter(|community| community.dashboard_enabled == Some(true));
    let published = published.count();
    format!(
        "{}, {} of them deleted, {} with a dashboard",
        plural(communities.len() as u64, "community", "communities"),
        communities.len() - published,
        enabled.count(),
    )
}

fn broken(name: &str, error: &SourceError) -> Check {
    let state = match error.kind() {
        SourceErrorKind::Unreachable | SourceErrorKind::Busy => State::Unreachable,
        _ => State::Failed,
    };
    let remedy = match state {
        State::Unreachable => "start the server, or correct `communities.database_url`",
        _ => "correct `communities.database_url`, or what the message names",
    };
    Check::of(state, name, chain(error), remedy)
}
