//! The plan of a request: every cell it is about, with what stands there and what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::thread;

use stats_cache::{EntryState, ShelfMark, UpdateMark, UpdateMarks, response_key};
use stats_documents::{
    Bookmark, DocumentSource, Fingerprint, OpenImport, Position, Shelf, ShelfFilter, SourceError,
    SourceErrorKind,
};
use stats_series::{Category, DocumentKind, GENERATOR_VERSION};

use super::CachedResponseService;
use super::communities::{Communities, Directory, Member};
use super::completeness::gap;
use super::error::{ServiceError, chain};
use super::matrix::{Action, Facts, Refusal, Verdict, Wanted, decide};
use super::request::{Request, Years};
use crate::calendar::day_of;

/// How many keys one question to the store is about.
const KEYS_PER_QUESTION: usize = 512;

/// One community, one year, one category.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    /// Index into [`Plan::members`].
    pub member: usize,
    /// The year.
    pub year: i16,
    /// The category.
    pub category: Category,
    /// What stands there and what to do.
    pub verdict: Verdict,
}

/// Everything a request is about, in the order community, year, category.
#[derive(Debug)]
pub struct Plan {
    /// The communities, in the order asked for.
    pub members: Vec<Member>,
    /// The categories.
    pub categories: Vec<Category>,
    /// The years asked for.
    pub years: Years,
    /// The current year, UTC: the end of every lifespan.
    pub current_year: i16,
    /// Whether responses hold only what the layout needs.
    pub optimize: bool,
    /// The cells.
    pub cells: Vec<Cell>,
    /// Whether the source holds any bookmark for the kinds and communities of the request.
    pub bookmarked: bool,
    /// The imports that are open: communities, events or documents may be missing.
    pub open_imports: Vec<OpenImport>,
    /// The years that an aggregation marked as changed, by community.
    pub(super) marked: BTreeSet<(String, i16)>,
    pub(super) standing: Standing,
}

/// What the source holds now, for the kinds of a request.
#[derive(Debug, Default)]
pub(super) struct Standing {
    kinds: BTreeMap<DocumentKind, KindStanding>,
    /// The kinds that the source has nothing for, not even an empty index, and what it says.
    missing: BTreeMap<DocumentKind, SourceError>,
}

#[derive(Debug, Default)]
struct KindStanding {
    position: Position,
    shelves: BTreeMap<Shelf, Fingerprint>,
    bookmarks: BTreeMap<String, Bookmark>,
    unsettled: BTreeMap<Shelf, OpenImport>,
}

impl Standing {
    /// Reads it: for each kind one question each, all kinds at once. Positions first, so that what changes in
    /// between is seen as changed the next time. One kind may be missing, but not all of them:
    /// then it is the wrong place to look.
    pub(super) fn read(
        source: &dyn DocumentSource,
        kinds: &BTreeSet<DocumentKind>,
        communities: &[String],
    ) -> Result<Self, ServiceError> {
        let filter = ShelfFilter { communities: communities.to_vec(), years: Vec::new() };
        let mut standing = Self::default();
        let read = |kind: DocumentKind| -> Result<KindStanding, SourceError> {
            let position = source.position(kind)?;
            let shelves = source.fingerprints(kind, &filter)?;
            let bookmarks = source.bookmarks(kind, communities)?;
            let unsettled = source.unsettled(kind, communities)?;
            Ok(KindStanding { position, shelves, bookmarks, unsettled })
        };
        let found: Vec<_> = thread::scope(|scope| {
            let asked: Vec<_> =
                kinds.iter().map(|kind| (*kind, scope.spawn(|| read(*kind)))).collect();
            asked.into_iter().map(|(kind, answer)| (kind, answer.join())).collect()
        });
        for (kind, answer) in found {
            match answer.unwrap_or_else(|panic| resume_unwind(panic)) {
                Ok(found) => drop(standing.kinds.insert(kind, found)),
                Err(error) if error.kind() == SourceErrorKind::NotFound => {
                    standing.missing.insert(kind, error);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if standing.kinds.is_empty()
            && let Some((_, error)) = standing.missing.pop_first()
        {
            return Err(error.into());
        }
        Ok(standing)
    }

    /// The fingerprint of a shelf; zeros when it is empty.
    pub(super) fn fingerprint(&self, shelf: &Shelf) -> Fingerprint {
        let kind = self.kinds.get(&shelf.kind);
        kind.and_then(|kind| kind.shelves.get(shelf)).copied().unwrap_or_default()
    }

    pub(super) fn bookmark(&self, kind: DocumentKind, community: &str) -> Option<Bookmark> {
        self.kinds.get(&kind)?.bookmarks.get(community).copied()
    }

    /// The open import that changed a shelf.
    pub(super) fn import(&self, shelf: &Shelf) -> Option<OpenImport> {
        self.kinds.get(&shelf.kind)?.unsettled.get(shelf).copied()
    }

    pub(super) fn histories(&self, kind: DocumentKind) -> BTreeSet<String> {
        let position = self.kinds.get(&kind).map(|kind| &kind.position);
        position.into_iter().flat_map(|p| &p.0).map(|mark| mark.history.clone()).collect()
    }

    fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        self.kinds.values().flat_map(|kind| kind.shelves.keys())
    }

    fn any_bookmark(&self) -> bool {
        self.kinds.values().any(|kind| !kind.bookmarks.is_empty())
    }

    /// The communities with documents, and the first year of each.
    fn first_shelves(&self) -> BTreeMap<String, i16> {
        let mut first = BTreeMap::new();
        for shelf in self.shelves() {
            let year = first.entry(shelf.community.clone()).or_insert(shelf.year);
            *year = shelf.year.min(*year);
        }
        first
    }
}

impl Plan {
    /// The community of a cell.
    #[must_use]
    pub fn member(&self, cell: &Cell) -> &Member {
        &self.members[cell.member]
    }

    /// The shelf a cell is made from.
    #[must_use]
    pub fn shelf(&self, cell: &Cell) -> Shelf {
        let community = self.member(cell).id.clone();
        Shelf { kind: cell.category.kind(), community, year: cell.year }
    }

    /// Whether an aggregation marked the year of a cell as changed.
    pub(super) fn is_marked(&self, cell: &Cell) -> bool {
        self.marked.contains(&(self.member(cell).id.clone(), cell.year))
    }

    /// Why a cell cannot be made.
    pub(super) fn refusal(&self, cell: &Cell) -> String {
        match self.standing.missing.get(&cell.category.kind()) {
            Some(error) if !self.member(cell).deleted => chain(error),
            _ => cell.verdict.reason(),
        }
    }

    /// The cells that would be made.
    pub fn to_make(&self) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(|cell| matches!(cell.verdict.action, Action::Make(_)))
    }

    /// The years asked for that are in the lifespan of a community, then those that an aggregation
    /// marked, whatever was asked for (cache-and-jobs specification, section 8.4).
    fn years_of(&self, member: &Member) -> Vec<i16> {
        let mut years = self.years.within(member.first_year, self.current_year);
        let marked = self.marked.iter().filter(|(community, _)| *community == member.id);
        for (_, year) in marked {
            if !years.contains(year) {
                years.push(*year);
            }
        }
        years
    }

    /// The shelves that would be read, each once, with the number of their documents.
    #[must_use]
    pub fn shelves_to_read(&self) -> BTreeMap<Shelf, u64> {
        let shelves = self.to_make().map(|cell| self.shelf(cell));
        shelves
            .map(|shelf| {
                let count = self.standing.fingerprint(&shelf).count;
                (shelf, count)
            })
            .collect()
    }
}

impl CachedResponseService {
    /// Finds out what a request is about, what stands and what has to be done. Reads no document
    /// and no body, and changes nothing.
    ///
    /// # Errors
    /// When a community is not known, or source or store cannot answer.
    pub fn plan(&self, request: &Request) -> Result<Plan, ServiceError> {
        Ok(self.plan_with_marks(request)?.0)
    }

    /// The same with the marks of the aggregation that it honours.
    pub(super) fn plan_with_marks(
        &self,
        request: &Request,
    ) -> Result<(Plan, UpdateMarks), ServiceError> {
        let marks = match &self.registry {
            Some(registry) => registry.update_marks()?,
            None => UpdateMarks::default(),
        };
        let plan = self.survey_marked(request, &marks.marks, &mut |_, _| ())?;
        Ok((plan, marks))
    }

    /// The same, and shows each cell with what the store says of its key.
    pub(super) fn survey(
        &self,
        request: &Request,
        look: &mut dyn FnMut(&Cell, EntryState),
    ) -> Result<Plan, ServiceError> {
        self.survey_marked(request, &[], look)
    }

    fn survey_marked(
        &self,
        request: &Request,
        marks: &[UpdateMark],
        look: &mut dyn FnMut(&Cell, EntryState),
    ) -> Result<Plan, ServiceError> {
        let source = self.source.as_ref();
        let categories = self.categories(request);
        let directory = Directory::read(source)?;
        let standing = self.standing(request, &directory, &categories)?;
        let first = standing.first_shelves();
        let shelved = first.keys().cloned().collect();
        let ids = directory.select(&request.communities, self.settings.opt_in, &shelved)?;
        let members = directory.members(ids, source, &self.settings.layouts, &first)?;
        let mut plan = Plan {
            members,
            categories,
            years: request.years.clone(),
            current_year: day_of(self.clock.now()).year(),
            optimize: request.optimize.unwrap_or(self.settings.optimize),
            marked: marks.iter().map(|mark| (mark.community.clone(), mark.year)).collect(),
            cells: Vec::new(),
            bookmarked: standing.any_bookmark(),
            open_imports: source.open_imports()?,
            standing,
        };
        self.fill(&mut plan, request.overwrite, look)?;
        Ok(plan)
    }

    /// The communities that have documents of any kind.
    pub(super) fn shelved_communities(&self) -> Result<BTreeSet<String>, ServiceError> {
        let kinds = DocumentKind::ALL.into_iter().collect();
        let standing = Standing::read(self.source.as_ref(), &kinds, &[])?;
        Ok(standing.first_shelves().into_keys().collect())
    }

    fn categories(&self, request: &Request) -> Vec<Category> {
        let mut categories = match request.categories.as_slice() {
            [] => self.settings.categories.clone(),
            named => named.to_vec(),
        };
        categories.sort_unstable();
        categories.dedup();
        categories
    }

    fn standing(
        &self,
        request: &Request,
        directory: &Directory,
        categories: &[Category],
    ) -> Result<Standing, ServiceError> {
        let source = self.source.as_ref();
        match &request.communities {
            Communities::All => {
                let kinds = categories.iter().map(|category| category.kind()).collect();
                Standing::read(source, &kinds, &[])
            }
            Communities::Named(names) => {
                // An id that is only known from documents may have them in any kind.
                let kinds = DocumentKind::ALL.into_iter().collect();
                let ids: Vec<String> = names
                    .iter()
                    .map(|name| directory.id_of_slug(name).unwrap_or(name).to_owned())
                    .collect();
                if ids.is_empty() {
                    Ok(Standing::default())
                } else {
                    Standing::read(source, &kinds, &ids)
                }
            }
        }
    }

    /// Expands a plan to its cells and decides about each.
    fn fill(
        &self,
        plan: &mut Plan,
        overwrite: bool,
        look: &mut dyn FnMut(&Cell, EntryState),
    ) -> Result<(), ServiceError> {
        let mut wanted = WantedOnce::new(self, plan);
        let mut cells = Vec::new();
        let mut waiting = Vec::with_capacity(KEYS_PER_QUESTION);
        for (index, member) in plan.members.iter().enumerate() {
            for year in plan.years_of(member) {
                for category in &plan.categories {
                    waiting.push((index, year, *category));
                    if waiting.len() == KEYS_PER_QUESTION {
                        self.judge(plan, &mut wanted, &mut waiting, overwrite, &mut cells, look)?;
                    }
                }
            }
        }
        self.judge(plan, &mut wanted, &mut waiting, overwrite, &mut cells, look)?;
        plan.cells = cells;
        Ok(())
    }

    fn judge(
        &self,
        plan: &Plan,
        wanted: &mut WantedOnce,
        waiting: &mut Vec<(usize, i16, Category)>,
        overwrite: bool,
        cells: &mut Vec<Cell>,
        look: &mut dyn FnMut(&Cell, EntryState),
    ) -> Result<(), ServiceError> {
        let now = self.clock.now();
        let key = |(member, year, category): &(usize, i16, Category)| {
            self.key(&plan.members[*member].id, *year, *category)
        };
        let keys: Vec<String> = waiting.iter().map(key).collect();
        let states = if keys.is_empty() { Vec::new() } else { self.store.describe(&keys)? };
        for ((index, year, category), entry) in waiting.drain(..).zip(states) {
            let member = &plan.members[index];
            let bookmark = plan.standing.bookmark(category.kind(), &member.id);
            let verdict = decide(&Facts {
                entry: &entry,
                wanted: wanted.of(plan, index, year, category),
                gap: gap(bookmark, year, now),
                import: plan.standing.import(&Shelf {
                    kind: category.kind(),
                    community: member.id.clone(),
                    year,
                }),
                current_year: year == plan.current_year,
                marked: plan.marked.contains(&(member.id.clone(), year)),
                overwrite,
                refusal: if member.deleted {
                    Some(Refusal::Deleted)
                } else {
                    let missing = plan.standing.missing.contains_key(&category.kind());
                    missing.then_some(Refusal::NoIndex)
                },
            });
            let cell = Cell { member: index, year, category, verdict };
            look(&cell, entry);
            cells.push(cell);
        }
        Ok(())
    }

    /// The key of a response.
    #[must_use]
    pub fn key(&self, community: &str, year: i16, category: Category) -> String {
        response_key(&self.settings.prefix, community, year, category).into_string()
    }
}

/// What the cells of a plan would be made from; only shelf and layout change from cell to cell.
pub(super) struct WantedOnce {
    wanted: Wanted,
    histories: BTreeMap<DocumentKind, BTreeSet<String>>,
    kind: Option<DocumentKind>,
}

impl WantedOnce {
    pub(super) fn new(service: &CachedResponseService, plan: &Plan) -> Self {
        let histories = DocumentKind::ALL.map(|kind| (kind, plan.standing.histories(kind))).into();
        let wanted = Wanted {
            shelf: ShelfMark::default(),
            histories: BTreeSet::new(),
            layout: String::new(),
            configuration: service.configuration.clone(),
            optimized: plan.optimize,
            generator: GENERATOR_VERSION,
        };
        Self { wanted, histories, kind: None }
    }

    pub(super) fn of(
        &mut self,
        plan: &Plan,
        member: usize,
        year: i16,
        category: Category,
    ) -> &Wanted {
        let (kind, member) = (category.kind(), &plan.members[member]);
        let shelf = Shelf { kind, community: member.id.clone(), year };
        self.wanted.shelf = mark(plan.standing.fingerprint(&shelf));
        if self.kind != Some(kind) {
            self.kind = Some(kind);
            self.wanted.histories = self.histories.get(&kind).cloned().unwrap_or_default();
        }
        self.wanted.layout.clear();
        if plan.optimize {
            self.wanted.layout.push_str(&member.layout.hash);
        }
        &self.wanted
    }
}

/// A fingerprint in the words of the store.
pub(super) fn mark(fingerprint: Fingerprint) -> ShelfMark {
    ShelfMark { count: fingerprint.count, max: fingerprint.max, sum: fingerprint.sum }
}
