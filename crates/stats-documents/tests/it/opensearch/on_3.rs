//! What the neighbours test on OpenSearch 2, once more on OpenSearch 3.

use stats_testkit::services::Release;

use super::support::on;

macro_rules! once_more {
    ($($module:ident: $($test:ident)+;)+) => {$(
        mod $module {
            use super::{Release, on};

            $(
                #[test]
                fn $test() {
                    on(Release::V3, crate::opensearch::$module::$test);
                }
            )+
        }
    )+};
}

once_more! {
    indices:
        a_kind_without_indices_is_an_error_and_not_empty
        an_index_of_two_shards
        equal_numbers_of_different_indices_lose_nothing
        the_corpus_has_communities_bookmarks_and_events
        year_indices_with_guessed_mappings;
    shelves:
        a_known_small_shelf_is_one_request_and_an_unknown_one_two
        a_refresh_of_the_clusters_own_leaves_it_open_what_is_shown
        a_write_is_noticed_again_when_it_becomes_visible
        days_with_several_documents_lie_on_page_borders_too
        every_search_is_one_in_the_primaries
        nothing_changed_is_one_request_and_one_change_is_named
        pages_follow_the_bytes_of_documents
        positions_without_the_right_to_statistics
        the_bundled_corpus_comes_back_byte_for_byte
        without_points_in_time_pages_are_compared;
}
