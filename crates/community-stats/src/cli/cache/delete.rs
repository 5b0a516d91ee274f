//! `cache delete`: the responses of a community's year.

use clap::Args;
use serde_json::json;
use stats_model::Category;

use super::super::{Ending, Exit, Global, arguments, table::plural, terminal};
use super::known;

/// Arguments of `cache delete`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Delete {
    #[command(flatten)]
    place: arguments::Place,
    /// The category; all of them when not given.
    #[arg(long, value_parser = arguments::category)]
    category: Option<Category>,
}

impl Delete {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let service = app.service_to_remove_from_store()?;
        let community = known(&app, &service, &self.place.community())?;
        let deleted = service.delete(&community, self.place.year, self.category)?;
        if global.json {
            terminal::print_json(&json!({"deleted": deleted}))?;
        } else {
            let mut output = terminal::page();
            writeln!(output, "Deleted {}", plural(deleted, "response", "responses"))?;
            output.flush()?;
        }
        Ok(Exit::Done)
    }
}
