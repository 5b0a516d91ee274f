//! Cases about what is written while a source is read.
#![allow(clippy::missing_panics_doc, reason = "a case panics when the source breaks the contract")]

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use stats_model::Shelf;

use super::FeedHarness;
use crate::Amiss::{Inconsistent, NotFound};
use crate::Feed;
use crate::SourceErrorKind;
use crate::contract::answers::{KIND, Visited, all_fingerprints, ids, shelf, visited};
use crate::contract::given::{GivenDocument, given};

/// Several threads that read get what one alone gets.
pub fn many_threads_may_read(harness: &mut dyn FeedHarness) {
    let mut documents = Vec::new();
    for community in 0..6 {
        let name = format!("c{community}");
        for n in 1..=28 {
            let (id, day) = (format!("{name}-{n}"), format!("2025-02-{n:02}"));
            documents.push(given(KIND, &id, &name, &day, n));
        }
    }
    harness.put(&documents);
    let feed = harness.feed();
    let shelf_of = |n: usize| shelf(KIND, &format!("c{n}"), 2025);
    let alone: Vec<Vec<Visited>> = (0..6).map(|n| visited(feed, &shelf_of(n), None)).collect();
    thread::scope(|scope| {
        for thread in 0..8 {
            let (alone, shelf_of) = (&alone, &shelf_of);
            scope.spawn(move || {
                for round in 0..12 {
                    let n = (thread + round) % 6;
                    assert_eq!(visited(feed, &shelf_of(n), None), alone[n]);
                    assert_eq!(all_fingerprints(feed).len(), 6);
                }
            });
        }
    });
}

/// Documents that are written over in the middle of a reading of their shelf: all of them are of one
/// state, or it is an error.
pub fn what_is_written_meanwhile_is_not_mixed_in(harness: &mut dyn FeedHarness) {
    harness.put(&year(1));
    let a = shelf(KIND, "a", 2025);
    ids(harness.feed(), &a);
    for (round, at) in [(2, 1), (3, 30), (4, 59)] {
        let writer = harness.writer();
        let mut seen = 0;
        let read = read(harness.feed(), &a, &mut || {
            seen += 1;
            if seen == at {
                writer(&year(round));
            }
        });
        drop(writer);
        let states = [contents(&year(round - 1)), contents(&year(round))];
        match read {
            Ok(found) => assert!(states.contains(&found), "a mixture of two states"),
            Err(kind) => assert_eq!(kind, SourceErrorKind::Own(Inconsistent)),
        }
        assert!(
            read_whole(harness.feed(), &a) == contents(&year(round)),
            "what was written is read afterwards"
        );
    }
}

/// The same while another thread writes and does not wait for readers.
pub fn what_is_written_while_others_read_is_not_mixed_in(
    harness: &mut dyn FeedHarness,
    shelves_are_there_throughout: bool,
) {
    const ROUNDS: u32 = 6;
    harness.put(&year(1));
    let a = shelf(KIND, "a", 2025);
    let states: Vec<Vec<Vec<u8>>> = (1..=ROUNDS).map(|round| contents(&year(round))).collect();
    let (feed, writer) = (harness.feed(), harness.writer());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    match read(feed, &a, &mut || {}) {
                        Ok(found) => assert!(states.contains(&found), "a mixture of states"),
                        Err(SourceErrorKind::Own(NotFound)) if !shelves_are_there_throughout => {}
                        Err(kind) => assert_eq!(kind, SourceErrorKind::Own(Inconsistent)),
                    }
                }
            });
        }
        let writing = Ended(&done);
        (2..=ROUNDS).for_each(|round| writer(&year(round)));
        drop(writing);
    });
    assert!(read_whole(feed, &a) == contents(&year(ROUNDS)), "the last state is read");
}

/// Tells when the writing has ended, also when it failed.
struct Ended<'a>(&'a AtomicBool);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Sixty documents of one shelf.
fn year(value: u32) -> Vec<GivenDocument> {
    let document = |n: u32| {
        let day = format!("2025-{:02}-{:02}", 1 + n / 28, 1 + n % 28);
        given(KIND, &format!("a-{n:02}"), "a", &day, value)
    };
    (1..=60).map(document).collect()
}

fn contents(documents: &[GivenDocument]) -> Vec<Vec<u8>> {
    documents.iter().map(|document| document.source.clone().into_bytes()).collect()
}

/// The documents of a shelf, or why they could not be read.
fn read(
    feed: &dyn Feed,
    shelf: &Shelf,
    each: &mut dyn FnMut(),
) -> Result<Vec<Vec<u8>>, SourceErrorKind> {
    let mut found = Vec::new();
    let read = feed.documents(shelf, None, &mut |document| {
        found.push(document.source.to_vec());
        each();
        ControlFlow::Continue(())
    });
    read.map(|()| found).map_err(|error| error.kind())
}

fn read_whole(feed: &dyn Feed, shelf: &Shelf) -> Vec<Vec<u8>> {
    visited(feed, shelf, None).into_iter().map(|it| it.source).collect()
}
