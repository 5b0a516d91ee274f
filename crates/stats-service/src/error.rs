//! What can go wrong with a whole request; what goes wrong with one response is kept beside it.

use stats_cache::{CacheError, InvalidData};
use stats_documents::SourceError;
use stats_series::SeriesError;

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No community has this slug.
    #[error("Community with slug '{slug}' not found")]
    UnknownSlug {
        /// As given.
        slug: String,
        /// Slugs that look like it, best first.
        similar: Vec<String>,
    },
    /// Neither a community nor a document has this id.
    #[error("no community has the id '{id}', and no document names it")]
    UnknownCommunity {
        /// As given.
        id: String,
        /// Ids that look like it, best first.
        similar: Vec<String>,
    },
    /// The body given to `update` is not JSON.
    #[error(transparent)]
    InvalidData(#[from] InvalidData),
    /// The source cannot answer.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store cannot answer.
    #[error(transparent)]
    Store(#[from] CacheError),
    /// A combination of categories and configuration that cannot be made.
    #[error("preparing the responses")]
    Series(#[from] SeriesError),
    /// Another bulk run holds the lock.
    #[error("Another cache generation task is already running{}", in_parentheses(.0.as_deref()))]
    Locked(
        /// Who holds it, when that is known.
        Option<String>,
    ),
    /// What was asked for belongs to a run that holds the lock no more.
    #[error("the run that this is for is over, or has lost the lock of bulk runs")]
    RunOver,
    /// What was asked for has to be made by somebody with other settings, or from another source.
    #[error("here other responses would be made than the run wants: {0}")]
    OtherHands(
        /// What differs.
        &'static str,
    ),
    /// Nobody is there to make anything.
    #[error("no worker is alive, and a scheduler alone makes nothing itself")]
    NoHands,
    /// The run failed, and then the lock could not be given back either.
    #[error("{error}")]
    NotReleased {
        /// Why the run failed.
        #[source]
        error: Box<ServiceError>,
        /// Why the lock was not given back.
        release: CacheError,
    },
    /// The caller asked to stop.
    #[error("interrupted")]
    Interrupted,
}

fn in_parentheses(text: Option<&str>) -> String {
    text.map(|text| format!(" ({text})")).unwrap_or_default()
}

/// The names among `known` that look most like `given`, best first, at most three.
pub fn similar<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&given.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    scored.dedup_by(|left, right| left.1 == right.1);
    scored.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}
