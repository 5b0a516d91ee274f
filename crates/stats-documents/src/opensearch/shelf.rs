//! Reads one shelf, page by page, with or without its documents.
//!
//! Pages also ask for count, highest and sum of the numbers of the whole shelf. These must be the
//! same each time and equal to what was received: then all pages saw one state and nothing was left
//! out. A shelf of more than two pages is read on at a point in time, whose first page alone is
//! compared; without one, every page is.
//!
//! Day and sequence number are equal for two documents only where they are of different indices
//! or shards. Pages follow each other at the border of days, wherever a day has more than one
//! document, so none of them is lost.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use stats_model::{Day, Fingerprint, Shelf};
use xxhash_rust::xxh3::xxh3_128;

use super::answer::{Buckets, Stats, Summary};
use super::body::{Body, LARGEST_PAGE as LARGEST_PAGE_BYTES};
use super::client::{Call, Client, Request};
use super::doubled::doubled;
use super::failure::Failure;
use super::hits::{Hit, HitReader};
use super::json::First;
use super::numbers;
use super::pit::PointInTime;
use super::primaries::{anywhere, is_refused};
use super::search;
use super::sizes::Sizes;
use super::targets::Target;
use crate::{Document, Visit};

/// The most hits that an index gives out at once, unless it was set up otherwise.
const LARGEST_PAGE: usize = 10_000;
/// The first page of a shelf whose documents may have any size.
const FIRST_PAGE: usize = 24;
/// No community has more documents of one kind in a year: that would be hundreds a day.
const MOST_DOCUMENTS: u64 = 200_000;
const MILLIS_PER_DAY: i64 = 86_400_000;

/// What is read of a shelf.
pub(super) struct Reading<'a> {
    pub(super) client: &'a Client,
    pub(super) sizes: &'a Sizes,
    /// How many bytes a page of documents should have.
    pub(super) page_bytes: usize,
    pub(super) call: &'a Call,
    pub(super) target: &'a Target,
    pub(super) shelf: &'a Shelf,
    pub(super) only: Option<&'a [String]>,
    /// Whether the documents' content is wanted.
    pub(super) whole: bool,
}

/// How far the reading has come.
#[derive(Default)]
struct Progress {
    /// Day and sequence number of the last hit that was handed over.
    after: Option<(i64, u64)>,
    /// What was handed over.
    seen: Tally,
    /// What the index says about all of the shelf.
    expected: Option<Fingerprint>,
    /// The ids of what was handed over, as their hashes.
    ids: HashSet<u128>,
    /// Whether a day has more than one document.
    crowded: bool,
    pit: Option<PointInTime>,
    /// Whether a point in time was asked for.
    pit_tried: bool,
    /// Whether a page at the point in time said the same about all of the shelf as the first one.
    confirmed: bool,
}

impl Progress {
    /// How many documents were not handed over yet.
    fn left(&self) -> u64 {
        self.expected.map_or(0, |expected| expected.count).saturating_sub(self.seen.documents)
    }

    /// Whether all further pages show the state that the first one did: they need not say so.
    fn is_confirmed(&self) -> bool {
        self.confirmed && self.pit.is_some()
    }
}

#[derive(Default)]
struct Tally {
    documents: u64,
    max: u64,
    sum: u64,
    bytes: u64,
}

/// How a page ended.
enum Page {
    /// There may be more.
    Full { handed_over: bool },
    /// It was the last one.
    Last,
    /// The receiver has seen enough.
    Stopped,
}

impl Reading<'_> {
    /// Hands everything over to `visit`, in (day, `_id`) order.
    pub(super) fn run(&self, visit: &mut Visit<'_>) -> Result<(), Failure> {
        let mut progress = Progress::default();
        let mut size = self.first_size();
        let client = self.client;
        let mut attempts = client.attempts(self.call);
        let result = loop {
            match self.page(&mut progress, size, visit) {
                Ok(Page::Stopped) => break Ok(()),
                Ok(Page::Last) => break self.verify(&progress),
                Ok(Page::Full { handed_over }) => {
                    attempts = client.attempts(self.call);
                    size = if handed_over { self.next_size(&progress, size) } else { size * 2 };
                    if size > LARGEST_PAGE {
                        let message = format!("more than {LARGEST_PAGE} documents on one day");
                        break Err(Failure::Malformed(message));
                    }
                    if !progress.pit_tried && progress.left() > size as u64 {
                        progress.pit_tried = true;
                        progress.pit = PointInTime::open(client, self.call, &self.target.name)?;
                    }
                }
                Err(Failure::Ambiguous(id)) => {
                    break Err(doubled(client, self.call, &self.target.name, &id));
                }
                Err(failure) => {
                    if matches!(failure, Failure::Body(_)) {
                        client.note_outage(&failure);
                    }
                    if let Err(failure) = attempts.again(failure) {
                        break Err(failure);
                    }
                }
            }
        };
        if let Some(pit) = progress.pit.take() {
            pit.close(client, self.call);
        }
        if self.whole && result.is_ok() && progress.seen.documents > 0 {
            let mean = progress.seen.bytes / progress.seen.documents;
            self.sizes.remember(self.shelf, mean.max(1));
        }
        result
    }

    /// One attempt at one page. Documents of a day are handed over once the day is over.
    fn page(
        &self,
        progress: &mut Progress,
        size: usize,
        visit: &mut Visit<'_>,
    ) -> Result<Page, Failure> {
        let client = self.client;
        let mut body = self.send(&self.request(progress, size))?;
        let room = std::mem::take(&mut body.room);
        let mut reader = HitReader::new(body, room, &client.style);
        let (mut received, mut held, mut handed_over) = (0, Vec::<Hit>::new(), false);
        while let Some(hit) = reader.next_hit()? {
            received += 1;
            if received > size {
                return Err(Failure::Malformed("more hits than were asked for".to_owned()));
            }
            let place = (hit.millis, hit.sequence);
            let in_order = match held.last() {
                Some(last) => (last.millis, last.sequence) <= place,
                None => progress.after.is_none_or(|after| after < place),
            };
            if !in_order {
                return Err(Failure::Malformed("hits out of order".to_owned()));
            }
            if held.last().is_some_and(|other| day(other) != day(&hit)) {
                handed_over = true;
                if self.hand_over(&reader, &mut held, progress, visit)?.is_break() {
                    return Ok(Page::Stopped);
                }
                reader.release_before(&hit);
            }
            held.push(hit);
        }
        // The last day of a page goes on in the next one, perhaps; only the summary can tell.
        if held.is_empty() {
            reader.release();
        }
        let summary = reader.finish()?;
        let expected = self.compare(summary, progress, received)?;
        let last_page =
            received < size || progress.seen.documents + held.len() as u64 == expected.count;
        if last_page || !progress.crowded {
            handed_over = true;
            if self.hand_over(&reader, &mut held, progress, visit)?.is_break() {
                return Ok(Page::Stopped);
            }
        }
        Ok(if last_page { Page::Last } else { Page::Full { handed_over } })
    }

    fn send(&self, request: &Request) -> Result<Body<'_>, Failure> {
        let client = self.client;
        match (client.send(self.call, request), anywhere(request)) {
            (Err(failure), Some(request)) if is_refused(&failure) => {
                client.send(self.call, &request)
            }
            (answer, _) => answer,
        }
    }

    /// Hands over what is held, which is of one day unless the page is at its end.
    fn hand_over<R: std::io::Read>(
        &self,
        reader: &HitReader<'_, R>,
        held: &mut Vec<Hit>,
        progress: &mut Progress,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, Failure> {
        if let [hit] = held[..] {
            held.clear();
            let (id, source) = (reader.id(&hit)?, reader.source(&hit));
            return give(&hit, &id, source, progress, visit);
        }
        // `after` must end up at the highest number of the day, whatever the order of the ids.
        let last = held.iter().map(|hit| (hit.millis, hit.sequence)).max();
        let of_day = held.iter().map(|hit| Ok((reader.id(hit)?, hit)));
        let mut of_day = of_day.collect::<Result<Vec<_>, Failure>>()?;
        of_day.sort_by(|(one, first), (other, second)| {
            (day(first), one.as_bytes()).cmp(&(day(second), other.as_bytes()))
        });
        for (id, hit) in of_day {
            let source = reader.source(hit);
            if give(hit, &id, source, progress, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        held.clear();
        progress.after = last.or(progress.after);
        Ok(ControlFlow::Continue(()))
    }

    fn request(&self, progress: &Progress, size: usize) -> Request {
        let mut filter = vec![
            self.target.communities(std::slice::from_ref(&self.shelf.community)),
            year(self.shelf),
        ];
        if let Some(ids) = self.only {
            filter.push(json!({"ids": {"values": ids}}));
        }
        let mut body = json!({
            "size": size,
            "query": {"bool": {"filter": filter}},
            "sort": [{self.shelf.kind.day_field(): "asc"}, {"_seq_no": "asc"}],
            "seq_no_primary_term": true,
            "track_total_hits": false,
        });
        if !progress.is_confirmed() {
            body["aggs"] = json!({
                "shelf": numbers::sums(),
                "crowded": {"date_histogram": {
                    "field": self.shelf.kind.day_field(), "calendar_interval": "1d", "min_doc_count": 2,
                }},
            });
            // Else segments that lie wholly before `search_after` are skipped, and the statistics
            // miss their documents.
            body["track_total_hits"] = json!(progress.after.is_some());
        }
        if !self.whole {
            body["_source"] = json!(false);
        }
        if let Some((millis, sequence)) = progress.after {
            body["search_after"] = json!([millis, sequence]);
        }
        let request = search::request(&self.target.name, progress.pit.as_ref(), body);
        Request { large: self.whole, limit: LARGEST_PAGE_BYTES, ..request }
    }

    /// Takes what a page says about the whole shelf, or compares it with what earlier pages said.
    fn compare(
        &self,
        summary: Summary<OfShelf>,
        progress: &mut Progress,
        received: usize,
    ) -> Result<Fingerprint, Failure> {
        if let (true, Some(expected)) = (progress.is_confirmed(), progress.expected) {
            return Ok(expected);
        }
        let OfShelf { shelf, crowded } = summary.aggregations()?;
        let fingerprint = numbers::fingerprint(shelf.as_ref(), Some(received as u64))?;
        progress.crowded = crowded.buckets.0.is_some();
        progress.confirmed = progress.pit.is_some();
        let expected = *progress.expected.get_or_insert(fingerprint);
        if expected != fingerprint {
            return Err(Failure::Changed(format!(
                "it changed while it was read: {expected}, then {fingerprint}"
            )));
        }
        Ok(expected)
    }

    fn verify(&self, progress: &Progress) -> Result<(), Failure> {
        let Tally { documents, max, sum, .. } = progress.seen;
        let seen = Fingerprint { count: documents, max, sum };
        match progress.expected {
            Some(expected) if expected == seen => Ok(()),
            Some(expected) => {
                Err(Failure::Incomplete(format!("the index holds {expected}, but sent {seen}")))
            }
            None => Err(Failure::Malformed("no summary of the shelf".to_owned())),
        }
    }

    fn first_size(&self) -> usize {
        let wanted = if !self.whole {
            LARGEST_PAGE / 2
        } else {
            match self.sizes.mean(self.shelf) {
                Some(mean) => self.pages_of(mean),
                None => FIRST_PAGE,
            }
        };
        // One more than can come, so that the page is known to be the last one.
        self.only.map_or(wanted, |ids| wanted.min(ids.len() + 1)).max(1)
    }

    fn next_size(&self, progress: &Progress, size: usize) -> usize {
        if !self.whole || progress.seen.documents == 0 {
            return size;
        }
        self.pages_of(progress.seen.bytes / progress.seen.documents)
    }

    fn pages_of(&self, mean: u64) -> usize {
        let documents = self.page_bytes as u64 / mean.max(1);
        usize::try_from(documents).unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE)
    }
}

/// What a page says about all of its shelf.
#[derive(Deserialize)]
struct OfShelf {
    shelf: Option<Stats>,
    /// The days with more than one document.
    crowded: Buckets<First<IgnoredAny>>,
}

fn give(
    hit: &Hit,
    id: &str,
    source: &[u8],
    progress: &mut Progress,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, Failure> {
    let day = day_of(hit.millis).ok_or_else(|| {
        Failure::Malformed(format!("document {id} has no day in years 1 to 9999"))
    })?;
    let sequence = hit.sequence;
    if !progress.ids.insert(xxh3_128(id.as_bytes())) {
        return Err(Failure::Ambiguous(id.to_owned()));
    }
    if progress.seen.documents == MOST_DOCUMENTS {
        let what = format!("more than {MOST_DOCUMENTS} documents on one shelf");
        return Err(Failure::TooLarge(what));
    }
    progress.after = Some((hit.millis, hit.sequence));
    progress.seen.documents += 1;
    progress.seen.max = progress.seen.max.max(sequence);
    // Each is below 2^53, so all of them are far below 2^64.
    progress.seen.sum = progress.seen.sum.saturating_add(sequence);
    progress.seen.bytes += hit.length();
    Ok(visit(Document { id, day, sequence, source }))
}

fn day(hit: &Hit) -> i64 {
    hit.millis.div_euclid(MILLIS_PER_DAY)
}

/// The UTC day of a time in milliseconds since 1970.
pub(super) fn day_of(millis: i64) -> Option<Day> {
    let date = jiff::tz::Offset::UTC.to_datetime(Timestamp::from_millisecond(millis).ok()?).date();
    Day::new(date.year(), u8::try_from(date.month()).ok()?, u8::try_from(date.day()).ok()?)
}

/// The filter for the days of a shelf's year.
fn year(shelf: &Shelf) -> Value {
    let bounds = json!({
        "gte": format!("{:04}-01-01T00:00:00", shelf.year),
        "lte": format!("{:04}-12-31T23:59:59", shelf.year),
    });
    json!({"range": {shelf.kind.day_field(): bounds}})
}
