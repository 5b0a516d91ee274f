//! What has to be done now, found out with as few questions as possible.
//!
//! A look at the pulse of the source is one question. When it is another one, what the source holds is
//! compared with what it held, and only the communities that differ are surveyed. Everything is
//! compared at the start, when a day begins, and after each [beat](KeepRules::beat), so that nothing
//! that went unnoticed stays so for longer: entries that were evicted or overwritten, say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use stats_documents::Pulse;
use stats_model::DocumentKind;
use stats_model::calendar::day_of;

use crate::error::ServiceError;
use crate::keep::board::{Board, Square};
use crate::keep::directory::RememberedDirectory;
use crate::keep::known::Known;
use crate::keep::occasion::Occasion;
use crate::keep::overview::{Ends, rows};
use crate::matrix::verdict::{Action, Keep, Refusal};
use crate::report::Summary;
use crate::run::pool::Run;
use crate::service::CachedResponseService;
use crate::survey::members::Member;
use crate::survey::names::{Communities, CommunityName};
use crate::survey::plan::Plan;
use crate::survey::request::Request;
use crate::survey::standing::Standing;

/// So many communities are named in a question; for more, all are asked for.
const MOST_NAMED: usize = 500;

/// How the matrix is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepRules {
    /// After so long everything is compared, whatever the pulse says.
    pub beat: SignedDuration,
    /// Communities are not asked for more often than this because they moved.
    pub directory: SignedDuration,
    /// So long before its end an entry that is as it should be is given a longer life.
    pub ahead: SignedDuration,
}

impl Default for KeepRules {
    /// Ten minutes, one minute, two days.
    fn default() -> Self {
        Self {
            beat: SignedDuration::from_mins(10),
            directory: SignedDuration::from_mins(1),
            ahead: SignedDuration::from_hours(48),
        }
    }
}

/// What has to be made, and why that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    /// What made the keeper look.
    pub occasion: Occasion,
    /// How many cells have to be made.
    pub cells: u64,
    /// Their communities; `None`: so many that all are asked for.
    communities: Option<BTreeSet<String>>,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// Nothing happened.
    Quiet,
    /// Something did, and nothing follows from it.
    Nothing(Occasion),
    /// Something has to be made.
    Work(Work),
}

/// Keeps the matrix true.
pub struct Keeper {
    service: Arc<CachedResponseService>,
    directory: Arc<RememberedDirectory>,
    rules: KeepRules,
    board: Board,
    members: BTreeMap<String, Member>,
    known: Option<Known>,
    /// Whether communities moved since they were asked for.
    directory_moved: bool,
    /// Communities that have to be looked at, since something changed or was not made.
    again: BTreeSet<String>,
    /// When something has to be looked at though nothing moves.
    first_due: Option<Timestamp>,
    warnings: Vec<String>,
}

/// What is looked at.
enum Scope {
    All,
    Communities(BTreeSet<String>),
}

impl Keeper {
    /// A keeper that knows nothing yet. The communities of `service` come from `directory`.
    #[must_use]
    pub fn new(
        service: Arc<CachedResponseService>,
        directory: Arc<RememberedDirectory>,
        rules: KeepRules,
    ) -> Self {
        Self {
            service,
            directory,
            rules,
            board: Board::default(),
            members: BTreeMap::new(),
            known: None,
            directory_moved: false,
            again: BTreeSet::new(),
            first_due: None,
            warnings: Vec::new(),
        }
    }

    /// The matrix as it was seen last.
    #[must_use]
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// What somebody should know beside the cells, from the last look at everything; each once.
    pub fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// Finds out whether anything has to be done. While nothing happens that is one question to the
    /// source, and nothing is written. With `asked`, everything is compared.
    ///
    /// # Errors
    /// When source or store cannot answer: then nothing was learnt, and the next look begins there.
    pub fn look(&mut self, asked: bool) -> Result<Look, ServiceError> {
        // What was learnt before something failed may not have been followed up.
        self.try_look(asked).inspect_err(|_| self.known = None)
    }

    fn try_look(&mut self, asked: bool) -> Result<Look, ServiceError> {
        let now = self.service.clock.now();
        let pulse = self.service.documents.pulse()?;
        let Some(occasion) = self.occasion(&pulse, asked, now) else { return Ok(Look::Quiet) };
        let scope = match occasion {
            Occasion::Moved | Occasion::Due => self.scope(&pulse, now)?,
            Occasion::Start | Occasion::Asked | Occasion::Day | Occasion::Beat => {
                self.compare_all(pulse, now)?;
                Scope::All
            }
        };
        self.survey(&scope, now)?;
        let (cells, communities) = self.settle(&scope);
        if cells == 0 {
            return Ok(Look::Nothing(occasion));
        }
        let communities = (communities.len() <= MOST_NAMED).then_some(communities);
        Ok(Look::Work(Work { occasion, cells, communities }))
    }

    /// Who holds the lock of bulk runs, for people; `None`: nobody, as far as can be told.
    ///
    /// # Errors
    /// When whoever keeps the lock cannot answer.
    pub fn locked_by(&self) -> Result<Option<String>, ServiceError> {
        self.service.locked_by()
    }

    /// Makes what has to be made, and sees what came of it.
    ///
    /// # Errors
    /// As [`create`](CachedResponseService::create). What was to be made is still to be made then.
    pub fn make(&mut self, work: &Work, run: &mut Run<'_>) -> Result<Summary, ServiceError> {
        let summary = self.service.create(&work.request(), run)?;
        let scope = work.communities.clone().map_or(Scope::All, Scope::Communities);
        self.survey(&scope, self.service.clock.now())?;
        self.settle(&scope);
        Ok(summary)
    }

    /// What has to be made of what was surveyed; that alone has to be looked at again.
    fn settle(&mut self, scope: &Scope) -> (u64, BTreeSet<String>) {
        let (cells, communities) = self.having(scope, &is_to_make);
        match scope {
            Scope::All => self.again.clear(),
            Scope::Communities(seen) => self.again.retain(|community| !seen.contains(community)),
        }
        self.again.extend(communities.iter().cloned());
        // A source that did not answer may do so at any time, without a word.
        self.again.extend(self.having(scope, &is_unreadable).1);
        (cells, communities)
    }

    fn occasion(&mut self, pulse: &Pulse, asked: bool, now: Timestamp) -> Option<Occasion> {
        let Some(known) = &self.known else { return Some(Occasion::Start) };
        self.directory_moved |= known.pulse.directory != pulse.directory;
        let directory_is_due =
            self.directory_moved && now.duration_since(known.directory) >= self.rules.directory;
        if asked {
            Some(Occasion::Asked)
        } else if day_of(now) != day_of(known.compared) {
            Some(Occasion::Day)
        } else if now.duration_since(known.compared) >= self.rules.beat || now < known.compared {
            Some(Occasion::Beat)
        } else if known.has_moved(pulse, now) || directory_is_due {
            Some(Occasion::Moved)
        } else if !self.again.is_empty() || self.first_due.is_some_and(|due| due <= now) {
            Some(Occasion::Due)
        } else {
            None
        }
    }

    /// How long before its end an entry is given a longer life: a short one is half over first.
    fn ahead(&self) -> SignedDuration {
        let lifetime = self.service.settings.lifetime;
        lifetime.map_or(SignedDuration::ZERO, |lifetime| self.rules.ahead.min(lifetime / 2))
    }

    /// The communities of which something is due though nothing moved.
    fn due(&self, now: Timestamp) -> BTreeSet<String> {
        let mut due = self.again.clone();
        due.extend(self.board.due_by(now, self.ahead()));
        due
    }

    /// What is looked at because something moved, or is due.
    fn scope(&mut self, pulse: &Pulse, now: Timestamp) -> Result<Scope, ServiceError> {
        // Whatever is found stays found until it was surveyed, also when a question fails meanwhile.
        self.again.extend(self.due(now));
        let Some(known) = &mut self.known else { return Ok(Scope::All) };
        if known.has_moved(pulse, now) {
            known.moved = (!pulse.has_same_shelves(&known.pulse)).then_some(now);
            let standing = self.service.standing_of_all()?;
            let Some(changed) = standing.changed_since(&known.standing) else {
                known.standing = standing;
                known.pulse = pulse.clone();
                return Ok(Scope::All);
            };
            self.again.extend(changed);
            known.standing = standing;
        }
        if self.directory_moved && now.duration_since(known.directory) >= self.rules.directory {
            self.directory.forget();
            let members = by_id(self.service.all_members(&known.standing)?);
            self.again.extend(changed_members(&self.members, &members));
            let gone = |id: &&String| !members.contains_key(*id);
            let gone: BTreeSet<String> = self.members.keys().filter(gone).cloned().collect();
            self.board.drop(&gone);
            self.members = members;
            known.directory = now;
            self.directory_moved = false;
        }
        known.pulse = pulse.clone();
        // Documents of communities that do not take part are nobody's business.
        self.again.retain(|community| self.members.contains_key(community));
        let many = self.again.len() > MOST_NAMED;
        Ok(if many { Scope::All } else { Scope::Communities(self.again.clone()) })
    }

    fn compare_all(&mut self, pulse: Pulse, now: Timestamp) -> Result<(), ServiceError> {
        let before = self.known.take();
        let moved = before.is_none_or(|known| !pulse.has_same_shelves(&known.pulse));
        self.directory.forget();
        let standing = self.service.standing_of_all()?;
        self.members = by_id(self.service.all_members(&standing)?);
        self.directory_moved = false;
        let moved = moved.then_some(now);
        self.known = Some(Known { pulse, standing, compared: now, directory: now, moved });
        Ok(())
    }

    /// Sees what stands of some communities, and gives what is as it should be a longer life before it
    /// ends.
    fn survey(&mut self, scope: &Scope, now: Timestamp) -> Result<(), ServiceError> {
        let communities = match scope {
            Scope::All => Communities::All,
            Scope::Communities(some) if some.is_empty() => return Ok(()),
            Scope::Communities(some) => named(some),
        };
        let request = Request { communities, patient: true, ..Request::default() };
        let surveyed = self.service.survey_with_ends(&request);
        let (mut plan, mut ends) = surveyed?;
        self.prolong(&plan, &mut ends, now)?;
        let rows = rows(&self.service, &plan, &ends, Some(now));
        self.board.take(rows, matches!(scope, Scope::All));
        self.first_due = self.board.first_due(self.ahead());
        if let Scope::All = scope {
            self.warnings = std::mem::take(&mut plan.warnings);
            self.warnings.extend(self.service.settle_registry(&plan));
        }
        Ok(())
    }

    fn prolong(
        &mut self,
        plan: &Plan,
        ends: &mut Ends,
        now: Timestamp,
    ) -> Result<(), ServiceError> {
        let Some(end) = self.service.end_of_life(now) else { return Ok(()) };
        for cell in &plan.cells {
            let Some(expires) = ends.get_mut(&(cell.member, cell.year, cell.category)) else {
                continue;
            };
            // What is held lives on, too.
            let lives_on =
                matches!(cell.verdict.action, Action::Keep(Keep::Unchanged) | Action::Hold(_));
            if lives_on && expires.duration_since(now) <= self.ahead() {
                let key = self.service.key_of(&plan.place(cell));
                if self.service.store.prolong(&key, Some(end))? {
                    *expires = end;
                }
            }
        }
        Ok(())
    }

    /// How many cells are such, and of which communities.
    fn having(&self, scope: &Scope, such: &dyn Fn(&Square) -> bool) -> (u64, BTreeSet<String>) {
        let mut communities = BTreeSet::new();
        let mut cells = 0;
        for (community, row) in self.board.rows() {
            if let Scope::Communities(some) = scope
                && !some.contains(community)
            {
                continue;
            }
            let count = row.squares.iter().filter(|square| such(square)).count() as u64;
            if count > 0 {
                cells += count;
                communities.insert(community.to_owned());
            }
        }
        (cells, communities)
    }
}

impl Work {
    /// What has to be asked for.
    #[must_use]
    pub fn request(&self) -> Request {
        let communities = self.communities.as_ref().map_or(Communities::All, named);
        Request { communities, patient: true, ..Request::default() }
    }
}

impl CachedResponseService {
    /// What the source holds of everything.
    fn standing_of_all(&self) -> Result<Standing, ServiceError> {
        let kinds: BTreeSet<DocumentKind> =
            self.settings.categories.iter().map(|category| category.kind()).collect();
        Standing::read(self.documents.as_ref(), &kinds, &[], self.settings.accept_loss)
    }
}

fn is_to_make(square: &Square) -> bool {
    matches!(square.verdict.action, Action::Make(_))
}

fn is_unreadable(square: &Square) -> bool {
    square.verdict.action == Action::Refuse(Refusal::Unreadable)
}

fn named(communities: &BTreeSet<String>) -> Communities {
    Communities::Named(communities.iter().cloned().map(CommunityName::Any).collect())
}

fn by_id(members: Vec<Member>) -> BTreeMap<String, Member> {
    members.into_iter().map(|member| (member.id.to_string(), member)).collect()
}

/// The members that are new, or others than they were.
fn changed_members<'a>(
    before: &'a BTreeMap<String, Member>,
    now: &'a BTreeMap<String, Member>,
) -> impl Iterator<Item = String> + 'a {
    let same = |one: &Member, two: &Member| {
        let marks = |member: &Member| (member.deleted, member.takes_part, member.first_year);
        marks(one) == marks(two) && one.slug == two.slug && one.layout.hash == two.layout.hash
    };
    let changed = move |(id, member): &(&String, &Member)| {
        before.get(*id).is_none_or(|known| !same(known, member))
    };
    now.iter().filter(changed).map(|(id, _)| id.clone())
}
