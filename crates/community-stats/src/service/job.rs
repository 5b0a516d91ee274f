//! The unit of work: one shelf, with the responses that are made of it and what came of each.

use stats_cache::ShelfMark;
use stats_documents::{Shelf, Unsettled};
use stats_series::{Category, DocumentKind, ResponseSpec, Selection};

use super::loss::{Former, Loss};
use super::members::Member;
use super::settled::Unsettled as NotSettled;

/// The cells that one reading of a shelf makes.
pub(super) struct ShelfJob<'a> {
    pub(super) member: &'a Member,
    pub(super) year: i16,
    pub(super) kind: DocumentKind,
    /// Each with what its response has to be held against.
    pub(super) categories: Vec<(Category, Former)>,
    /// Why nothing may be stored that is made from what can be read.
    pub(super) unsettled: Option<NotSettled>,
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
        self.categories
            .iter()
            .map(|(category, _)| ResponseSpec { category: *category, selection: selection() })
            .collect()
    }

    pub(super) fn report(&self, outcome: impl Fn() -> Outcome) -> ShelfReport {
        ShelfReport {
            community: self.member.id.to_string(),
            year: self.year,
            outcomes: self.categories.iter().map(|(category, _)| (*category, outcome())).collect(),
            documents: 0,
            bytes: 0,
        }
    }
}
