//! The documents of a simulation, and every state that a shelf ever had.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use stats_model::{
    Bookmark, Community, Day, DeletionStatus, DocumentKind, Fingerprint, GLOBAL, Shelf, Visibility,
};

use super::random::Random;

/// The kinds that responses are made from here: one, since several are asked for by threads at once, in
/// an order that no seed decides.
pub(super) const KINDS: [DocumentKind; 1] = [DocumentKind::UsageDelta];
/// The years of every community.
pub(super) const YEARS: [i16; 2] = [2024, 2025];
/// The communities that are there from the beginning, and one that comes later.
pub(super) const COMMUNITIES: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) sequence: u64,
    pub(super) bytes: Vec<u8>,
}

/// The documents of a shelf, by day and `_id`.
pub(super) type Documents = BTreeMap<(Day, String), Written>;

pub(super) struct Library {
    pub(super) sequence: u64,
    pub(super) shelves: BTreeMap<Shelf, Documents>,
    /// Which communities something was written or removed of, by the number of the change.
    pub(super) touched: Vec<(u64, DocumentKind, String)>,
    pub(super) bookmarks: BTreeMap<(DocumentKind, String), Bookmark>,
    /// How often bookmarks and communities changed.
    pub(super) moves: u64,
    pub(super) communities: BTreeMap<String, Community>,
    past: HashMap<(Shelf, Fingerprint), Documents>,
}

impl Library {
    pub(super) fn new(random: &mut Random) -> Self {
        let mut library = Self {
            sequence: 0,
            shelves: BTreeMap::new(),
            touched: Vec::new(),
            bookmarks: BTreeMap::new(),
            moves: 0,
            communities: BTreeMap::new(),
            past: HashMap::new(),
        };
        for id in &COMMUNITIES[..2] {
            library.found(id, random);
        }
        library.fill(GLOBAL, random);
        library
    }

    /// A community comes into being, with documents.
    pub(super) fn found(&mut self, id: &str, random: &mut Random) {
        self.moves += 1;
        let community = Community {
            id: id.to_owned(),
            slug: Some(format!("slug-{id}")),
            title: None,
            created: Day::new(2024, 1, 1),
            visibility: Visibility::Public,
            deletion: DeletionStatus::Published,
            dashboard_enabled: Some(true),
            dashboard_layout: None,
        };
        self.communities.insert(id.to_owned(), community);
        self.fill(id, random);
    }

    fn fill(&mut self, community: &str, random: &mut Random) {
        for kind in KINDS {
            for year in YEARS {
                let shelf = Shelf { kind, community: community.to_owned(), year };
                for _ in 0..3 + random.below(3) {
                    self.write(&shelf, random);
                }
            }
            self.complete(kind, community);
        }
    }

    /// A day is aggregated, or aggregated once more.
    pub(super) fn write(&mut self, shelf: &Shelf, random: &mut Random) {
        let month = u8::try_from(1 + random.below(5)).unwrap_or(1);
        let day = u8::try_from(1 + random.below(4)).unwrap_or(1);
        let Some(day) = Day::new(shelf.year, month, day) else { return };
        let bytes = document(shelf, day, random.below(1000));
        let sequence = self.change(shelf);
        let id = format!("{}-{day}", shelf.community);
        let documents = self.shelves.entry(shelf.clone()).or_default();
        documents.insert((day, id), Written { sequence, bytes });
        self.remember(shelf);
    }

    /// Days vanish: one, or about half of them. One is left, so that the kind still has its index.
    pub(super) fn remove(&mut self, shelf: &Shelf, many: bool, random: &mut Random) {
        let Some(documents) = self.shelves.get(shelf) else { return };
        let most = documents.len().saturating_sub(1);
        let wanted = if many { documents.len() / 2 } else { 1 };
        for _ in 0..wanted.min(most) {
            self.change(shelf);
            let Some(documents) = self.shelves.get_mut(shelf) else { return };
            let at = random.below(documents.len() as u64);
            let key = documents.keys().nth(usize::try_from(at).unwrap_or_default()).cloned();
            if let Some(key) = key {
                documents.remove(&key);
            }
            self.remember(shelf);
        }
    }

    /// The aggregation of a kind has gone as far as it can.
    pub(super) fn complete(&mut self, kind: DocumentKind, community: &str) {
        self.mark(kind, community, Day::new(2025, 6, 15));
    }

    /// It has gone so far; `None`: its bookmark was reset.
    pub(super) fn mark(&mut self, kind: DocumentKind, community: &str, day: Option<Day>) {
        self.moves += 1;
        let place = (kind, community.to_owned());
        match day {
            Some(day) => self.bookmarks.insert(place, Bookmark { day }),
            None => self.bookmarks.remove(&place),
        };
    }

    /// What a shelf held when it had this fingerprint; `None`: it never had it.
    pub(super) fn past(&self, shelf: &Shelf, fingerprint: Fingerprint) -> Option<&Documents> {
        self.past.get(&(shelf.clone(), fingerprint))
    }

    pub(super) fn fingerprint(&self, shelf: &Shelf) -> Fingerprint {
        let documents = self.shelves.get(shelf).into_iter().flatten();
        Fingerprint::of(documents.map(|(_, written)| written.sequence))
    }

    pub(super) fn communities_since(&self, kind: DocumentKind, since: u64) -> BTreeSet<String> {
        let of_kind = self.touched.iter().filter(|(at, of, _)| *at > since && *of == kind);
        of_kind.map(|(_, _, community)| community.clone()).collect()
    }

    fn change(&mut self, shelf: &Shelf) -> u64 {
        self.sequence += 1;
        self.touched.push((self.sequence, shelf.kind, shelf.community.clone()));
        self.sequence
    }

    fn remember(&mut self, shelf: &Shelf) {
        let documents = self.shelves.get(shelf).cloned().unwrap_or_default();
        self.past.insert((shelf.clone(), self.fingerprint(shelf)), documents);
    }
}

fn document(shelf: &Shelf, day: Day, number: u64) -> Vec<u8> {
    let head = format!(
        r#"{{"community_id":"{}","period_start":"{day}T00:00:00","period_end":"{day}T23:59:59","#,
        shelf.community
    );
    let usage = format!(
        r#""view":{{"total_events":{number},"unique_visitors":1,"unique_records":1,"unique_parents":1}},"download":{{"total_events":2,"unique_visitors":1,"unique_records":1,"unique_parents":1,"unique_files":1,"total_volume":{number}.5}}"#
    );
    let item = format!(r#"{{"id":"t{}","label":"T",{usage}}}"#, number % 3);
    let body = format!(
        r#""totals":{{{usage}}},"subcounts":{{"resource_types":[{item}],"languages":[]}}}}"#
    );
    format!("{head}{body}").into_bytes()
}
