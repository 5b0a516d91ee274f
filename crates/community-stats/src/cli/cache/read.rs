//! `cache read`: one stored response, as it is served.

use std::io::Write;

use clap::Args;
use stats_model::Category;
use stats_service::{CachedResponseService, CommunityId, ServiceError};

use super::super::{Ending, Exit, Failure, Global, arguments, terminal};
use super::{KnownError, described, known};
use crate::app::App;

/// Arguments of `cache read`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Read {
    #[command(flatten)]
    place: arguments::Place,
    /// The category.
    #[arg(long, value_parser = arguments::category)]
    category: Category,
    /// Prints the description in place of the body.
    #[arg(long)]
    meta: bool,
}

impl Read {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let service = app.service_of_store(false)?;
        let community = self.community(&app, &service)?;
        if self.meta {
            let found = service.describe(&community, self.place.year, self.category)?;
            let found = found.ok_or_else(|| self.missing(&service, &community))?;
            terminal::print_json(&described(&found))?;
            return Ok(Exit::Done);
        }
        let found = service.read(&community, self.place.year, self.category)?;
        let response = found.ok_or_else(|| self.missing(&service, &community))?;
        let mut output = terminal::bytes();
        if global.json {
            let written = response.write_json(&service.settings().prefix, &mut output);
            written.map_err(ServiceError::from)?;
            writeln!(output)?;
        } else {
            output.write_all(response.data().unwrap_or_default())?;
        }
        output.flush()?;
        Ok(Exit::Done)
    }

    /// The community; of one that nobody knows nothing is stored.
    fn community(
        &self,
        app: &App,
        service: &CachedResponseService,
    ) -> Result<CommunityId, Failure> {
        known(app, service, &self.place.community()).map_err(|error| match error {
            KnownError::Service(ServiceError::UnknownCommunity { ref id, .. }) => {
                let failure = self.nothing(id);
                let told = Failure::from(error);
                failure.hint(told.hint.unwrap_or(told.message))
            }
            error => error.into(),
        })
    }

    fn nothing(&self, community: &str) -> Failure {
        let (year, category) = (self.place.year, self.category);
        let text = format!("nothing is stored for {community}/{year}/{category}");
        Failure::new(Exit::Failed, text)
    }

    /// Says that nothing is stored, and what to do about it.
    fn missing(&self, service: &CachedResponseService, community: &CommunityId) -> Failure {
        let (year, category) = (self.place.year, self.category);
        let failure = self.nothing(community);
        match service.explain(&self.place.community(), year, category) {
            Ok(explanation) => failure.hint(format!(
                "{}; see `community-stats cache explain --community-id {community} --year {year} \
                 --category {}`",
                explanation.reason,
                category.name()
            )),
            Err(error) => {
                let told = Failure::from(error);
                failure.hint(told.hint.unwrap_or(told.message))
            }
        }
    }
}
