//! Proof that what is stored is what would be made now: responses are computed again and compared
//! to the byte.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use stats_cache::{EntryDescription, EntryState};
use stats_documents::{Fingerprint, Shelf};
use stats_series::{Category, ResponseSpec, Selection};

use super::CachedResponseService;
use super::compare::Compared;
use super::error::{ServiceError, chain};
use super::list::description;
use super::lock::Halt;
use super::matrix::{StateName, Verdict};
use super::members::MemberLayout;
use super::plan::Plan;
use super::request::Request;
use super::summary::Failure;

/// How a verification is carried out.
pub struct VerifyRun<'a> {
    /// Per cent of the entries to look at, chosen by their keys: always the same ones.
    pub sample: f64,
    /// Set from outside to stop.
    pub cancel: &'a AtomicBool,
    /// Told how many of how many entries are done.
    pub progress: &'a mut dyn FnMut(u64, u64),
}

/// What a verification found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Verification {
    /// Entries that were compared.
    pub checked: u64,
    /// Entries that are what would be made now.
    pub same: u64,
    /// Entries that differ, though nothing says why.
    pub different: u64,
    /// Entries that differ because they are not up to date, or are held, as their state says, or that
    /// changed each time they were looked at.
    pub stale: u64,
    /// Entries that could not be made again.
    pub failed: u64,
    /// One for each that differs.
    pub findings: Vec<Finding>,
    /// One for each that is not up to date.
    pub outdated: Vec<Finding>,
    /// One for each that could not be made.
    pub errors: Vec<Failure>,
    /// Whether it was stopped before its end.
    pub interrupted: bool,
}

/// An entry that is not what would be made now.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Community id.
    pub community_id: String,
    /// Year.
    pub year: i16,
    /// Query name of the category.
    pub category: &'static str,
    /// Its key.
    pub cache_key: String,
    /// Its state: a stale or held entry is expected to differ, a fresh one never may.
    pub state: StateName,
    /// Why it is in that state.
    pub reason: String,
    /// The series that differs first, when both could be compared.
    pub series: Option<String>,
    /// The date that differs first, when the difference is in a point.
    pub date: Option<String>,
    /// What is stored there and what would be made, in words.
    pub difference: String,
}

/// How often an entry that differs is looked at, when it or its documents change in between.
const ROUNDS: u32 = 3;
/// What is said of an entry that was another one each time.
const IN_MOTION: &str = "changed each time it was looked at";

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
        let sample = run.sample;
        let mut look =
            self.look(request, &|key: &str| in_sample(key, sample), &mut verification)?;
        let mut total = verification.checked + look.count();
        for round in 1..=ROUNDS {
            let mut doubts = self.compare_all(&look, run, total, &mut verification)?;
            verification.interrupted = verification.checked + (doubts.len() as u64) < total;
            if doubts.is_empty() {
                break;
            }
            let wanted = |key: &str| doubts.contains_key(key);
            let mut again = self.look(request, &wanted, &mut verification)?;
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
            verification.interrupted |= run.cancel.load(Ordering::Relaxed) && again.count() > 0;
            if verification.interrupted || again.count() == 0 {
                break;
            }
            total = verification.checked + again.count();
            look = again;
        }
        Ok(verification)
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
            EntryState::Damaged(why) => damaged.push((*cell, why)),
            EntryState::Absent | EntryState::Expired(_) => {}
        })?;
        for (cell, why) in damaged {
            let community_id = plan.member(&cell).id.to_string();
            let cache_key = self.key(&community_id, cell.year, cell.category);
            if wanted(&cache_key) {
                verification.differ(Finding {
                    community_id,
                    year: cell.year,
                    category: cell.category.query_name(),
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
            if run.cancel.load(Ordering::Relaxed) {
                break;
            }
            let layout = &look.plan.members[*member].layout;
            for doubt in self.verify_shelf(layout, shelf, suspects, run.cancel, verification)? {
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
        cancel: &AtomicBool,
        verification: &mut Verification,
    ) -> Result<Vec<Doubt>, ServiceError> {
        let specs: Vec<ResponseSpec> = suspects
            .iter()
            .flat_map(|suspect| {
                [layout.selection(), Selection::All]
                    .map(|selection| ResponseSpec { category: suspect.category, selection })
            })
            .collect();
        let halt = Halt { asked: cancel, lock: None };
        let reading = match self.read_shelf(shelf, &specs, halt) {
            Ok(reading) => reading,
            Err(ServiceError::Interrupted) => return Ok(Vec::new()),
            Err(ServiceError::Source(error)) => {
                let text = chain(&error);
                for suspect in suspects {
                    verification.fail(shelf, suspect, text.clone());
                }
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        let mut doubts = Vec::new();
        for (index, suspect) in suspects.iter().enumerate() {
            match self.compare(&suspect.entry, &reading, index * 2)? {
                Compared::Same => {
                    verification.checked += 1;
                    verification.same += 1;
                }
                Compared::Failed(text) => verification.fail(shelf, suspect, text),
                Compared::Different { place, difference } => {
                    let finding = finding(shelf, suspect, place, difference);
                    if matches!(finding.state, StateName::Stale | StateName::Held) {
                        verification.outdated(finding);
                    } else {
                        let (suspect, read) = (suspect.clone(), reading.fingerprint);
                        doubts.push(Doubt { suspect, read, finding });
                    }
                }
            }
        }
        Ok(doubts)
    }
}

impl Verification {
    fn fail(&mut self, shelf: &Shelf, suspect: &Suspect, error: String) {
        self.checked += 1;
        self.failed += 1;
        self.errors.push(Failure {
            community_id: shelf.community.clone(),
            year: shelf.year,
            category: suspect.category,
            error,
        });
    }

    fn differ(&mut self, finding: Finding) {
        self.checked += 1;
        self.different += 1;
        self.findings.push(finding);
    }

    fn outdated(&mut self, finding: Finding) {
        self.checked += 1;
        self.stale += 1;
        self.outdated.push(finding);
    }

    fn in_motion(&mut self, finding: Finding) {
        self.outdated(Finding { reason: IN_MOTION.to_owned(), ..finding });
    }
}

fn finding(
    shelf: &Shelf,
    suspect: &Suspect,
    place: Option<(String, Option<String>)>,
    difference: String,
) -> Finding {
    let (series, date) = place.map_or((None, None), |(series, date)| (Some(series), date));
    Finding {
        community_id: shelf.community.clone(),
        year: shelf.year,
        category: suspect.category.query_name(),
        cache_key: suspect.entry.key.clone(),
        state: suspect.verdict.name(),
        reason: suspect.verdict.reason(),
        series,
        date,
        difference,
    }
}

/// Whether a key is among `percent` of all keys. Keys end in a hash, so its digits choose.
fn in_sample(key: &str, percent: f64) -> bool {
    let start = key.len().saturating_sub(8);
    let number = key.get(start..).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    percent >= 100.0 || number.is_none_or(|n| f64::from(n) < percent / 100.0 * 4_294_967_296.0)
}

#[cfg(test)]
mod tests {
    use super::in_sample;
    use crate::service::hash;

    #[test]
    fn a_sample_is_its_share_and_always_the_same() {
        let keys: Vec<String> = (0..4000).map(|n| format!("p:{}", hash(&n.to_string()))).collect();
        let chosen = |percent| keys.iter().filter(|key| in_sample(key, percent)).count();
        assert_eq!(chosen(100.0), 4000);
        assert_eq!(chosen(0.0), 0);
        assert!((300..500).contains(&chosen(10.0)), "{}", chosen(10.0));
    }
}
