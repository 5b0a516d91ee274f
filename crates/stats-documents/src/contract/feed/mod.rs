//! The suite of [`Feed`]: what shelves hold, and what changed on them.

mod bookmarks;
mod changes;
mod documents;
mod meanwhile;
mod moves;
mod pulse;

use stats_model::DocumentKind;

pub use self::bookmarks::*;
pub use self::changes::*;
pub use self::documents::*;
pub use self::meanwhile::*;
pub use self::moves::*;
pub use self::pulse::*;
use super::given::{GivenBookmark, GivenDocument};
use crate::Feed;

/// Writes documents behind the back of whoever reads them.
pub type Writer<'a> = Box<dyn Fn(&[GivenDocument]) + Send + 'a>;

/// Fills a source for one case. Every write is visible when the method returns. A harness begins
/// empty, and shares nothing with others.
pub trait FeedHarness {
    /// The source under test.
    fn feed(&self) -> &dyn Feed;

    /// Writes documents, in this order; those with a known `_id` are replaced.
    fn put(&mut self, documents: &[GivenDocument]);

    /// Removes documents.
    fn remove(&mut self, kind: DocumentKind, ids: &[&str]);

    /// Takes everything of a kind away, and its index where kinds have one.
    fn remove_kind(&mut self, kind: DocumentKind);

    /// Writes bookmarks.
    fn put_bookmarks(&mut self, bookmarks: &[GivenBookmark]);

    /// Removes the documents of these bookmarks.
    fn remove_bookmarks(&mut self, ids: &[&str]);

    /// Writes documents as [`put`](Self::put) does, while the source is read.
    fn writer(&self) -> Writer<'_>;
}

/// Makes a test of each case of the suite.
///
/// * `start` can be called without arguments and returns `Option<impl FeedHarness>`. With `None` the
///   test is skipped, and whoever returns it says why.
/// * `equal_writes_keep_their_numbers`: whether writing the same bytes again leaves a document its
///   number; an index gives it a new one.
/// * `bytes_are_kept`: whether documents come byte for byte as they were written; what stands in
///   between may write the same JSON in another way.
/// * `kinds_have_indices`: whether a kind can be missing, and not only have no documents.
/// * `shelves_are_there_throughout`: whether a shelf can be read at any time while it is written over;
///   otherwise it may be [`NotFound`](crate::Amiss::NotFound) until it is whole again.
/// * `longest_id`: of an `_id` that can be stored, in bytes.
#[macro_export]
macro_rules! feed_contract {
    (
        start: $start:expr,
        equal_writes_keep_their_numbers: $equal_writes_keep_their_numbers:expr,
        bytes_are_kept: $bytes_are_kept:expr,
        kinds_have_indices: $kinds_have_indices:expr,
        shelves_are_there_throughout: $shelves_are_there_throughout:expr,
        longest_id: $longest_id:expr $(,)?
    ) => {
        $crate::conformance_tests! { $start =>
            an_empty_feed_is_empty()
            documents_come_in_order()
            kinds_communities_and_years_are_apart()
            bytes_come_back_as_they_were($bytes_are_kept)
            only_some_documents()
            a_visit_can_end_early()
            unusual_ids_and_communities($longest_id)
            many_threads_may_read()
            what_is_written_meanwhile_is_not_mixed_in()
            what_is_written_while_others_read_is_not_mixed_in($shelves_are_there_throughout)
            fingerprints_are_those_of_the_manifests()
            filters_select_fingerprints()
            nothing_changes_without_writes()
            equal_writes_keep_numbers_or_raise_them($equal_writes_keep_their_numbers)
            a_replacement_gets_a_higher_number()
            a_removal_is_seen()
            a_document_can_change_its_shelf()
            what_leaves_a_shelf_is_noticed()
            a_document_comes_and_goes_between_two_looks()
            a_document_comes_and_goes_and_is_seen_each_time()
            unknown_positions_mean_everything()
            a_kind_that_is_gone_is_empty_or_no_answer($kinds_have_indices)
            bookmarks_by_community()
            the_regular_bookmark_counts_else_the_newest()
            bookmarks_that_were_reset_are_gone()
            a_pulse_tells_of_every_write()
        }
    };
}

/// One test for each of some cases, which are functions of `contract` that take a harness and, in
/// brackets, how the source differs from others.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_tests {
    ($start:expr => $($case:ident($($how:expr)?))+) => {$(
        #[test]
        fn $case() {
            if let Some(mut harness) = ($start)() {
                $crate::contract::$case(&mut harness $(, $how)?);
            }
        }
    )+};
}
