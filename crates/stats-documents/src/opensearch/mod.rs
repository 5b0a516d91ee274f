//! Documents of a live search cluster, OpenSearch 2 or 3.
//!
//! Every question of a [`source`](crate::source) is one request, or a few, as the design of the
//! change feed has them (its section 1). Nothing is believed before it is whole: each answer must
//! come from all shards, in time; each shelf must hold what the index says it holds.
//!
//! An engine that cannot sum up sequence numbers is an error that says so (`numbers`).
//!
//! A kind whose alias and year indices are all missing is an error
//! ([`Amiss::NotFound`]), since an empty answer would be taken for the truth. The small
//! indices beside them may be missing: no bookmarks, no events, no records.
//!
//! Everything is asked of primary shards. The source system makes indices of one shard; those of
//! several are read as well, but the number of a removed document may appear again in another
//! shard (see the contract in [`source`](crate::source)), and a fingerprint cannot tell.

mod answer;
mod body;
mod breaker;
mod client;
mod doubled;
mod entries;
pub mod examine;
mod failure;
mod fingerprints;
mod hits;
mod host;
mod json;
mod lanes;
pub mod names;
mod numbers;
mod pit;
mod position;
mod primaries;
mod search;
mod settings;
mod shelf;
mod sizes;
mod targets;
mod time;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::ControlFlow;
use std::sync::Arc;

use stats_model::{
    Bookmark, Clock, Community, Day, DocumentKind, Fingerprint, ManifestEntry, Position, Shelf,
};

use self::client::{Call, Client};
use self::failure::Failure;
pub use self::settings::{Authentication, Compression, OpenSearchSettings, SearchNode};
use self::shelf::Reading;
use self::sizes::Sizes;
use self::targets::{Target, Targets};
use self::time::Time;
use crate::{
    Amiss, Changes, Directory, Documents, Feed, Pulse, ShelfFilter, SourceError, SourceErrorKind,
    Visit,
};

/// A cluster as a source of documents.
///
/// Must not be created, used or dropped inside an asynchronous runtime: its methods block. A visit
/// must not ask the source that it is called from, since it holds one of the
/// [requests in flight](OpenSearchSettings::requests_in_flight).
#[derive(Debug)]
pub struct OpenSearch {
    client: Client,
    prefix: String,
    page_bytes: usize,
    targets: Targets,
    sizes: Sizes,
}

impl OpenSearch {
    /// A source for the cluster that `settings` describe. Sends nothing yet.
    ///
    /// # Errors
    /// [`SourceErrorKind::Refused`] when a URL, a certificate or the login cannot be used.
    pub fn new(settings: OpenSearchSettings) -> Result<Self, SourceError> {
        let (prefix, page_bytes) = (settings.prefix.clone(), settings.page_bytes);
        Ok(Self {
            client: Client::new(settings)?,
            prefix,
            page_bytes,
            targets: Targets::default(),
            sizes: Sizes::default(),
        })
    }

    /// Waits by `clock`, and bounds questions by it; otherwise by the system's. One request and its
    /// answer are bounded by the system's in any case.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.client.time = Time(clock);
        self
    }

    fn name(&self, alias: &str) -> String {
        format!("{}{alias}", self.prefix)
    }

    /// Answers a question about the indices of a kind, which must be there.
    fn about<T>(
        &self,
        kind: DocumentKind,
        doing: impl Display,
        question: impl Fn(&Call, &Target) -> Result<T, Failure>,
    ) -> Result<T, SourceError> {
        self.behind(kind.alias(), "community_id", doing, question)?
            .ok_or_else(|| missing(&self.name(kind.alias())))
    }

    /// Answers a question about the indices behind `alias`; `None` if there are none. Where they
    /// are no longer what they were, looks for them again, once.
    fn behind<T>(
        &self,
        alias: &str,
        field: &str,
        doing: impl Display,
        question: impl Fn(&Call, &Target) -> Result<T, Failure>,
    ) -> Result<Option<T>, SourceError> {
        let call = self.client.call();
        let alias = self.name(alias);
        let ask = || -> Result<Option<T>, Failure> {
            let target = self.targets.find(&self.client, &call, &alias, field)?;
            target.map(|target| question(&call, &target)).transpose()
        };
        let answer = match ask() {
            Err(failure) if failure.is_missing() => {
                self.targets.forget(&alias);
                ask()
            }
            answer => answer,
        };
        answer.map_err(|failure| failure.while_(format!("asking the search indices for {doing}")))
    }

    /// The position of a kind, without looking at its mappings first.
    fn position_now(&self, call: &Call, kind: DocumentKind) -> Result<Option<Position>, Failure> {
        let alias = self.name(kind.alias());
        let position = |name: &str| {
            position::position(&self.client, call, name)
                .map_err(|failure| numbers::explained(&self.client, call, name, failure))
        };
        match position(&alias) {
            // An index that has the alias's own name is not looked at.
            Ok(position) if !position::indices(&position).contains(alias.as_str()) => {
                return Ok(Some(position));
            }
            Err(failure) if !failure.is_missing() => return Err(failure),
            Ok(_) | Err(_) => self.targets.forget(&alias),
        }
        let indices = targets::year_indices(&self.client, call, &alias)?;
        if indices.is_empty() {
            return Ok(None);
        }
        position(&indices.join(",")).map(Some)
    }

    /// The pulse, in one question; where the right to see statistics is missing, in one for each kind
    /// and a few.
    fn pulse_now(&self) -> Result<Pulse, Failure> {
        let call = self.client.call();
        let mut names: Vec<String> = SURROUNDINGS.iter().map(|alias| self.name(alias)).collect();
        for kind in DocumentKind::ALL {
            let alias = self.name(kind.alias());
            // Year indices stand in for an alias that is missing.
            names.extend([format!("{alias}-*"), alias]);
        }
        if let Some(marks) = position::pulse(&self.client, &call, &names)? {
            let of_directory = [self.name(names::COMMUNITIES), self.name(names::EVENTS)];
            let is_of = |index: &str| of_directory.iter().any(|name| index.starts_with(name));
            let (directory, Position(others)) = position::parted(marks, is_of);
            let of_bookmarks = self.name(names::BOOKMARKS);
            let is_of = |index: &str| index.starts_with(&of_bookmarks);
            let (bookmarks, documents) = position::parted(others, is_of);
            return Ok(Pulse { documents, bookmarks, directory });
        }
        let mut pulse = Pulse::default();
        for kind in DocumentKind::ALL {
            let position = self.position_now(&call, kind)?.unwrap_or_default();
            pulse.documents.0.extend(position.0);
        }
        for alias in SURROUNDINGS {
            let position = match position::position(&self.client, &call, &self.name(alias)) {
                Err(failure) if failure.is_missing() => Position::default(),
                position => position?,
            };
            let part =
                if alias == names::BOOKMARKS { &mut pulse.bookmarks } else { &mut pulse.directory };
            part.0.extend(position.0);
        }
        Ok(pulse)
    }

    /// Reads a shelf.
    fn read(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        whole: bool,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        let what = if whole { "documents" } else { "manifest" };
        let doing = || format!("asking the search indices for the {what} of {shelf}");
        let call = &self.client.call();
        let alias = self.name(shelf.kind.alias());
        let target = self
            .targets
            .find(&self.client, call, &alias, "community_id")
            .map_err(|failure| failure.while_(doing()))?
            .ok_or_else(|| missing(&alias))?;
        let reading = Reading {
            client: &self.client,
            sizes: &self.sizes,
            page_bytes: self.page_bytes,
            call,
            target: &target,
            shelf,
            only,
            whole,
        };
        reading.run(visit).map_err(|failure| {
            if failure.is_missing() {
                self.targets.forget(&alias);
            }
            numbers::explained(&self.client, call, &target.name, failure).while_(doing())
        })
    }
}

/// The small indices beside the documents.
const SURROUNDINGS: [&str; 3] = [names::BOOKMARKS, names::COMMUNITIES, names::EVENTS];

fn missing(alias: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Own(Amiss::NotFound),
        format!(
            "the cluster has neither an alias '{alias}' nor an index '{alias}-YYYY': check the \
             index prefix, and whether the statistics were ever aggregated"
        ),
    )
}

impl Documents for OpenSearch {
    fn position(&self, kind: DocumentKind) -> Result<Position, SourceError> {
        let call = self.client.call();
        self.position_now(&call, kind)
            .map_err(|failure| {
                failure.while_(format!("asking the search indices how far {kind} has moved"))
            })?
            .ok_or_else(|| missing(&self.name(kind.alias())))
    }

    fn count(&self, kind: DocumentKind) -> Result<u64, SourceError> {
        self.about(kind, format_args!("the number of documents of {kind}"), |call, target| {
            fingerprints::count(&self.client, call, target, kind)
        })
    }

    fn fingerprints(
        &self,
        kind: DocumentKind,
        filter: &ShelfFilter,
    ) -> Result<BTreeMap<Shelf, Fingerprint>, SourceError> {
        self.about(kind, format_args!("the fingerprints of {kind}"), |call, target| {
            fingerprints::fingerprints(&self.client, call, target, kind, filter)
                .map_err(|failure| numbers::explained(&self.client, call, &target.name, failure))
        })
    }

    fn manifest(&self, shelf: &Shelf) -> Result<Vec<ManifestEntry>, SourceError> {
        let mut entries = Vec::new();
        self.read(shelf, None, false, &mut |document| {
            let (day, id) = (document.day, document.id.to_owned());
            entries.push(ManifestEntry { day, id, sequence: document.sequence });
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    fn documents(
        &self,
        shelf: &Shelf,
        only: Option<&[String]>,
        visit: &mut Visit<'_>,
    ) -> Result<(), SourceError> {
        self.read(shelf, only, true, visit)
    }

    fn bookmarks(
        &self,
        kind: DocumentKind,
        communities: &[String],
    ) -> Result<BTreeMap<String, Bookmark>, SourceError> {
        let doing = format_args!("the bookmarks of {kind}");
        let found = self.behind(names::BOOKMARKS, "community_id", doing, |call, target| {
            entries::bookmarks(&self.client, call, target, kind, communities)
        });
        found.map(Option::unwrap_or_default)
    }
}

impl Feed for OpenSearch {
    fn changed_since(&self, kind: DocumentKind, since: &Position) -> Result<Changes, SourceError> {
        let now = self.position(kind)?;
        self.about(kind, format_args!("changes of {kind}"), |call, target| {
            position::changes(&self.client, call, target, since, &now)
        })
    }

    fn pulse(&self) -> Result<Pulse, SourceError> {
        self.pulse_now()
            .map_err(|failure| failure.while_("asking the search indices whether anything moved"))
    }
}

impl Directory for OpenSearch {
    fn communities(&self) -> Result<Vec<Community>, SourceError> {
        let found = self.behind(names::COMMUNITIES, "id", "the communities", |call, target| {
            entries::communities(&self.client, call, target)
        })?;
        found.ok_or_else(|| no_communities(&self.name(names::COMMUNITIES)))
    }

    fn first_events(&self, communities: &[String]) -> Result<BTreeMap<String, Day>, SourceError> {
        let doing = "the first community events";
        let found = self.behind(names::EVENTS, "community_id", doing, |call, target| {
            entries::first_events(&self.client, call, target, communities)
        });
        found.map(Option::unwrap_or_default)
    }

    fn first_record(&self) -> Result<Option<Day>, SourceError> {
        let call = self.client.call();
        entries::first_record(&self.client, &call, &self.name(names::RECORDS))
            .map_err(|failure| failure.while_("asking the search indices for the first record"))
    }
}

fn no_communities(alias: &str) -> SourceError {
    let doing = format!("the cluster has no alias '{alias}': check the index prefix");
    SourceError::new(SourceErrorKind::Own(Amiss::NotFound), doing)
}
