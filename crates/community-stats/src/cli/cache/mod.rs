//! `cache`: everything about stored responses.

mod background;
mod clear;
mod delete;
mod estimate;
mod exists;
mod explain;
mod generate;
mod info;
mod list;
mod read;
mod unlock;
mod update;
mod verify;
mod verify_source;

use clap::Subcommand;
use serde_json::{Value, json};
use stats_cache::EntryDescription;
use stats_model::GLOBAL;
use stats_service::{CachedResponseService, CommunityId, CommunityName, ServiceError};

use super::{Ending, Failure, Global, Needs};
use crate::app::{App, AppError};

/// The commands about stored responses.
#[derive(Debug, Subcommand)]
pub(super) enum Cache {
    /// Makes the responses of communities and years, and stores them.
    Generate(generate::Generate),
    /// Prints a stored response.
    Read(read::Read),
    /// Tells whether a response is stored; exit code 1 when it is not.
    Exists(exists::Exists),
    /// Removes the responses of a community's year.
    Delete(delete::Delete),
    /// Stores a response made elsewhere.
    Update(update::Update),
    /// Lists what is stored, and in which state.
    List(list::List),
    /// Shows figures over the whole store.
    Info(info::Info),
    /// Removes every stored response, or those of communities that are gone.
    Clear(clear::Clear),
    /// Makes stored responses again and compares.
    Verify(verify::Verify),
    /// Tells everything about one response: state, reason, origin, when it is due.
    Explain(explain::Explain),
    /// Takes the lock of bulk runs away from a process that died, and says whose it was.
    Unlock(unlock::Unlock),
}

impl Cache {
    pub(super) const fn needs(&self) -> Needs {
        match self {
            Self::Generate(command) => command.needs(),
            Self::Delete(_) | Self::Update(_) | Self::Clear(_) | Self::Unlock(_) => Needs::ToWrite,
            Self::Read(_)
            | Self::Exists(_)
            | Self::List(_)
            | Self::Info(_)
            | Self::Verify(_)
            | Self::Explain(_) => Needs::ToRead,
        }
    }

    pub(super) fn run(&self, global: &Global) -> Ending {
        match self {
            Self::Generate(command) => command.run(global),
            Self::Read(command) => command.run(global),
            Self::Exists(command) => command.run(global),
            Self::Delete(command) => command.run(global),
            Self::Update(command) => command.run(global),
            Self::List(command) => command.run(global),
            Self::Info(command) => command.run(global),
            Self::Clear(command) => command.run(global),
            Self::Verify(command) => command.run(global),
            Self::Explain(command) => command.run(global),
            Self::Unlock(command) => command.run(global),
        }
    }
}

/// The community that is named. Where nobody knows it because there is no archive, that is said.
fn known(
    app: &App,
    service: &CachedResponseService,
    name: &CommunityName,
) -> Result<CommunityId, KnownError> {
    service.community(name).map_err(|error| match error {
        ServiceError::UnknownCommunity { .. } | ServiceError::UnknownSlug { .. } => {
            app.missing_archive().map_or(KnownError::Service(error), KnownError::App)
        }
        error => KnownError::Service(error),
    })
}

/// Why a community is not known.
enum KnownError {
    App(AppError),
    Service(ServiceError),
}

impl From<KnownError> for Failure {
    fn from(error: KnownError) -> Self {
        match error {
            KnownError::App(error) => error.into(),
            KnownError::Service(error) => error.into(),
        }
    }
}

/// The members of the design's `to_json`, without the data: they are only shown when asked for.
fn described(entry: &EntryDescription) -> Value {
    let global = entry.community == GLOBAL;
    json!({
        "community_id": (!global).then_some(&entry.community),
        "year": entry.year,
        "category": entry.category.query_name(),
        "cache_type": if global { "global" } else { "community" },
        "cache_key": entry.key,
        "data": null,
        "created_at": entry.created,
        "expires_at": entry.expires,
    })
}
