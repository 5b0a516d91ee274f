//! Whether the answers of a search that stand in a text are all of them.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

/// What answers say of themselves.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// By what an answer says of the number of hits: what came.
    searches: BTreeMap<Total, Pages>,
    /// The answer that is being read.
    total: Option<Total>,
    hits: u64,
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

/// The pages that came of searches with one total.
#[derive(Debug, Default)]
struct Pages {
    hits: u64,
    largest: u64,
    last: u64,
}

impl Answers {
    /// An answer begins; these members came before its hits.
    pub(crate) fn begin(&mut self, before: &[u8]) {
        (self.total, self.hits, self.has_hits) = (None, 0, false);
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

    pub(crate) fn hit(&mut self) {
        self.hits += 1;
    }

    /// The answer ends. One without hits is made of others.
    pub(crate) fn end(&mut self) {
        if !std::mem::take(&mut self.has_hits) {
            return;
        }
        let total = self.total.take().unwrap_or(Total::Unknown);
        let pages = self.searches.entry(total).or_default();
        pages.hits += self.hits;
        pages.largest = pages.largest.max(self.hits);
        pages.last = self.hits;
        self.hits = 0;
    }

    /// Whether they are all.
    ///
    /// The pages of one search say the same total, and have together what it says; several
    /// searches may have the same one. Where the total is not told, only a last page that is not
    /// full says that there is no other one.
    pub(crate) fn check(&self) -> io::Result<()> {
        if let Some(why) = self.partial {
            return Err(not_all(format!("an answer that is not all: {why}")));
        }
        for (total, pages) in &self.searches {
            let hits = pages.hits;
            let ended = pages.last < pages.largest;
            match total {
                Total::Exactly(0) if hits == 0 => {}
                Total::Exactly(total) if *total > 0 && hits > 0 && hits % total == 0 => {}
                Total::Exactly(total) => {
                    return Err(not_all(format!("{hits} of {total} hits of a search")));
                }
                Total::AtLeast(least) if ended && hits >= *least => {}
                Total::AtLeast(least) => {
                    let text = format!("{hits} of {least} or more hits of a search");
                    return Err(not_all(text));
                }
                Total::Unknown if ended => {}
                Total::Unknown => {
                    let text = format!("{hits} hits of a search that does not say how many it has");
                    return Err(not_all(text));
                }
            }
        }
        Ok(())
    }
}

fn not_all(what: String) -> io::Error {
    let remedy = "ask for all of them with track_total_hits, page after page, or";
    let text = format!("{what}: {remedy} {}", super::HOW_TO_EXPORT);
    io::Error::new(io::ErrorKind::InvalidData, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether answers with these totals and numbers of hits are all.
    fn all(answers: &[(&str, u64)]) -> bool {
        let mut seen = Answers::default();
        for (total, hits) in answers {
            seen.begin(b"{}");
            seen.hits();
            if !total.is_empty() {
                seen.total(total.as_bytes());
            }
            (0..*hits).for_each(|_| seen.hit());
            seen.end();
        }
        seen.check().is_ok()
    }

    #[test]
    fn all_or_not() {
        const MANY: &str = r#"{"value":10,"relation":"gte"}"#;
        const FIVE: &str = r#"{"value":5,"relation":"eq"}"#;
        for answers in [
            vec![],
            vec![("0", 0)],
            vec![(FIVE, 5)],
            vec![(FIVE, 3), (FIVE, 2), (FIVE, 0)],
            // Two searches with as many hits.
            vec![("5", 5), ("5", 3), ("5", 2), ("4", 4)],
            vec![(MANY, 10), (MANY, 10), (MANY, 3)],
            vec![(MANY, 10), (MANY, 0)],
            vec![("", 10), ("", 0)],
        ] {
            assert!(all(&answers), "{answers:?}");
        }
        for answers in [
            vec![("5", 4)],
            vec![("5", 0)],
            vec![(FIVE, 5), (FIVE, 2)],
            vec![(FIVE, 3), ("6", 3)],
            vec![("0", 1)],
            vec![(MANY, 10)],
            vec![(MANY, 10), (MANY, 10)],
            vec![(MANY, 5), (MANY, 2)],
            vec![("", 10)],
        ] {
            assert!(!all(&answers), "{answers:?}");
        }
    }
}
