//! The conformance suites: what every [`Feed`](crate::Feed) and every
//! [`Directory`](crate::Directory) must do, whatever is behind it.
//!
//! A source comes with a harness for each trait that it has ([`FeedHarness`],
//! [`DirectoryHarness`]), which fills it. [`feed_contract!`](crate::feed_contract) and
//! [`directory_contract!`](crate::directory_contract) make one test of every case, with a harness of
//! its own:
//!
//! ```text
//! mod archive {
//!     stats_documents::feed_contract! {
//!         start: super::Place::start,
//!         equal_writes_keep_their_numbers: true,
//!         bytes_are_kept: true,
//!         kinds_have_indices: false,
//!         shelves_are_there_throughout: true,
//!         longest_id: 8 * 1024,
//!     }
//! }
//! ```
//!
//! In what sources may differ is named where the suite is called, and no case is left out for it: it
//! expects the one or the other. A case that fails panics and says what differs. A bug found in one
//! source becomes a case here, for all.

mod answers;
mod directory;
mod feed;
mod given;

pub use self::directory::*;
pub use self::feed::*;
pub use self::given::{GivenBookmark, GivenDocument, given};

#[cfg(test)]
mod tests {
    /// The case's name stands in a file of cases and in the list of a suite.
    #[test]
    fn no_case_is_left_out_of_its_suite() {
        let suites = [
            (
                include_str!("feed/mod.rs"),
                [
                    include_str!("feed/bookmarks.rs"),
                    include_str!("feed/changes.rs"),
                    include_str!("feed/documents.rs"),
                    include_str!("feed/meanwhile.rs"),
                    include_str!("feed/moves.rs"),
                    include_str!("feed/pulse.rs"),
                ]
                .concat(),
            ),
            (include_str!("directory.rs"), include_str!("directory.rs").to_owned()),
        ];
        for (suite, cases) in suites {
            let names = cases.split("\npub fn ").skip(1);
            for name in names.map(|rest| rest.split('(').next().unwrap_or_default()) {
                assert!(suite.contains(&format!("\n            {name}(")), "{name}");
            }
        }
    }
}
