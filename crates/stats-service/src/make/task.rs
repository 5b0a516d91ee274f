//! The unit of work: one shelf, with the responses that are made of it and what came of each.

use stats_cache::{Seen, ShelfMark};
use stats_documents::Unsettled;
use stats_model::{Category, DocumentKind, Shelf};
use stats_series::{ResponseSpec, Selection};

use crate::make::settled::Unsettled as NotSettled;
use crate::matrix::loss::{Former, Loss};
use crate::survey::members::Member;

/// The cells that one reading of a shelf makes.
pub(crate) struct ShelfJob<'a> {
    pub(crate) member: &'a Member,
    pub(crate) year: i16,
    pub(crate) kind: DocumentKind,
    pub(crate) responses: Vec<Response>,
    /// Why nothing may be stored that is made from what can be read.
    pub(crate) unsettled: Option<NotSettled>,
}

/// One response that a reading makes.
#[derive(Clone, Copy)]
pub(crate) struct Response {
    pub(crate) category: Category,
    /// What it has to be held against.
    pub(crate) former: Former,
    /// What it may take the place of.
    pub(crate) seen: Seen,
}

pub(crate) struct ShelfReport {
    pub(crate) community: String,
    pub(crate) year: i16,
    pub(crate) outcomes: Vec<(Category, Outcome)>,
    pub(crate) documents: u64,
    pub(crate) bytes: u64,
}

pub(crate) enum Outcome {
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
pub(crate) enum Over {
    /// Nothing, or one of ours.
    Ours,
    /// Another one of somebody else.
    Theirs,
    /// The same one of somebody else: it became ours.
    Same,
}

impl ShelfJob<'_> {
    pub(crate) fn shelf(&self) -> Shelf {
        Shelf { kind: self.kind, community: self.member.id.to_string(), year: self.year }
    }

    pub(crate) fn specs(&self, optimize: bool) -> Vec<ResponseSpec> {
        let selection = || if optimize { self.member.layout.selection() } else { Selection::All };
        self.responses
            .iter()
            .map(|it| ResponseSpec { category: it.category, selection: selection() })
            .collect()
    }

    pub(crate) fn report(&self, outcome: impl Fn() -> Outcome) -> ShelfReport {
        ShelfReport {
            community: self.member.id.to_string(),
            year: self.year,
            outcomes: self.responses.iter().map(|it| (it.category, outcome())).collect(),
            documents: 0,
            bytes: 0,
        }
    }
}
