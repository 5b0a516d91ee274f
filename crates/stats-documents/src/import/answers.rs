//! Whether the answers of a search that stand in a text are all of them.

use std::collections::{BTreeMap, HashSet};
use std::io;

use serde::Deserialize;
use serde_json::Value;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::facts::{Text, read_object_bytes};

/// What answers say of themselves.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// By what an answer says of the number of hits: what came.
    searches: BTreeMap<Total, Pages>,
    /// The answer that is being read.
    total: Option<Total>,
    hits: Vec<HitId>,
    has_hits: bool,
    partial: Option<&'static str>,
}

/// How many hits there are, as an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Total {
    Exactly(u64),
    AtLeast(u64),
    Unknown,
}

/// A hit, known again when it comes another time: 16 bytes of memory each.
type HitId = u128;

/// What makes a hit another one than the others.
#[derive(Deserialize)]
struct Identity<'a> {
    #[serde(borrow, default, rename = "_index")]
    index: Text<'a>,
    #[serde(borrow, default, rename = "_id")]
    id: Text<'a>,
}

/// A hit without an id is what is written there.
fn id_of(hit: &[u8]) -> HitId {
    let Ok(Identity { index, id: Text(Some(id)) }) = read_object_bytes::<Identity<'_>>(hit) else {
        return xxh3_128(hit);
    };
    let index = index.0.unwrap_or_default();
    let mut hash = Xxh3::new();
    hash.update(&(index.len() as u64).to_le_bytes());
    hash.update(index.as_bytes());
    hash.update(id.as_bytes());
    hash.digest128()
}

impl Answers {
    /// An answer begins; these members came before its hits.
    pub(crate) fn begin(&mut self, before: &[u8]) {
        (self.total, self.has_hits) = (None, false);
        self.hits.clear();
        self.look(before);
    }

    /// Whether these members of an answer say that it is not all.
    pub(crate) fn look(&mut self, members: &[u8]) {
        let Ok(members) = serde_json::from_slice::<Value>(members) else { return };
        if members["timed_out"] == true {
            self.partial = Some("the search timed out");
        }
        if members["terminated_early"] == true {
            self.partial = Some("the search ended early");
        }
        if members["_shards"]["failed"].as_u64().is_some_and(|failed| failed > 0) {
            self.partial = Some("parts of the index did not answer");
        }
    }

    /// The number of hits, as a search engine writes it: a number, or an object with a relation.
    pub(crate) fn total(&mut self, value: &[u8]) {
        let total: Value = serde_json::from_slice(value).unwrap_or_default();
        let number = total.get("value").unwrap_or(&total).as_u64();
        let at_least = total.get("relation").is_some_and(|relation| relation != "eq");
        self.total = number.map(|number| match at_least {
            true => Total::AtLeast(number),
            false => Total::Exactly(number),
        });
    }

    /// The hits of the answer begin, or what is said of them.
    pub(crate) fn hits(&mut self) {
        self.has_hits = true;
    }

    pub(crate) fn hit(&mut self, hit: &[u8]) {
        self.hits.push(id_of(hit));
    }

    /// The answer ends. One without hits is made of others.
    pub(crate) fn end(&mut self) {
        if !std::mem::take(&mut self.has_hits) {
            return;
        }
        let total = self.total.take().unwrap_or(Total::Unknown);
        let hits = std::mem::take(&mut self.hits);
        let pages = self.searches.entry(total).or_default();
        match total {
            Total::Exactly(total) => pages.one_of(total, hits),
            Total::AtLeast(least) => pages.next(least, hits),
            Total::Unknown => pages.next(0, hits),
        }
    }

    /// Whether they are all.
    ///
    /// The pages of one search say the same total, and have together as many different hits: a page
    /// that comes twice is no other one. Several searches may have the same total; then their hits
    /// are a multiple of it. Where the total is not told, only a last page that is not full says
    /// that there is no other one, and no hit may come twice before.
    pub(crate) fn check(&self) -> io::Result<()> {
        if let Some(why) = self.partial {
            return Err(not_all(format!("an answer that is not all: {why}")));
        }
        for (total, pages) in &self.searches {
            if !pages.are_all(*total) {
                return Err(not_all(pages.what_came(*total)));
            }
        }
        Ok(())
    }
}

/// What came of searches with one total.
#[derive(Debug, Default)]
struct Pages {
    /// Whether a search is complete.
    complete: bool,
    /// What came of searches that are not: the different hits, and all of them.
    different: HashSet<HitId>,
    hits: u64,
    /// How many hits a full page has, as far as is known.
    largest: usize,
    /// Whether one ended that was not all.
    broken: bool,
}

impl Pages {
    /// A page, in any order, of a search with so many hits.
    fn one_of(&mut self, total: u64, mut hits: Vec<HitId>) {
        let came = hits.len() as u64;
        hits.sort_unstable();
        hits.dedup();
        if hits.len() as u64 == total {
            // Whole by itself: others that find some of the same hits are no pages of it.
            self.complete = true;
        } else {
            self.hits += came;
            self.different.extend(hits);
        }
    }

    /// The next page of a search of which nobody says how many hits it has, only that there are at
    /// least so many.
    fn next(&mut self, least: u64, hits: Vec<HitId>) {
        let is_last = hits.len() < self.largest;
        self.largest = self.largest.max(hits.len());
        if hits.is_empty() && self.different.is_empty() {
            // Whoever asks until nothing comes gets nothing after the last page.
            return;
        }
        self.hits += hits.len() as u64;
        self.different.extend(hits);
        if is_last {
            let different = self.different.len() as u64;
            if different == self.hits && different >= least {
                self.complete = true;
                (self.hits, self.different) = (0, HashSet::new());
            } else {
                self.broken = true;
            }
        }
    }

    fn are_all(&self, total: Total) -> bool {
        let different = self.different.len() as u64;
        match total {
            _ if self.broken => false,
            _ if different == 0 => self.complete,
            Total::Exactly(total) => different.is_multiple_of(total),
            Total::AtLeast(_) | Total::Unknown => false,
        }
    }

    fn what_came(&self, total: Total) -> String {
        let (hits, different) = (self.hits, self.different.len() as u64);
        let came = match hits == different {
            true => format!("{hits}"),
            false => format!("{different} different ones in {hits}"),
        };
        match total {
            Total::Exactly(total) => format!("{came} of {total} hits of a search"),
            Total::AtLeast(least) => format!("{came} of {least} or more hits of a search"),
            Total::Unknown => format!("{came} hits of a search that does not say how many it has"),
        }
    }
}

fn not_all(what: String) -> io::Error {
    let remedy = "ask for all of them with track_total_hits, page after page, or";
    let text = format!("{what}: {remedy} {}", super::told::HOW_TO_EXPORT);
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of answers with these totals and hits, each a letter.
    fn check(answers: &[(&str, &str)]) -> Result<(), String> {
        let mut seen = Answers::default();
        for (total, hits) in answers {
            seen.begin(b"{}");
            seen.hits();
            if !total.is_empty() {
                seen.total(total.as_bytes());
            }
            for letter in hits.chars() {
                seen.hit(format!("{{\"_index\":\"i\",\"_id\":\"{letter}\"}}\n").as_bytes());
            }
            seen.end();
        }
        seen.check().map_err(|error| error.to_string())
    }

    const MANY: &str = r#"{"value":4,"relation":"gte"}"#;
    const FIVE: &str = r#"{"value":5,"relation":"eq"}"#;

    #[test]
    fn all() {
        for answers in [
            vec![],
            vec![("0", "")],
            vec![(FIVE, "abcde")],
            vec![(FIVE, "abc"), (FIVE, "de"), (FIVE, "")],
            vec![(FIVE, "abcde"), (FIVE, "")],
            // Pages twice, the whole search twice, and in another order.
            vec![("5", "ab"), ("5", "ab"), ("5", "cd"), ("5", "e"), ("5", "e")],
            vec![("5", "abc"), ("5", "de"), ("5", "abc"), ("5", "de")],
            vec![("5", "abcde"), ("5", "abcde")],
            vec![("5", "de"), ("5", "abc")],
            // Two searches with as many hits: pages in turn, of one size or not, or with the same hits.
            vec![("5", "abcde"), ("5", "vwx"), ("5", "yz"), ("4", "abcd")],
            vec![("5", "abc"), ("5", "vwx"), ("5", "de"), ("5", "yz")],
            vec![("5", "abcde"), ("5", "bcdef")],
            vec![("5", "abcde"), ("5", "bcd"), ("5", "ef")],
            vec![(MANY, "abcd"), (MANY, "efgh"), (MANY, "ijk")],
            vec![(MANY, "abcd"), (MANY, "")],
            vec![(MANY, "abcd"), (MANY, "e"), (MANY, "")],
            vec![(MANY, "abcd"), (MANY, "e"), (MANY, "abcd"), (MANY, "e")],
            vec![("", "abcd"), ("", "")],
            vec![("", "abcd"), ("", "e"), ("", "bcd")],
        ] {
            assert_eq!(check(&answers), Ok(()), "{answers:?}");
        }
    }

    #[test]
    fn not_all() {
        for (answers, came) in [
            (vec![("5", "abcd")], "4 of 5 hits"),
            (vec![("5", "")], "0 of 5 hits"),
            (vec![("0", "a")], "1 of 0 hits"),
            (vec![(FIVE, "abcde"), (FIVE, "xy")], "2 of 5 hits"),
            (vec![(FIVE, "abc"), ("6", "def")], "3 of 5 hits"),
            // As many hits as there should be, but not as many different ones.
            (vec![("6", "ab"), ("6", "ab"), ("6", "ab")], "2 different ones in 6 of 6 hits"),
            (vec![("5", "abcda")], "4 different ones in 5 of 5 hits"),
            (vec![("4", "ab"), ("4", "ab"), ("4", "cx"), ("4", "vw")], "6 different ones in 8"),
            (vec![(MANY, "abcd")], "4 of 4 or more"),
            (vec![(MANY, "abcd"), (MANY, "efgh")], "8 of 4 or more"),
            (vec![(MANY, "ab"), (MANY, "c")], "3 of 4 or more"),
            (vec![(MANY, "abcd"), (MANY, "e"), (MANY, "fg")], "2 of 4 or more"),
            // A page twice, perhaps in the place of another one.
            (vec![(MANY, "abcd"), (MANY, "abcd"), (MANY, "e")], "5 different ones in 9 of 4"),
            (vec![(MANY, "ab"), (MANY, "ab"), (MANY, "")], "2 different ones in 4 of 4"),
            (vec![("", "ab"), ("", "ab"), ("", "c")], "3 different ones in 5 hits"),
            (vec![("", "abcd")], "4 hits of a search that does not say"),
            (vec![("", "")], "0 hits of a search that does not say"),
        ] {
            let error = check(&answers).unwrap_err();
            assert!(error.starts_with(came), "{answers:?}: {error}");
        }
    }

    #[test]
    fn hits_are_told_apart_by_index_and_id() {
        let hit = |index: &str, id: &str| {
            id_of(
                format!(r#"{{"_id":"{id}","_source":{{"_id":"x"}},"_index":"{index}"}}"#)
                    .as_bytes(),
            )
        };
        assert_eq!(hit("i", "a"), id_of(br#"{"_index":"i", "_id":"\u0061"}"#));
        assert_ne!(hit("i", "a"), hit("j", "a"));
        assert_ne!(hit("i", "ja"), hit("ij", "a"));
        // Without an id, by all that is written there.
        assert_ne!(id_of(br#"{"_source":{"n":1}}"#), id_of(br#"{"_source":{"n":2}}"#));
        assert_eq!(id_of(br#"{"_source":{"n":1}}"#), id_of(br#"{"_source":{"n":1}}"#));
    }
}
