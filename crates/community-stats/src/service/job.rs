//! The unit of work: one shelf, with the responses that are made of it and what came of each.

use stats_cache::{Seen, ShelfMark};
use stats_documents::Unsettled;
use stats_model::{Category, DocumentKind, Shelf};
use stats_series::{ResponseSpec, Selection};

use super::loss::{Former, Loss};
use super::members::Member;
use super::settled::Unsettled as NotSettled;

/// The cells that one reading of a shelf makes.
pub(super) struct ShelfJob<'a> {
    pub(super) member: &'a Member,
    pub(super) year: i16,
    pub(super) kind: DocumentKind,
    pub(super) responses: Vec<Response>,
    /// Why nothing may be stored that is made from what can be read.
    pub(super) unsettled: Option<NotSettled>,
}

/// One response that a reading makes.
#[derive(Clone, Copy)]
pub(super) struct Response {
    pub(super) category: Category,
    /// What it has to be held against.
    pub(super) former: Former,
    /// What it may take the place of.
    pub(super) seen: Seen,
}

pub(super) struct ShelfReport {
    pub(super) community: String,
    pub(super) year: i16,
    pub(super) outcomes: Vec<(Category, Outcome)>,
    pub(super) documents: u64,
    pub(super) bytes: u64,
}

pub(super) enum Outcome {
    Stored {
        key: String,
        plain_length: u64,
        over: Over,
    },
    Held {
        loss: Loss,
        shelf: ShelfMark,
        length: u64,
    },
    Incomplete(String),
    /// Something else was stored there since the plan was made.
    Changed,
    /// An import changes the documents.
    Imported(Unsettled),
    Failed(String),
    Abandoned,
}

/// What a response took the place of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing, or one of ours.
    Ours,
    /// Another one of somebody else.
    Theirs,
    /// The same one of somebody else: it became ours.
    Same,
}

impl ShelfJob<'_> {
    pub(super) fn shelf(&self) -> Shelf {
        Shelf { kind: self.kind, community: self.member.id.to_string(), year: self.year }
    }

    pub(super) fn specs(&self, optimize: bool) -> Vec<ResponseSpec> {
        let selection = || if optimize { self.member.layout.selection() } else { Selection::All };
        self.responses
            .iter()
            .map(|it| ResponseSpec { category: it.category, selection: selection() })
            .collect()
    }

    pub(super) fn report(&self, outcome: impl Fn() -> Outcome) -> ShelfReport {
        ShelfReport {
            community: self.member.id.to_string(),
            year: self.year,
            outcomes: self.responses.iter().map(|it| (it.category, outcome())).collect(),
            documents: 0,
            bytes: 0,
        }
    }
}
