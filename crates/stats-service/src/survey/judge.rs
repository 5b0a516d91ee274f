//! The facts about each cell of a plan, put before the decision.

use jiff::Timestamp;
use stats_cache::{EntryState, ShelfMark, Trouble};
use stats_documents::SourceErrorKind;
use stats_model::{Category, DocumentKind, Position, Shelf};
use stats_series::GENERATOR_VERSION;

use crate::matrix::completeness::gap;
use crate::matrix::decide::{Facts, Wanted, decide};
use crate::matrix::loss::Loss;
use crate::matrix::verdict::{Refusal, Verdict};
use crate::service::CachedResponseService;
use crate::survey::plan::Plan;
use crate::survey::standing::mark;

/// Judges the cells of one plan.
pub(crate) struct Judge<'a> {
    service: &'a CachedResponseService,
    plan: &'a Plan,
    now: Timestamp,
    overwrite: bool,
    wanted: Wanted,
    kind: Option<DocumentKind>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(service: &'a CachedResponseService, plan: &'a Plan, overwrite: bool) -> Self {
        let wanted = Wanted {
            shelf: ShelfMark::default(),
            position: Position::default(),
            layout: String::new(),
            configuration: service.configuration.clone(),
            optimized: plan.optimize,
            generator: GENERATOR_VERSION,
        };
        let now = service.clock.now();
        Self { service, plan, now, overwrite, wanted, kind: None }
    }

    /// The verdict about one cell, under whose key there is `entry`.
    pub(crate) fn verdict(
        &mut self,
        (member, year, category): (usize, i16, Category),
        key: &str,
        entry: &EntryState,
    ) -> Verdict {
        self.prepare(member, year, category);
        let (plan, member) = (self.plan, &self.plan.members[member]);
        let bookmark = plan.standing.bookmark(category.kind(), &member.id);
        decide(&Facts {
            entry,
            wanted: &self.wanted,
            gap: gap(bookmark, year, self.now),
            import: plan.standing.import(&Shelf {
                kind: category.kind(),
                community: member.id.to_string(),
                year,
            }),
            current_year: year == plan.current_year,
            marked: plan.is_marked_year(&member.id, year),
            overwrite: self.overwrite,
            refusal: if member.deleted {
                Some(Refusal::Deleted)
            } else {
                plan.standing.missing(category.kind()).map(|error| match error.kind() {
                    SourceErrorKind::NotFound => Refusal::NoIndex,
                    _ => Refusal::Unreadable,
                })
            },
            foreign: self.service.settings.foreign,
            known_loss: self.known_loss(key, entry),
            accept_loss: plan.accept_loss,
        })
    }

    /// What the cell would be made from; only shelf and layout change from cell to cell.
    fn prepare(&mut self, member: usize, year: i16, category: Category) {
        let (kind, member) = (category.kind(), &self.plan.members[member]);
        let shelf = Shelf { kind, community: member.id.to_string(), year };
        self.wanted.shelf = mark(self.plan.standing.fingerprint(&shelf));
        if self.kind != Some(kind) {
            self.kind = Some(kind);
            self.wanted.position = self.plan.standing.position(kind);
        }
        self.wanted.layout.clear();
        if self.plan.optimize {
            self.wanted.layout.push_str(&member.layout.hash);
        }
    }

    /// The loss that an earlier run found when it read the shelf, while shelf and entry are the same.
    fn known_loss(&self, key: &str, entry: &EntryState) -> Option<Loss> {
        let note = self.plan.memory.notes.get(key)?;
        let Trouble::Held { shelf, then, now, length } = &note.trouble else { return None };
        let same = *shelf == self.wanted.shelf && entry.description()?.plain_length == *length;
        same.then_some(Loss { then: *then, now: *now })
    }
}
