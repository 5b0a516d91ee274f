//! `series`: documents in, one response out; neither archive nor store are touched.

use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;
use stats_documents::import::{
    Form, Found, ImportOptions, Input, Left, LineKind, MOST_LISTED, Reason, each_document,
};
use stats_model::Category;
use stats_series::{
    ComponentNames, DocumentFailure, LayoutOwner, ResponseSpec, Selection, SeriesBuilder,
    SeriesConfig, WriteError,
};
use stats_service::chain;

use super::{Ending, Exit, Failure, Global, arguments, terminal};
use crate::app::App;
use crate::bounded::{self, SMALL};

/// Arguments of `series`.
#[derive(Debug, Args)]
pub(super) struct Series {
    /// The category.
    #[arg(value_parser = arguments::category)]
    category: Category,
    /// The documents, in any form that `import` reads, or one JSON object a line; they are fed in
    /// this order. `-` is standard input.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// Takes the documents of this community, and of the kind that the category needs, out of all
    /// that are there. Without it there may be no others.
    #[arg(long, value_name = "ID")]
    community_id: Option<String>,
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

impl Series {
    pub(super) fn run(&self, global: &Global) -> Ending {
        let app = global.app()?;
        let config = app.series_config()?;
        let selection = self.selection(&app, &config)?;
        let spec = ResponseSpec { category: self.category, selection };
        let mut builder = SeriesBuilder::new(&config, &[spec])
            .map_err(|error| Failure::new(Exit::Failed, chain(&error)))?;
        self.feed(&mut builder, &app.settings().source.index_prefix)?;
        let mut output = terminal::bytes();
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

    /// Feeds every document that is meant.
    fn feed(&self, builder: &mut SeriesBuilder, prefix: &str) -> Result<(), Failure> {
        let mut chosen = Chosen::new(self, prefix);
        let (mut fed, mut refused) = (0_u64, None);
        let mut ids = HashSet::new();
        let line_limit = ImportOptions::default().line_limit;
        let left = each_document(self.input(), line_limit, &mut |found| {
            match chosen.takes(&found) {
                Ok(false) => return ControlFlow::Continue(()),
                Ok(true) => {}
                Err(failure) => {
                    refused = Some(failure);
                    return ControlFlow::Break(());
                }
            }
            if !found.id.is_empty() && !ids.insert(found.id.to_string()) {
                refused = Some(refuse(&found, &format!("_id '{}' comes again", found.id)));
                return ControlFlow::Break(());
            }
            fed += 1;
            builder.feed(&found.id, found.source);
            match builder.failure(0) {
                None => ControlFlow::Continue(()),
                Some(failure) => {
                    refused = Some(self.refused(&found, failure));
                    ControlFlow::Break(())
                }
            }
        });
        match refused {
            Some(failure) => Err(failure),
            None => self.check(&left, fed, &chosen.other_prefixes),
        }
    }

    /// Whether everything was read, and anything was there that was asked for.
    fn check(&self, left: &Left, fed: u64, others: &BTreeSet<String>) -> Result<(), Failure> {
        if let Some(error) = left.errors.first() {
            let message = format!("reading {}: {}", error.file, error.message);
            return Err(Failure::new(Exit::Failed, message).hint(NOTHING_WRITTEN));
        }
        for skipped in &left.skipped {
            terminal::warn(&format!("{} was not read: {}", skipped.file, skipped.why));
        }
        if left.skipped.more > 0 {
            terminal::warn(&format!("nor were {} more", left.skipped.more));
        }
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|prefix| format!("'{prefix}'")).collect();
            let others = others.join(", ");
            if fed == 0 {
                let message =
                    format!("all documents are of installations with other prefixes: {others}");
                return Err(Failure::new(Exit::Failed, message)
                    .hint("say which one is meant: source.index_prefix in the settings"));
            }
            terminal::warn(&format!("left out: documents with the prefixes {others}"));
        }
        let kind = self.category.kind();
        match &self.community_id {
            Some(id) if fed == 0 => {
                let message = format!("no {kind} documents of the community '{id}'");
                Err(Failure::new(Exit::Failed, message).hint(NOTHING_WRITTEN))
            }
            None if fed == 0 => {
                Err(Failure::new(Exit::Failed, "no documents were found").hint(NOTHING_WRITTEN))
            }
            _ => Ok(()),
        }
    }

    fn selection(&self, app: &App, config: &SeriesConfig) -> Result<Selection, Failure> {
        if let Some(names) = &self.components {
            let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
            let names: ComponentNames = names.map(str::to_owned).collect();
            let unknown: Vec<&str> = config.components_without_metrics(&names).collect();
            if !unknown.is_empty() {
                let unknown = unknown.join(", ");
                terminal::warn(&format!("components that show no metric: {unknown}"));
            }
            return Ok(Selection::Components(names));
        }
        if let Some(path) = &self.layout {
            return Ok(Selection::Components(components_of(path)?));
        }
        if self.optimize {
            return Ok(Selection::Components(app.layouts()?.components(LayoutOwner::Global)));
        }
        Ok(Selection::All)
    }

    fn refused(&self, found: &Found<'_>, failure: &DocumentFailure) -> Failure {
        let mut message = place(found);
        if !failure.id.is_empty() {
            message.push_str(&format!(", _id '{}'", failure.id));
        }
        for part in [&failure.field, &failure.reason] {
            if !part.is_empty() {
                message.push_str(": ");
                message.push_str(part);
            }
        }
        Failure::new(Exit::Failed, message).hint(NOTHING_WRITTEN)
    }

    fn input(&self) -> Input {
        if self.file == Path::new("-") {
            Input::Reader { name: "standard input".to_owned(), reader: Box::new(io::stdin()) }
        } else {
            Input::Path(self.file.clone())
        }
    }
}

const NOTHING_WRITTEN: &str = "no response is written when a document cannot be used";

fn place(found: &Found<'_>) -> String {
    format!("{}, line {}", found.file, found.line)
}

/// Which documents are meant: those of one community, kind and installation.
struct Chosen<'a> {
    category: Category,
    /// The community that was asked for; else the first one that was found.
    wanted: Option<&'a str>,
    community: Option<String>,
    /// The prefix of the index names that is set; else the first one that was found.
    wanted_prefix: Option<&'a str>,
    prefix: Option<String>,
    /// Those of documents that were left out.
    other_prefixes: BTreeSet<String>,
}

impl<'a> Chosen<'a> {
    fn new(series: &'a Series, prefix: &'a str) -> Self {
        Self {
            category: series.category,
            wanted: series.community_id.as_deref(),
            community: None,
            wanted_prefix: Some(prefix).filter(|prefix| !prefix.is_empty()),
            prefix: None,
            other_prefixes: BTreeSet::new(),
        }
    }

    /// Whether a document is one of them; an error if nobody said which ones are.
    fn takes(&mut self, found: &Found<'_>) -> Result<bool, Failure> {
        match found.form {
            // Whoever reads it as a document says what is wrong with it.
            Form::Broken => return Ok(true),
            Form::WithoutSource => {
                return Err(refuse(found, "a hit without its document (_source)"));
            }
            Form::Nothing => {
                return Err(refuse(found, "no document: neither community_id nor a day"));
            }
            Form::Document => {}
        }
        Ok(self.is_of_wanted_prefix(found)
            && self.is_of_kind(found)?
            && self.is_of_community(found)?
            && self.is_of_one_installation(found)?)
    }

    /// Whether a document is of the installation that is set; notes of which others there are.
    fn is_of_wanted_prefix(&mut self, found: &Found<'_>) -> bool {
        let (Some(Ok((_, prefix))), Some(wanted)) = (&found.index, self.wanted_prefix) else {
            return true;
        };
        if wanted != prefix && self.other_prefixes.len() < MOST_LISTED {
            self.other_prefixes.insert(prefix.clone());
        }
        wanted == prefix
    }

    fn is_of_kind(&self, found: &Found<'_>) -> Result<bool, Failure> {
        let other: &dyn fmt::Display = match &found.index {
            Some(Err(reason @ (Reason::OtherDateBasis | Reason::IndexNotUsed))) => reason,
            Some(Ok((kind, _))) if *kind != LineKind::Documents(self.category.kind()) => kind,
            // Whatever has no index name, or one that nobody knows, is taken at its word.
            _ => return Ok(true),
        };
        match self.wanted {
            Some(_) => Ok(false),
            None => Err(self.other_kind(found, other)),
        }
    }

    fn is_of_community(&mut self, found: &Found<'_>) -> Result<bool, Failure> {
        if let Some(wanted) = self.wanted {
            return match found.community.as_deref() {
                None => Err(refuse(found, "no community_id, so it may be of any")),
                Some(community) => Ok(community == wanted),
            };
        }
        let Some(community) = &found.community else { return Ok(true) };
        let first = self.community.get_or_insert_with(|| community.to_string());
        if first != community {
            let what = format!("of the community '{community}', after others of '{first}'");
            return Err(several(found, &what));
        }
        Ok(true)
    }

    /// Whether a document is of the installation of those before it; an error if it is not.
    fn is_of_one_installation(&mut self, found: &Found<'_>) -> Result<bool, Failure> {
        let Some(Ok((_, prefix))) = &found.index else { return Ok(true) };
        let first = self.prefix.get_or_insert_with(|| prefix.clone());
        if first != prefix {
            let what =
                format!("of an installation with the prefix '{prefix}', after others of '{first}'");
            return Err(Failure::new(Exit::Failed, format!("{}: {what}", place(found)))
                .hint("say which one is meant: source.index_prefix in the settings"));
        }
        Ok(true)
    }

    /// `what` it is instead.
    fn other_kind(&self, found: &Found<'_>, what: &dyn fmt::Display) -> Failure {
        let (category, needed) = (self.category.name(), self.category.kind());
        several(found, &format!("{what}, but {category} is made of {needed} documents"))
    }
}

/// What stands in the place of a document and is none.
fn refuse(found: &Found<'_>, what: &str) -> Failure {
    Failure::new(Exit::Failed, format!("{}: {what}", place(found))).hint(NOTHING_WRITTEN)
}

/// More was found than one response is made of.
fn several(found: &Found<'_>, what: &str) -> Failure {
    Failure::new(Exit::Failed, format!("{}: {what}", place(found))).hint(
        "a response is of one community and kind: --community-id ID takes its documents out of \
         all that are there",
    )
}

/// The components of a layout file: a layout, or an object with a `global_layout`.
fn components_of(path: &Path) -> Result<ComponentNames, Failure> {
    let failed = |error: &dyn fmt::Display| {
        Failure::new(Exit::Failed, format!("reading the layout {}: {error}", path.display()))
    };
    let text = bounded::read(path, SMALL).map_err(|error| failed(&error))?;
    let layout: Value = serde_json::from_slice(&text).map_err(|error| failed(&error))?;
    let layout = layout.get("global_layout").unwrap_or(&layout);
    ComponentNames::from_layout(layout).map_err(|error| failed(&chain(&error)))
}
