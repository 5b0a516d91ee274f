//! `cache read`: one stored response, as it is served.

use std::io::Write;

use clap::Args;
use stats_series::Category;

use super::super::{Ending, Exit, Failure, Global, arguments, terminal};
use super::described;
use crate::service::{CachedResponseService, ServiceError};

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
        let service = global.app()?.service_of_store(false)?;
        let community = self.place.community(&service)?;
        if self.meta {
            let found = service.describe(&community, self.place.year, self.category)?;
            let found = found.ok_or_else(|| self.missing(&service, &community))?;
            terminal::print_json(&described(&found))?;
            return Ok(Exit::Done);
        }
        let found = service.read(&community, self.place.year, self.category)?;
        let response = found.ok_or_else(|| self.missing(&service, &community))?;
        let mut output = terminal::output();
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

    /// Says that nothing is stored, and what to do about it.
    fn missing(&self, service: &CachedResponseService, community: &str) -> Failure {
        let (year, category) = (self.place.year, self.category);
        let failure = Failure::new(
            Exit::Failed,
            format!("nothing is stored for {community}/{year}/{category}"),
        );
        match service.explain(community, year, category) {
            Ok(explanation) => failure.hint(format!(
                "{}; see `community-stats cache explain --community-id {community} --year {year} \
                 --category {}`",
                explanation.reason,
                category.name()
            )),
            Err(error) => match Failure::from(error) {
                Failure { hint: Some(hint), .. } => failure.hint(hint),
                Failure { message: Some(message), .. } => failure.hint(message),
                Failure { .. } => failure,
            },
        }
    }
}
