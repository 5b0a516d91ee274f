//! `cache update`: a response made elsewhere, under the normal key and with the normal lifetime.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use stats_model::Category;

use super::super::{Ending, Exit, Failure, Global, arguments, table::size, terminal};
use super::{described, known};
use crate::bounded::{self, RESPONSE};

/// Arguments of `cache update`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Update {
    #[command(flatten)]
    place: arguments::Place,
    /// The category.
    #[arg(long, value_parser = arguments::category)]
    category: Category,
    /// The file with the JSON of the response; `-` is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
}

impl Update {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let json = self.read().map_err(|error| {
            Failure::new(Exit::Failed, format!("reading {}: {error}", self.file.display()))
        })?;
        let app = global.app()?;
        let service = app.service_of_store(true)?;
        let community = known(&app, &service, &self.place.community())?;
        let response = service.update(&community, self.place.year, self.category, &json)?;
        if global.json {
            terminal::print_json(&described(&response.description(&service.settings().prefix)))?;
        } else {
            let bytes = response.data().map_or(0, |data| data.len() as u64);
            let key = response.cache_key(&service.settings().prefix);
            let mut output = terminal::page();
            writeln!(output, "Stored {} under {key}", size(bytes))?;
            output.flush()?;
        }
        Ok(Exit::Done)
    }

    fn read(&self) -> io::Result<Vec<u8>> {
        if self.file == Path::new("-") {
            bounded::read_all(io::stdin().lock(), RESPONSE)
        } else {
            bounded::read(&self.file, RESPONSE)
        }
    }
}
