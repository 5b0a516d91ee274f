//! The facts about each cell of a plan, put before the decision.

use jiff::{SignedDuration, Timestamp};
use stats_cache::{EntryState, ShelfMark, Trouble};
use stats_documents::{Amiss, SourceErrorKind};
use stats_model::{Category, Cell, DocumentKind, Position, Shelf};
use stats_series::GENERATOR_VERSION;

use crate::matrix::completeness::gap;
use crate::matrix::decide::{Facts, Wanted, decide};
use crate::matrix::loss::Loss;
use crate::matrix::verdict::{Pause, Refusal, Verdict};
use crate::service::CachedResponseService;
use crate::survey::plan::Plan;
use crate::survey::request::Request;
use crate::survey::standing::mark;

/// No pause between two attempts is longer.
pub(crate) fn longest_pause() -> SignedDuration {
    SignedDuration::from_hours(1)
}

/// Judges the cells of one plan.
pub(crate) struct Judge<'a> {
    service: &'a CachedResponseService,
    plan: &'a Plan,
    now: Timestamp,
    overwrite: bool,
    patient: bool,
    wanted: Wanted,
    kind: Option<DocumentKind>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(
        service: &'a CachedResponseService,
        plan: &'a Plan,
        request: &Request,
    ) -> Self {
        let wanted = Wanted {
            shelf: ShelfMark::default(),
            position: Position::default(),
            layout: String::new(),
            configuration: service.configuration.clone(),
            optimized: plan.optimize,
            generator: GENERATOR_VERSION,
        };
        let now = service.clock.now();
        let Request { overwrite, patient, .. } = *request;
        Self { service, plan, now, overwrite, patient, wanted, kind: None }
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
                    SourceErrorKind::Own(Amiss::NotFound) => Refusal::NoIndex,
                    _ => Refusal::Unreadable,
                })
            },
            foreign: self.service.settings.foreign,
            known_loss: self.known_loss(key, entry),
            pause: self.pause(key),
            accept_loss: plan.accept_loss,
        })
    }

    /// What a cell of the plan would be made from, in a few characters; `None` when the plan has no
    /// such community.
    pub(crate) fn made_from(mut self, cell: &Cell) -> Option<String> {
        let member = self.plan.members.iter().position(|it| *it.id == *cell.community)?;
        self.prepare(member, cell.year, cell.category);
        Some(self.wanted.text())
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

    /// How long what could not be made is left alone.
    fn pause(&self, key: &str) -> Option<Pause> {
        let note = self.plan.memory.notes.get(key).filter(|_| self.patient)?;
        let same = note.made_from.as_ref() == Some(&self.wanted.text());
        if !same || !matches!(note.trouble, Trouble::Failed { .. }) {
            return None;
        }
        let attempts = note.attempts;
        match note.next {
            _ if attempts >= self.service.settings.attempts => {
                Some(Pause { attempts, until: None })
            }
            // A clock that ran ahead keeps nobody waiting.
            until @ Some(next)
                if next > self.now && next.duration_since(self.now) <= longest_pause() =>
            {
                Some(Pause { attempts, until })
            }
            _ => None,
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
