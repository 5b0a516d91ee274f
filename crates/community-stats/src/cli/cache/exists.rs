//! `cache exists`: whether a response is stored.

use clap::Args;
use serde_json::json;
use stats_model::Category;

use super::super::{Ending, Exit, Global, arguments, terminal};
use super::known;

/// Arguments of `cache exists`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Exists {
    #[command(flatten)]
    place: arguments::Place,
    /// The category.
    #[arg(long, value_parser = arguments::category)]
    category: Category,
}

impl Exists {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let service = app.service_of_store(false)?;
        let community = known(&app, &service, &self.place.community())?;
        let exists = service.exists(&community, self.place.year, self.category)?;
        if global.json {
            terminal::print_json(&json!({"exists": exists}))?;
        } else {
            let mut output = terminal::page();
            writeln!(output, "{}", if exists { "yes" } else { "no" })?;
            output.flush()?;
        }
        Ok(if exists { Exit::Done } else { Exit::Failed })
    }
}
