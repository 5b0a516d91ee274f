//! Proof that what is stored is what would be made now: responses are computed again and compared
//! to the byte.

use std::collections::{BTreeMap, HashSet};

use stats_cache::{EntryDescription, EntryState};
use stats_model::{Category, Cell, Fingerprint, Shelf, chain};
use stats_series::{ResponseSpec, Selection};

use crate::error::ServiceError;
use crate::inspect::compare::Compared;
use crate::inspect::list::{Listed, damaged_left_over, description, unplanned};
use crate::inspect::share::Sample;
use crate::inspect::verification::{Finding, LeftOver, Verification, VerifyRun};
use crate::matrix::verdict::Verdict;
use crate::matrix::words::StateName;
use crate::service::CachedResponseService;
use crate::stop::Stop;
use crate::survey::directory::Directory;
use crate::survey::members::MemberLayout;
use crate::survey::names::Communities;
use crate::survey::plan::{Plan, PlannedCell};
use crate::survey::request::Request;

/// How often an entry that differs is looked at, when it or its documents change in between.
const ROUNDS: u32 = 3;
/// The entries to look at, by the member and the shelf they are made from.
type Suspects = BTreeMap<(usize, Shelf), Vec<Suspect>>;

#[derive(Clone)]
struct Suspect {
    category: Category,
    verdict: Verdict,
    entry: EntryDescription,
}

/// What is there at one moment.
struct Look {
    plan: Plan,
    suspects: Suspects,
}

impl Look {
    fn count(&self) -> u64 {
        self.suspects.values().map(|list| list.len() as u64).sum()
    }
}

/// An entry that differs though its state does not say so: true only if neither it nor its
/// documents changed since its state was found out.
struct Doubt {
    suspect: Suspect,
    read: Fingerprint,
    finding: Finding,
}

impl Doubt {
    /// Whether everything still is as it was when the entry and its documents were compared.
    fn stands(&self, now: &Suspect, shelf: Fingerprint) -> bool {
        let Suspect { verdict, entry, .. } = &self.suspect;
        self.read == shelf && *verdict == now.verdict && *entry == now.entry
    }
}

impl CachedResponseService {
    /// Makes what stands within a request again, stores nothing, and compares. A response that
    /// we made is made in the mode it was made in; of any other it is enough that one mode gives
    /// the same bytes. Whatever differs is looked at once more: an import or a generation that runs
    /// along may have changed it after its state was found out.
    ///
    /// # Errors
    /// When a community is not known, or source or store cannot answer.
    pub fn verify(
        &self,
        request: &Request,
        run: &mut VerifyRun<'_>,
    ) -> Result<Verification, ServiceError> {
        let mut verification = Verification::default();
        let sample = Sample::of(run.sample);
        let mut look = self.look(request, &|key| sample.takes(key), &mut verification)?;
        if look.count() + verification.checked == 0 {
            // Of a few entries a small share is none at all.
            look = self.look(request, &|key| sample.is_nearest(key), &mut verification)?;
        }
        let wanted = |key: &str| sample.takes(key);
        let others = self.others(request, &look.plan, &wanted, &mut verification)?;
        self.verify_look(request, look, run, &mut verification)?;
        if let Some((request, look)) = others
            && !verification.interrupted
        {
            self.verify_look(&request, look, run, &mut verification)?;
        }
        Ok(verification)
    }

    /// What stands beside a request for all communities: that of communities which do not take part;
    /// and, to be told, what belongs to no cell.
    fn others(
        &self,
        request: &Request,
        plan: &Plan,
        wanted: &dyn Fn(&str) -> bool,
        verification: &mut Verification,
    ) -> Result<Option<(Request, Look)>, ServiceError> {
        let directory = Directory::read(self.directory.as_ref())?;
        let all = request.communities == Communities::All;
        let (entries, mut damaged) = self.entries(!all, plan)?;
        let is_damaged = !damaged.is_empty();
        let unplanned = match all {
            true => unplanned(&directory, plan, &entries, is_damaged),
            false => Vec::new(),
        };
        let others = if unplanned.is_empty() {
            None
        } else {
            let communities = Communities::Named(unplanned);
            let request = Request { communities, ..request.clone() };
            let look = self.look(&request, wanted, verification)?;
            Some((request, look))
        };
        let mut seen = HashSet::new();
        for plan in [Some(plan), others.as_ref().map(|(_, look)| &look.plan)].into_iter().flatten()
        {
            let key =
                |cell: &PlannedCell| self.key(&plan.member(cell).id, cell.year, cell.category);
            seen.extend(plan.cells.iter().map(key));
        }
        damaged.retain(|entry| all && !seen.contains(&entry.key));
        let mut left = self.beyond_cells(&directory, entries, &seen)?;
        left.extend(damaged.into_iter().map(damaged_left_over));
        // What is stored under other prefixes is somebody else's.
        left.retain(|it| it.state != StateName::Foreign);
        let is_about = |it: &Listed| match (it.year, it.category) {
            (Some(year), Some(category)) => request.is_about(year, category),
            _ => true,
        };
        let left = left.into_iter().filter(is_about).map(LeftOver::from);
        left.filter(|it| wanted(&it.cache_key)).for_each(|it| verification.pass_over(it));
        Ok(others)
    }

    fn verify_look(
        &self,
        request: &Request,
        mut look: Look,
        run: &mut VerifyRun<'_>,
        verification: &mut Verification,
    ) -> Result<(), ServiceError> {
        let mut total = verification.checked + look.count();
        for round in 1..=ROUNDS {
            let mut doubts = self.compare_all(&look, run, total, verification)?;
            verification.interrupted = verification.checked + (doubts.len() as u64) < total;
            if doubts.is_empty() {
                break;
            }
            let wanted = |key: &str| doubts.contains_key(key);
            let mut again = self.look(request, &wanted, verification)?;
            let Look { plan, suspects } = &mut again;
            suspects.retain(|(_, shelf), suspects| {
                let fingerprint = plan.standing.fingerprint(shelf);
                suspects.retain(|now| {
                    let Some(doubt) = doubts.remove(&now.entry.key) else { return false };
                    let stands = doubt.stands(now, fingerprint);
                    if stands {
                        verification.differ(doubt.finding);
                    } else if round == ROUNDS {
                        verification.in_motion(doubt.finding);
                    }
                    !stands
                });
                !suspects.is_empty()
            });
            // Whatever was not found again is not stored any more.
            verification.interrupted |= run.stop.is_set() && again.count() > 0;
            if verification.interrupted || again.count() == 0 {
                break;
            }
            total = verification.checked + again.count();
            look = again;
        }
        Ok(())
    }

    /// Finds out what stands under the keys that are `wanted`, and counts what is damaged.
    fn look(
        &self,
        request: &Request,
        wanted: &dyn Fn(&str) -> bool,
        verification: &mut Verification,
    ) -> Result<Look, ServiceError> {
        let mut found = Vec::new();
        let mut damaged = Vec::new();
        let plan = self.survey(request, &mut |cell, entry| match entry {
            EntryState::Ours(_) | EntryState::Foreign(_) => {
                let entry = description(entry).filter(|entry| wanted(&entry.key));
                found.extend(entry.map(|entry| (*cell, entry)));
            }
            EntryState::Damaged(why) => damaged.push((*cell, why.to_string())),
            EntryState::Absent | EntryState::Expired(_) => {}
        })?;
        for (cell, why) in damaged {
            let place = plan.place(&cell);
            let cache_key = self.key(&place.community, place.year, place.category);
            if wanted(&cache_key) {
                verification.differ(Finding {
                    cell: place,
                    cache_key,
                    state: StateName::Damaged,
                    reason: cell.verdict.reason(),
                    series: None,
                    date: None,
                    difference: why,
                });
            }
        }
        let mut suspects = Suspects::new();
        for (cell, entry) in found {
            let suspect = Suspect { category: cell.category, verdict: cell.verdict, entry };
            suspects.entry((cell.member, plan.shelf(&cell))).or_default().push(suspect);
        }
        Ok(Look { plan, suspects })
    }

    /// Compares everything that was found, and returns what has to be looked at again, by its key.
    fn compare_all(
        &self,
        look: &Look,
        run: &mut VerifyRun<'_>,
        total: u64,
        verification: &mut Verification,
    ) -> Result<BTreeMap<String, Doubt>, ServiceError> {
        let mut doubts = BTreeMap::new();
        for ((member, shelf), suspects) in &look.suspects {
            if run.stop.is_set() {
                break;
            }
            let layout = &look.plan.members[*member].layout;
            for doubt in self.verify_shelf(layout, shelf, suspects, &run.stop, verification)? {
                doubts.insert(doubt.suspect.entry.key.clone(), doubt);
            }
            (run.progress)(verification.checked, total);
        }
        Ok(doubts)
    }

    fn verify_shelf(
        &self,
        layout: &MemberLayout,
        shelf: &Shelf,
        suspects: &[Suspect],
        stop: &Stop,
        verification: &mut Verification,
    ) -> Result<Vec<Doubt>, ServiceError> {
        let specs = in_both_modes(layout, suspects);
        let reading = match self.read_shelf(shelf, &specs, stop) {
            Ok(reading) => reading,
            Err(ServiceError::Interrupted) => return Ok(Vec::new()),
            Err(ServiceError::Source(error)) => {
                let text = chain(&error);
                for suspect in suspects {
                    verification.fail(shelf, suspect.category, text.clone());
                }
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut doubts = Vec::new();
        for (index, suspect) in suspects.iter().enumerate() {
            let compared = self.compare(&suspect.entry, &reading, index * 2)?;
            if let Some(finding) = unannounced(compared, shelf, suspect, verification) {
                let (suspect, read) = (suspect.clone(), reading.fingerprint);
                doubts.push(Doubt { suspect, read, finding });
            }
        }
        Ok(doubts)
    }
}

/// Each response twice: as the layout shows it, and with all metrics.
fn in_both_modes(layout: &MemberLayout, suspects: &[Suspect]) -> Vec<ResponseSpec> {
    suspects
        .iter()
        .flat_map(|suspect| {
            [layout.selection(), Selection::All]
                .map(|selection| ResponseSpec { category: suspect.category, selection })
        })
        .collect()
}

/// Counts what a comparison found; returns a difference that the state does not tell of.
fn unannounced(
    compared: Compared,
    shelf: &Shelf,
    suspect: &Suspect,
    verification: &mut Verification,
) -> Option<Finding> {
    let is_announced = matches!(suspect.verdict.name(), StateName::Stale | StateName::Held);
    match compared {
        Compared::Same if is_announced => {
            verification.outdated(finding(shelf, suspect, None, String::new()));
        }
        Compared::Same => {
            verification.checked += 1;
            verification.same += 1;
        }
        Compared::Failed(text) => verification.fail(shelf, suspect.category, text),
        Compared::Different { place, difference } => {
            let finding = finding(shelf, suspect, place, difference);
            if !is_announced {
                return Some(finding);
            }
            verification.outdated(finding);
        }
    }
    None
}

fn finding(
    shelf: &Shelf,
    suspect: &Suspect,
    place: Option<(String, Option<String>)>,
    difference: String,
) -> Finding {
    let (series, date) = place.map_or((None, None), |(series, date)| (Some(series), date));
    Finding {
        cell: Cell::new(&shelf.community, shelf.year, suspect.category),
        cache_key: suspect.entry.key.clone(),
        state: suspect.verdict.name(),
        reason: suspect.verdict.reason(),
        series,
        date,
        difference,
    }
}
