//! `series`: documents in, one response out; neither archive nor store are touched.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use stats_series::{
    Category, ComponentNames, DocumentFailure, LayoutOwner, ResponseSpec, Selection, SeriesBuilder,
    WriteError,
};

use super::{Ending, Exit, Failure, Global, arguments, terminal};
use crate::app::App;
use crate::service::chain;

/// Arguments of `series`.
#[derive(Debug, Args)]
pub(super) struct Series {
    /// The category.
    #[arg(value_parser = arguments::category)]
    category: Category,
    /// The documents, one JSON object a line, bare or as export lines with `_source`; they are
    /// fed in this order. `-` is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Keeps only the metrics that the global layout shows.
    #[arg(long, conflicts_with_all = ["components", "layout"])]
    optimize: bool,
    /// Keeps only the metrics of these components, separated by commas; "" is the empty set.
    #[arg(long, value_name = "A,B", conflicts_with = "layout")]
    components: Option<String>,
    /// Keeps only the metrics that the layout in this JSON file shows.
    #[arg(long, value_name = "FILE")]
    layout: Option<PathBuf>,
}

/// A line of an export.
#[derive(Deserialize)]
struct ExportLine<'a> {
    #[serde(borrow, default, rename = "_id")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "_source")]
    source: &'a RawValue,
}

impl Series {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let spec = ResponseSpec { category: self.category, selection: self.selection(&app)? };
        let config = app.series_config()?;
        let mut builder = SeriesBuilder::new(&config, &[spec])
            .map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
        let mut input = self.open().map_err(|error| self.unreadable(&error))?;
        let (mut line, mut number) = (Vec::new(), 0_u64);
        loop {
            line.clear();
            let read = input.read_until(b'\n', &mut line);
            if read.map_err(|error| self.unreadable(&error))? == 0 {
                break;
            }
            number += 1;
            let text = line.trim_ascii();
            if text.is_empty() {
                continue;
            }
            feed(&mut builder, text);
            if let Some(failure) = builder.failure(0) {
                return Err(self.refused(number, failure));
            }
        }
        let mut output = terminal::output();
        match builder.write(0, app.floats(), &mut output) {
            Ok(()) => {}
            Err(WriteError::Io(error)) => return Err(error.into()),
            Err(WriteError::Document(failure)) => {
                return Err(Failure::new(Exit::Failed, failure.to_string()));
            }
        }
        output.flush()?;
        Ok(Exit::Done)
    }

    fn selection(&self, app: &App) -> Result<Selection, Failure> {
        if let Some(names) = &self.components {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            return Ok(Selection::Components(names.map(str::to_owned).collect()));
        }
        if let Some(path) = &self.layout {
            return Ok(Selection::Components(components_of(path)?));
        }
        if self.optimize {
            return Ok(Selection::Components(app.layouts()?.components(LayoutOwner::Global)));
        }
        Ok(Selection::All)
    }

    fn open(&self) -> io::Result<Box<dyn BufRead>> {
        if self.file == Path::new("-") {
            Ok(Box::new(io::stdin().lock()))
        } else {
            Ok(Box::new(BufReader::with_capacity(256 * 1024, File::open(&self.file)?)))
        }
    }

    fn refused(&self, line: u64, failure: &DocumentFailure) -> Failure {
        let mut message = format!("{}, line {line}", self.input());
        if !failure.id.is_empty() {
            message.push_str(&format!(", _id '{}'", failure.id));
        }
        for part in [&failure.field, &failure.reason] {
            if !part.is_empty() {
                message.push_str(": ");
                message.push_str(part);
            }
        }
        Failure::new(Exit::Failed, message)
            .hint("no response is written when a document cannot be used")
    }

    fn input(&self) -> String {
        if self.file == Path::new("-") {
            "standard input".to_owned()
        } else {
            self.file.display().to_string()
        }
    }

    fn unreadable(&self, error: &io::Error) -> Failure {
        Failure::new(Exit::Failed, format!("reading {}: {error}", self.input()))
    }
}

/// Feeds a bare document or the one inside an export line.
fn feed(builder: &mut SeriesBuilder, text: &[u8]) {
    match serde_json::from_slice::<ExportLine<'_>>(text) {
        Ok(line) => {
            builder.feed(line.id.as_deref().unwrap_or_default(), line.source.get().as_bytes());
        }
        Err(_) => builder.feed("", text),
    }
}

/// The components of a layout file: a layout, or an object with a `global_layout`.
fn components_of(path: &Path) -> Result<ComponentNames, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, format!("reading the layout {}: {error}", path.display()))
    };
    let text = std::fs::read(path).map_err(|error| failed(&error))?;
    let layout: Value = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
    let layout = layout.get("global_layout").unwrap_or(&layout);
    ComponentNames::from_layout(layout).map_err(|error| failed(&chain(&error)))
}
