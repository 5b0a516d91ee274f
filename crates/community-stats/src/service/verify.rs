//! Proof that what is stored is what would be made now: responses are computed again and compared
//! to the byte.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use sha2::{Digest, Sha256};
use stats_cache::{EntryDescription, EntryState};
use stats_documents::Shelf;
use stats_series::{Category, ResponseSpec, Selection, WriteError};

use super::CachedResponseService;
use super::bulk::Halt;
use super::difference::first_difference;
use super::error::{ServiceError, chain};
use super::list::description;
use super::matrix::{StateName, Verdict};
use super::plan::Plan;
use super::request::Request;
use super::shelf::Reading;
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
    /// Entries that differ because they are not up to date, or are held, as their state says.
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

/// The entries to look at, by the member and the shelf they are made from.
type Suspects = BTreeMap<(usize, Shelf), Vec<Suspect>>;

struct Suspect {
    category: Category,
    verdict: Verdict,
    entry: EntryDescription,
}

impl CachedResponseService {
    /// Makes what stands within a request again, stores nothing, and compares. A response that
    /// we made is made in the mode it was made in; of any other it is enough that one mode gives
    /// the same bytes.
    ///
    /// # Errors
    /// When a community is not known, or source or store cannot answer.
    pub fn verify(
        &self,
        request: &Request,
        run: &mut VerifyRun<'_>,
    ) -> Result<Verification, ServiceError> {
        let mut verification = Verification::default();
        let (plan, suspects) = self.suspects(request, run.sample, &mut verification)?;
        let total =
            verification.checked + suspects.values().map(|list| list.len() as u64).sum::<u64>();
        for ((member, shelf), suspects) in suspects {
            if run.cancel.load(Ordering::Relaxed) {
                verification.interrupted = true;
                break;
            }
            self.verify_shelf(&plan, member, &shelf, &suspects, run.cancel, &mut verification)?;
            (run.progress)(verification.checked, total);
        }
        // Also when it was the last shelf that was broken off.
        verification.interrupted |= verification.checked < total;
        Ok(verification)
    }

    fn suspects(
        &self,
        request: &Request,
        sample: f64,
        verification: &mut Verification,
    ) -> Result<(Plan, Suspects), ServiceError> {
        let mut found = Vec::new();
        let mut damaged = Vec::new();
        let plan = self.survey(request, &mut |cell, entry| match entry {
            EntryState::Ours(_) | EntryState::Foreign(_) => {
                let entry = description(entry).filter(|entry| in_sample(&entry.key, sample));
                found.extend(entry.map(|entry| (*cell, entry)));
            }
            EntryState::Damaged(why) => damaged.push((*cell, why)),
            EntryState::Absent | EntryState::Expired(_) => {}
        })?;
        for (cell, why) in damaged {
            let community_id = plan.member(&cell).id.to_string();
            let cache_key = self.key(&community_id, cell.year, cell.category);
            if in_sample(&cache_key, sample) {
                verification.checked += 1;
                verification.different += 1;
                verification.findings.push(Finding {
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
        Ok((plan, suspects))
    }

    fn verify_shelf(
        &self,
        plan: &Plan,
        member: usize,
        shelf: &Shelf,
        suspects: &[Suspect],
        cancel: &AtomicBool,
        verification: &mut Verification,
    ) -> Result<(), ServiceError> {
        let layout = &plan.members[member].layout;
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
            Err(ServiceError::Interrupted) => return Ok(()),
            Err(ServiceError::Source(error)) => {
                let text = chain(&error);
                for suspect in suspects {
                    verification.fail(shelf, suspect, text.clone());
                }
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for (index, suspect) in suspects.iter().enumerate() {
            self.verify_entry(shelf, suspect, &reading, index * 2, verification)?;
        }
        Ok(())
    }

    /// Compares one entry with the responses at `first` (optimised) and after it (full).
    fn verify_entry(
        &self,
        shelf: &Shelf,
        suspect: &Suspect,
        reading: &Reading,
        first: usize,
        verification: &mut Verification,
    ) -> Result<(), ServiceError> {
        let candidates = match &suspect.entry.origin {
            Some(origin) if origin.optimized => vec![first],
            Some(_) => vec![first + 1],
            None => vec![first, first + 1],
        };
        let Some(stored) = self.store.get(&suspect.entry.key)? else {
            verification.differ(shelf, suspect, None, "the stored body cannot be read".to_owned());
            return Ok(());
        };
        let stored_hash: [u8; 32] = Sha256::digest(&stored.body).into();
        for index in &candidates {
            match self.hash_of(reading, *index) {
                Ok(made) if made == stored_hash => {
                    verification.checked += 1;
                    verification.same += 1;
                    return Ok(());
                }
                Ok(_) => {}
                Err(text) => {
                    verification.fail(shelf, suspect, text);
                    return Ok(());
                }
            }
        }
        let mut made = Vec::new();
        if let Err(error) = reading.builder.write(candidates[0], self.settings.floats, &mut made) {
            verification.fail(shelf, suspect, write_failure(&error));
            return Ok(());
        }
        let difference = first_difference(&stored.body, &made);
        let text = difference.as_ref().map(ToString::to_string).unwrap_or_default();
        let place = difference.map(|difference| (difference.series, difference.date));
        verification.differ(shelf, suspect, place, text);
        Ok(())
    }

    fn hash_of(&self, reading: &Reading, index: usize) -> Result<[u8; 32], String> {
        let mut hasher = Hashing(Sha256::new());
        match reading.builder.write(index, self.settings.floats, &mut hasher) {
            Ok(()) => Ok(hasher.0.finalize().into()),
            Err(error) => Err(write_failure(&error)),
        }
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

    fn differ(
        &mut self,
        shelf: &Shelf,
        suspect: &Suspect,
        place: Option<(String, Option<String>)>,
        difference: String,
    ) {
        let (series, date) = place.map_or((None, None), |(series, date)| (Some(series), date));
        let state = suspect.verdict.name();
        self.checked += 1;
        let (count, findings) = match state {
            StateName::Stale | StateName::Held => (&mut self.stale, &mut self.outdated),
            _ => (&mut self.different, &mut self.findings),
        };
        *count += 1;
        findings.push(Finding {
            community_id: shelf.community.clone(),
            year: shelf.year,
            category: suspect.category.query_name(),
            cache_key: suspect.entry.key.clone(),
            state,
            reason: suspect.verdict.reason(),
            series,
            date,
            difference,
        });
    }
}

fn write_failure(error: &WriteError) -> String {
    match error {
        WriteError::Document(failure) => failure.to_string(),
        WriteError::Io(error) => chain(error),
    }
}

/// Whether a key is among `percent` of all keys. Keys end in a hash, so its digits choose.
fn in_sample(key: &str, percent: f64) -> bool {
    let start = key.len().saturating_sub(8);
    let number = key.get(start..).and_then(|digits| u32::from_str_radix(digits, 16).ok());
    percent >= 100.0 || number.is_none_or(|n| f64::from(n) < percent / 100.0 * 4_294_967_296.0)
}

struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
